import type { KubeReason } from './errors.ts'
import type { Answer } from './exchange.ts'

/** Reasons for answers that are no Status, as of a load balancer before the API server. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}
const MAX_DETAIL = 1000

/** What an answer that is no success says: the API server's Status, or whatever text came. */
export function failureOf(answer: Pick<Answer, 'status' | 'headers' | 'body'>): {
  status: number
  reason: KubeReason
  detail: string
  retryAfterMs?: number
} {
  const { status, headers, body } = answer
  const said = statusOf(body)
  const seconds = said?.details?.retryAfterSeconds ?? Number(headers['retry-after'] ?? Number.NaN)
  const detail = said?.message ?? body.toString('utf8').replace(/\s+/g, ' ').trim()
  return {
    status,
    reason: said?.reason || (REASONS[status] ?? 'Unexpected'),
    detail: detail === '' ? 'the answer says no more' : detail.slice(0, MAX_DETAIL),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
  }
}

/** The same of a Status that came as an event of a watch. */
export function failureOfStatus(object: object): { status: number; reason: KubeReason; detail: string } {
  const { code = 500, reason, message } = object as Partial<Status>
  return {
    status: code,
    reason: reason || (REASONS[code] ?? 'Unexpected'),
    detail: message ?? 'the event says no more',
  }
}

interface Status {
  kind: 'Status'
  message?: string
  reason?: string
  code?: number
  details?: { retryAfterSeconds?: number }
}

function statusOf(body: Buffer): Status | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && (value as Status).kind === 'Status'
      ? (value as Status)
      : undefined
  } catch {
    return undefined
  }
}
