import type { ErrorCode } from '../errors.ts'
import type { UpstreamFailure } from '../upstream/call.ts'

/** The connection was lost. Every other reason for a `reset` is an answer that is no HTTP: undici's parser errors, a head too large, a bad status. */
const LOST: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INFO',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
])

/** The row of the table of errors for a failed attempt. `answered`: its response head had come. */
export function codeOf(failure: UpstreamFailure, answered: boolean): ErrorCode {
  const { kind, unsent, cause } = failure
  const code = String((cause as { code?: unknown }).code ?? '')
  switch (kind) {
    case 'connect':
      return 'connect-failed'
    case 'timeout':
      return unsent ? 'connect-timeout' : answered ? 'upstream-idle' : 'response-timeout'
    case 'reset':
      return LOST.has(code) ? 'upstream-reset' : 'upstream-protocol'
    case 'aborted':
      // What undici refuses to send: a body that is not as long as announced, or a header that it does not know to send.
      return code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' ? 'bad-content-length' : 'internal'
  }
}

/** How it counts against the variant: a connection that took too long is a failure to connect. undefined: not at all. */
export function kindOf(failure: UpstreamFailure): 'connect' | 'reset' | 'timeout' | undefined {
  if (failure.kind === 'aborted') return undefined
  return failure.kind === 'timeout' && failure.unsent ? 'connect' : failure.kind
}
