import type { HttpVersion } from '../request/check.ts'

/**
 * How the answer's body is delimited towards the client. `none`: there is none, whatever Content-Length says (HEAD, 204,
 * 304). `length`: Content-Length. `chunked`: chunked, or DATA frames in HTTP/2. `close`: the end of the connection (1.0).
 */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** undefined: the upstream's framing is not valid (answer upstream-protocol). `raw`: the upstream's headers; status is final or 101. */
export declare function responseFraming(
  method: string,
  status: number,
  raw: readonly string[],
  httpVersion: HttpVersion,
): Framing | undefined

/** 200-599, or 101: others are answered upstream-protocol. */
export declare function validStatus(status: number): boolean
