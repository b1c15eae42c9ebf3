import type { FailureKind } from '../metrics/index.ts'

/** One row of the table of errors. */
export interface ErrorSpec {
  /** Answer to the client; 499 is never sent, only logged. */
  status: number
  /** Who caused it: the client's side, the variant's side, or the proxy itself. */
  source: 'downstream' | 'upstream' | 'internal'
  /**
   * Whether another attempt within the variant is safe. `always`: the request cannot have reached the program, whatever
   * the method. `reused-only`: the same, but only on a connection that had served a request before and gave no byte of
   * an answer; otherwise the Gate's `retries.on` and an idempotent method decide. `never`: a repetition changes nothing.
   */
  retry: 'never' | 'always' | 'reused-only'
  /** How it counts against the variant in metrics and analysis; undefined: it is nobody's failure or not the variant's. */
  kind: FailureKind | undefined
  /** `streamgate.flags` in the access log, after Envoy's response flags. */
  flag: string
  /** Title of the problem document: constant, tells nothing of the inside. */
  title: string
}

const row = (
  status: number,
  source: ErrorSpec['source'],
  retry: ErrorSpec['retry'],
  kind: FailureKind | undefined,
  flag: string,
  title: string,
): ErrorSpec => ({ status, source, retry, kind, flag, title })

/** What a client sent is wrong: never repeated, nobody's failure, flag DPE (downstream protocol error). */
const bad = (status: number, title: string): ErrorSpec => row(status, 'downstream', 'never', undefined, 'DPE', title)

/**
 * The one table of errors. The key is the code: `x-streamgate-reason`, the end of the problem's `type`, and the log.
 * Flags: UH no healthy endpoint, UF connect failure, UC upstream connection terminated, UPE upstream protocol error,
 * UT upstream timeout, UO overflow, SI stream idle, DC downstream disconnect, DPE downstream protocol error, DT
 * downstream timeout, NR no route, LR loop, DR draining, IE internal error.
 */
export const ERRORS = {
  'no-route': row(404, 'downstream', 'never', undefined, 'NR', 'No route'),
  'no-endpoint': row(503, 'upstream', 'never', 'unavailable', 'UH', 'Service unavailable'),
  overflow: row(503, 'upstream', 'never', 'overflow', 'UO', 'Service overloaded'),
  'connect-failed': row(502, 'upstream', 'always', 'connect', 'UF', 'Bad gateway'),
  /** A connect failure as well, so `retries.on: [connect]` covers it, but a slow upstream is 504. */
  'connect-timeout': row(504, 'upstream', 'always', 'connect', 'UF', 'Gateway timeout'),
  /** The connection ended before the answer was complete. */
  'upstream-reset': row(502, 'upstream', 'reused-only', 'reset', 'UC', 'Bad gateway'),
  /** An answer that is no valid HTTP: status, framing or header bytes. */
  'upstream-protocol': row(502, 'upstream', 'never', 'reset', 'UPE', 'Bad gateway'),
  'response-timeout': row(504, 'upstream', 'never', 'timeout', 'UT', 'Gateway timeout'),
  /** The body of the answer made no progress for the idle time. */
  'upstream-idle': row(504, 'upstream', 'never', 'timeout', 'SI', 'Gateway timeout'),
  'bad-request': bad(400, 'Bad request'),
  'bad-method': bad(400, 'Bad method'),
  'bad-target': bad(400, 'Bad request target'),
  /** The path could be read as one of another route, or leaves the root. */
  'unsafe-path': bad(400, 'Ambiguous path'),
  'bad-host': bad(400, 'Bad host'),
  'bad-header-name': bad(400, 'Bad header name'),
  'bad-header-value': bad(400, 'Bad header value'),
  'bad-content-length': bad(400, 'Bad content length'),
  'bad-transfer-encoding': bad(400, 'Bad transfer encoding'),
  /** Content-Length together with Transfer-Encoding, or a framing that this HTTP version does not have. */
  'ambiguous-framing': bad(400, 'Ambiguous framing'),
  /** A field of a connection where HTTP/2 has none (RFC 9113, 8.2.2). */
  'connection-header': bad(400, 'Connection-specific header'),
  'method-not-allowed': bad(405, 'Method not allowed'),
  'header-timeout': row(408, 'downstream', 'never', undefined, 'DT', 'Request timeout'),
  'body-timeout': row(408, 'downstream', 'never', undefined, 'DT', 'Request timeout'),
  'body-too-large': bad(413, 'Content too large'),
  'uri-too-long': bad(414, 'URI too long'),
  'expectation-failed': bad(417, 'Expectation failed'),
  'head-too-large': bad(431, 'Request header fields too large'),
  'too-many-headers': bad(431, 'Too many header fields'),
  /** Log only: the client went away before the answer was complete. */
  'client-abort': row(499, 'downstream', 'never', undefined, 'DC', 'Client closed request'),
  internal: row(500, 'internal', 'never', undefined, 'IE', 'Internal error'),
  draining: row(503, 'internal', 'never', undefined, 'DR', 'Shutting down'),
  'http-version': bad(505, 'HTTP version not supported'),
  'loop-detected': row(508, 'downstream', 'never', undefined, 'LR', 'Loop detected'),
} as const satisfies Record<string, ErrorSpec>

/** A documented literal, stable: users' alerts and scripts match on it. */
export type ErrorCode = keyof typeof ERRORS

/** The row of a code, with the width of the table's type. */
export const errorSpec = (code: ErrorCode): ErrorSpec => ERRORS[code]

/** An error that knows its row. `cause` is for logs alone, never for the answer. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, cause?: unknown) {
    super(code, cause === undefined ? undefined : { cause })
    this.code = code
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code]
  }
}
