import type { UpstreamFailure } from './call.ts'

/** Our own reasons to end a call; `code` tells them from everything that sockets and undici report. */
export class CallError extends Error {
  readonly code: 'ABORTED' | 'CONNECT_TIMEOUT' | 'RESPONSE_TIMEOUT' | 'IDLE_TIMEOUT'
  constructor(code: CallError['code'], message: string) {
    super(message)
    this.name = 'CallError'
    this.code = code
  }
}

/** How far a call had come when it failed. */
export interface CallProgress {
  /** The request was begun on an established connection. */
  started: boolean
  /** The connection had served a request before. */
  reused: boolean
  /** A byte of an answer had arrived. */
  answered: boolean
}

/** The connection ended under the request: with a FIN, an RST, or a write that found it gone. */
const CONNECTION_LOST = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_INFO',
])

/** Nobody upstream is to blame: our abort, or a request that could not be sent as the client gave it. */
const OWN = new Set([
  'ABORTED',
  'UND_ERR_ABORTED',
  'UND_ERR_ABORT',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
])

const TIMEOUTS = new Set([
  'CONNECT_TIMEOUT',
  'RESPONSE_TIMEOUT',
  'IDLE_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])

/**
 * The one place where an error of the wire gets its meaning. `connect`: no connection was established, whatever the
 * reason but time (refused, unreachable, a certificate that does not verify). `timeout`: connect, response or idle. `reset`:
 * everything else that an endpoint can do to a request: cut it, answer garbage, a head that is too large, a body that
 * is not as long as announced. A request that was not begun on a connection is `unsent`.
 */
export function classify(error: Error, progress: CallProgress): UpstreamFailure {
  const code = (error as { code?: unknown }).code
  const text = typeof code === 'string' ? code : ''
  const { started, reused, answered } = progress
  const unsent = !started
  if (OWN.has(text)) return { kind: 'aborted', reused: false, unsent, cause: error }
  if (TIMEOUTS.has(text)) return { kind: 'timeout', reused: false, unsent, cause: error }
  if (unsent) return { kind: 'connect', reused: false, unsent, cause: error }
  return { kind: 'reset', reused: reused && !answered && CONNECTION_LOST.has(text), unsent, cause: error }
}
