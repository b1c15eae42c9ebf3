import type { ErrorCode } from '../errors.ts'
import { problemOf } from '../problem.ts'

const BODIES = new Map<ErrorCode, Buffer>()

/** The bytes of a problem document; the same for every request. */
export function problemBody(code: ErrorCode): Buffer {
  let body = BODIES.get(code)
  if (!body) {
    body = Buffer.from(problemOf(code).body)
    BODIES.set(code, body)
  }
  return body
}

/** The headers of a problem document, lower case, with the request's id. */
export const problemHeaders = (code: ErrorCode, requestId: string): string[] =>
  requestId === '' ? [...problemOf(code).headers] : [...problemOf(code).headers, 'x-request-id', requestId]
