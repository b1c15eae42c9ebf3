import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import type { HookAnswer } from '../release/observation.ts'
import type { Answered, HookClient } from './client.ts'

/** Signs `timestamp.body`; the receiver compares and refuses old timestamps. */
export const SIGNATURE_HEADER = 'x-streamgate-signature'
export const TIMESTAMP_HEADER = 'x-streamgate-timestamp'
/** What is shown of an answer. */
const SHOWN = 200
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 5000

export interface Call {
  url: string
  body: string
  timeoutMs: number
  /** Extra tries after no answer, 429 or 5xx. */
  retries: number
  secretFile?: string | undefined
}

export const signature = (secret: string | Buffer, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`

/** Posts the body and says whether the answer was 2xx, trying again where that may help. Never throws. */
export async function callHook(client: HookClient, call: Call, signal: AbortSignal): Promise<HookAnswer> {
  let answer: HookAnswer = { result: 'unreachable', detail: 'not asked' }
  for (let attempt = 0; attempt <= call.retries && !signal.aborted; attempt++) {
    if (attempt > 0) await pause(client.clock, Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS), signal)
    try {
      const { status, body } = await post(client, call, signal)
      if (status >= 200 && status < 300) return { result: 'passed', detail: `${status}` }
      const says = body.trim() === '' ? '' : `: ${shown(body)}`
      const moved = status >= 300 && status < 400 ? ' (redirects are not followed)' : ''
      answer = { result: 'refused', detail: `${hostOf(call.url)} answered ${status}${moved}${says}` }
      // Too many requests and the server's own mistakes may pass; anything else is an answer.
      if (status !== 429 && status < 500) return answer
    } catch (error) {
      answer = { result: 'unreachable', detail: `${hostOf(call.url)}: ${reasonOf(error, call.timeoutMs)}` }
    }
  }
  return answer
}

async function post(client: HookClient, call: Call, signal: AbortSignal): Promise<Answered> {
  const timestamp = String(Math.floor(client.clock.wallMs() / 1000))
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'streamgate' }
  if (call.secretFile !== undefined) {
    headers[TIMESTAMP_HEADER] = timestamp
    headers[SIGNATURE_HEADER] = signature(await readSecret(call.secretFile), timestamp, call.body)
  }
  return client.exchange(call.url, { method: 'POST', headers, body: call.body }, call.timeoutMs, signal)
}

/** A secret from a file, without the newline that editors add. */
export async function readSecret(file: string): Promise<Buffer> {
  const text = await readFile(file)
  let end = text.length
  while (end > 0 && (text[end - 1] === 10 || text[end - 1] === 13)) end--
  return text.subarray(0, end)
}

/** Resolves after `ms`, or when `signal` is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const stop = clock.after(ms, done)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}

/** The address for sentences and logs: a password, path or query may be the credential, as with Slack. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return 'the hook'
  }
}

export function reasonOf(error: unknown, timeoutMs: number): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND') return 'its name does not resolve'
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${timeoutMs} ms`
  if (code === 'ENOENT') return `the secret cannot be read: ${message}`
  return message === '' || message === undefined ? String(code ?? error) : message
}

const shown = (text: string): string => {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}...` : line
}
