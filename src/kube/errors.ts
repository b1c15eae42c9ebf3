import { type Resource, resourceName } from './objects.ts'

/** What was asked for. */
export interface Asked {
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete'
  resource: Resource
  namespace?: string | undefined
  name?: string | undefined
  subresource?: string | undefined
}

/**
 * Why a call failed: the API server's own `reason` (NotFound, Conflict, Forbidden, Expired, ...), or one of ours where
 * there was no answer of its own. Any of ours may have happened after the server did what it was told.
 */
export type KubeReason = 'Unreachable' | 'Timeout' | 'BadAnswer' | 'TooLarge' | 'Closed' | (string & {})

/** A call to the API server that failed. The message names verb, resource, object, status and reason. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly asked: Asked
  /** HTTP status; 0 = there was no answer. */
  readonly status: number
  readonly reason: KubeReason
  /** The server asks not to come back earlier. */
  readonly retryAfterMs: number | undefined

  constructor(
    asked: Asked,
    failure: { status: number; reason: KubeReason; detail: string; retryAfterMs?: number; cause?: unknown },
  ) {
    const { status, reason, detail, retryAfterMs, cause } = failure
    const code = status === 0 ? reason : `${status} ${reason}`
    super(`${askedText(asked)}: ${code}: ${detail}`, cause === undefined ? {} : { cause })
    this.asked = asked
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** `patch gates.streamgate.dev/status default/shop`. */
function askedText({ verb, resource, namespace, name, subresource }: Asked): string {
  const what = subresource === undefined ? resourceName(resource) : `${resourceName(resource)}/${subresource}`
  const where = [namespace, name].filter((part) => part !== undefined).join('/')
  return where === '' ? `${verb} ${what}` : `${verb} ${what} ${where}`
}

const statusOf = (error: unknown): number => (error instanceof KubeError ? error.status : 0)
const reasonOf = (error: unknown): string => (error instanceof KubeError ? error.reason : '')

/** There is no such object (or no such kind). */
export const isNotFound = (error: unknown): boolean => statusOf(error) === 404
/** The object is there already. */
export const isAlreadyExists = (error: unknown): boolean => reasonOf(error) === 'AlreadyExists'
/** Somebody else changed the object since it was read, or owns the field. */
export const isConflict = (error: unknown): boolean => statusOf(error) === 409 && !isAlreadyExists(error)
/** The resource version is older than the server's memory: list again. */
export const isGone = (error: unknown): boolean => statusOf(error) === 410
/** The server says no: rights are missing. */
export const isForbidden = (error: unknown): boolean => statusOf(error) === 403
/** The API server is away or overloaded; the same call may succeed later. */
export const isTransient = (error: unknown): boolean => {
  const status = statusOf(error)
  return error instanceof KubeError && (status === 0 || status === 429 || status >= 500) && error.reason !== 'Closed'
}
