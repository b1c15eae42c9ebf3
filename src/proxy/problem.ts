import { ERRORS, type ErrorCode } from './errors.ts'

/** A constant answer, built once: an error costs the proxy less than a request that works. */
export interface Problem {
  status: number
  /** ASCII JSON of RFC 9457: type, title, status. Nothing of the inside. */
  body: string
  /** Raw name/value list, complete but for Date, Connection and x-request-id. Shared: never changed. */
  headers: readonly string[]
}

/** Prefix of a problem's `type`; the code follows. An identifier, as RFC 9457 allows, that need not resolve. */
export const PROBLEM_TYPE = 'https://streamgate.dev/problems/'

/** Methods in the Allow field of a 405 (RFC 9110, 15.5.6): what the proxy refuses is CONNECT and TRACE alone. */
const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

const PROBLEMS = Object.fromEntries(
  Object.entries(ERRORS).map(([code, { status, title }]) => {
    const body = JSON.stringify({ type: PROBLEM_TYPE + code, title, status })
    const headers = [
      'content-type',
      'application/problem+json',
      'content-length',
      String(body.length),
      'cache-control',
      'no-store',
      'x-streamgate-reason',
      code,
    ]
    if (status === 405) headers.push('allow', ALLOW)
    return [code, Object.freeze({ status, body, headers: Object.freeze(headers) })]
  }),
) as unknown as Readonly<Record<ErrorCode, Problem>>

/** The answer for a code; the same object each time. For HEAD send the headers without the body. */
export const problemOf = (code: ErrorCode): Problem => PROBLEMS[code]
