import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { CliError, Exit } from './exit.ts'

/** Where the admin API is and how to speak to it. */
export interface Target {
  /** `http://127.0.0.1:8081`, without a slash at the end. */
  server: string
  token?: string
  /** Files for TLS: the server's CA, the client's certificate and its key. */
  caFile?: string
  certFile?: string
  keyFile?: string
}

export interface Reply {
  status: number
  contentType: string
  body: string
}

/** Without a byte for this long the other side is taken for dead; heartbeats come every 15 s. */
const SILENCE_MS = 45_000
/** The API never says more than this in one answer. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024

/** One call. Rejects with a CliError if the server cannot be reached. */
export async function send(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Reply> {
  const response = await open(target, method, path, body, signal)
  let text = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk
      if (text.length > MAX_REPLY_BYTES) throw new Error('the answer is too long')
    }
  } catch (error) {
    throw unreachable(target, error)
  }
  return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: text }
}

/** Sends a request and resolves with the response as soon as its head is there. */
export function open(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<http.IncomingMessage> {
  const url = new URL(target.server + path)
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const headers: Record<string, string> = { accept: 'application/json, text/event-stream' }
  if (target.token !== undefined) headers.authorization = `Bearer ${target.token}`
  if (payload !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(payload))
  }
  const client = url.protocol === 'https:' ? https : http
  const tls = url.protocol === 'https:' ? tlsFiles(target) : {}
  return new Promise((resolve, reject) => {
    // No agent: one command, few calls, and no idle socket that keeps the process.
    const request = client.request(url, { method, headers, agent: false, ...(signal ? { signal } : {}), ...tls })
    request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`no answer for ${SILENCE_MS / 1000} s`)))
    request.on('response', resolve)
    request.on('error', (error) => reject(unreachable(target, error)))
    request.end(payload)
  })
}

function tlsFiles({ caFile, certFile, keyFile }: Target): https.RequestOptions {
  return {
    ...(caFile === undefined ? {} : { ca: pem(caFile, '--ca-file') }),
    ...(certFile === undefined ? {} : { cert: pem(certFile, '--cert-file') }),
    ...(keyFile === undefined ? {} : { key: pem(keyFile, '--key-file') }),
  }
}

function pem(file: string, option: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CliError(Exit.usage, `cannot read ${file}: ${(error as Error).message}`, `Check ${option}.`)
  }
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an unknown CA',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  EPROTO: 'it does not speak TLS as expected',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
}

/** Says what is wrong with the way to the server and what can be done. */
export function unreachable(target: Target, error: unknown): CliError {
  if (error instanceof CliError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const reason = REASONS[code] ?? (message || code)
  const certificate = /certificate/.test(reason)
  const hint = certificate ? 'Use --ca-file.' : 'Is `streamgate run` running? Use --server.'
  return new CliError(Exit.unreachable, `cannot reach ${target.server}: ${reason}.`, hint)
}
