import { readFile } from 'node:fs/promises'
import type { Agent, Dispatcher } from 'undici'
import type { Clock } from '../../clock.ts'

/** What is read of an answer; the rest is dropped. */
const MAX_ANSWER_BYTES = 64 * 1024

/** What is sent. */
export interface Sent {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
}

export interface Answered {
  status: number
  body: string
}

/**
 * Connections to hooks and checks: few, short-lived, redirects are never followed. undici is loaded by the first exchange:
 * where nothing is asked it would only cost memory. One owner closes it; `close` gives up what is on its way.
 */
export class HookClient {
  readonly clock: Clock
  readonly #caFile: string | undefined
  #agent: Promise<Agent> | undefined

  /** `caFile`: who vouches for the other side; the system's authorities where it is not given. */
  constructor(clock: Clock, caFile?: string) {
    this.clock = clock
    this.#caFile = caFile
  }

  /** One exchange within `timeoutMs`, its answer bounded. Throws what went wrong. */
  async exchange(url: string, sent: Sent, timeoutMs: number, signal: AbortSignal): Promise<Answered> {
    const late = new AbortController()
    const stop = this.clock.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)))
    try {
      const { request } = await import('undici')
      this.#agent ??= connect(this.#caFile)
      const response = await request(url, {
        ...sent,
        dispatcher: await this.#agent,
        signal: AbortSignal.any([signal, late.signal]),
      })
      return { status: response.statusCode, body: await bounded(response.body) }
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error
    } finally {
      stop()
    }
  }

  async close(): Promise<void> {
    // An authority that could not be read was told to who asked.
    const agent = await this.#agent?.catch(() => undefined)
    await agent?.destroy()
  }
}

async function connect(caFile: string | undefined): Promise<Agent> {
  const { Agent } = await import('undici')
  const ca = caFile === undefined ? undefined : await readFile(caFile)
  return new Agent({
    connections: 4,
    pipelining: 1,
    keepAliveTimeout: 1000,
    ...(ca === undefined ? {} : { connect: { ca } }),
  })
}

async function bounded(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_ANSWER_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8')
}
