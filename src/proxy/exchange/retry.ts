import type { UpstreamSpec } from '../snapshot.ts'

export type RequestMethodSet = ReadonlySet<string>

/** Methods whose repetition has the effect of one (RFC 9110 9.2.2). */
export const IDEMPOTENT_METHODS: RequestMethodSet = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** What became of an attempt, as far as a repetition is concerned. */
export interface AttemptOutcome {
  kind: 'connect' | 'reset' | 'timeout' | '5xx'
  /** The request cannot have reached the endpoint's program. */
  unsent: boolean
  /** A connection that had served a request before died without a byte of an answer. */
  reused: boolean
}

/**
 * Whether another attempt within the variant is allowed, apart from the budget. What cannot have reached the program may
 * be repeated whatever the method; everything else only when it is idempotent (RFC 9110 9.2.2 forbids a proxy to do more).
 */
export function mayRetry(
  upstream: Pick<UpstreamSpec, 'retryAttempts' | 'retryOn'>,
  request: { method: string; replayable: boolean; retries: number },
  outcome: AttemptOutcome,
): boolean {
  if (request.retries >= upstream.retryAttempts || !request.replayable) return false
  if (!outcome.unsent && !IDEMPOTENT_METHODS.has(request.method)) return false
  const cause = outcome.unsent ? 'connect' : outcome.reused ? 'reused-reset' : outcome.kind
  return upstream.retryOn.includes(cause) || (outcome.reused && upstream.retryOn.includes('reset'))
}
