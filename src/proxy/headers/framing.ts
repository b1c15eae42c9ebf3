import type { HttpVersion } from '../request/check.ts'
import { Kind, kindOf } from './names.ts'
import { hasToken, parseLength } from './raw.ts'

/**
 * How the answer's body is delimited towards the client. `none`: there is none, whatever Content-Length says (HEAD, 204,
 * 304, 101). `length`: Content-Length. `chunked`: chunked, or DATA frames in HTTP/2. `close`: the end of the connection (1.0).
 */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/**
 * RFC 9112, 6.3. undefined: the upstream's framing is not valid, answer upstream-protocol. `raw`: the upstream's headers;
 * `status` is one that `validStatus` takes; `httpVersion` is the client's.
 */
export function responseFraming(
  method: string,
  status: number,
  raw: readonly string[],
  httpVersion: HttpVersion,
): Framing | undefined {
  let length = -1
  let transferEncoding = ''
  for (let i = 0; i < raw.length; i += 2) {
    const kind = kindOf(raw[i]!)
    if (kind === Kind.contentLength) {
      const parsed = parseLength(raw[i + 1]!)
      // Even an equal repetition: nobody sound sends it, and two readers may read two lengths.
      if (parsed < 0 || length >= 0) return undefined
      length = parsed
    } else if (kind === Kind.transferEncoding) {
      transferEncoding = transferEncoding === '' ? raw[i + 1]! : `${transferEncoding},${raw[i + 1]!}`
    }
  }
  if (method === 'HEAD' || status === 204 || status === 304 || status < 200) return 'none'
  // Another coding would have to be undone or announced; the client cannot be expected to know it.
  if (transferEncoding !== '' && !(transferEncoding.length === 7 && hasToken(transferEncoding, 'chunked')))
    return undefined
  if (transferEncoding === '' && length >= 0) return 'length'
  return httpVersion === '1.0' ? 'close' : 'chunked'
}

/** Final statuses 200-599, and 101: others are no HTTP that a client could be given (502). */
export const validStatus = (status: number): boolean =>
  (status >= 200 && status <= 599 && Number.isInteger(status)) || status === 101
