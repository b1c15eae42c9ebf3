import type { HttpVersion } from '../request/check.ts'
import { removeNamed } from './connection.ts'
import type { Framing } from './framing.ts'
import { Kind, kindOf } from './names.ts'
import { isSafeValue, isToken } from './octets.ts'
import { VIA } from './via.ts'

/** What the response headers are rewritten with. */
export interface ResponseHeaderContext {
  /** The client's version: names are lower-cased for 2.0. */
  httpVersion: HttpVersion
  status: number
  /** `responseFraming(...)`. */
  framing: Framing
  requestId: string
  /** `stickyCookie(...)`, or '' for none. */
  setCookie: string
  /** The upstream switched protocols (101): Connection and Upgrade are sent on. */
  upgrade: boolean
}

/**
 * The headers to answer with, order, duplicates and names kept (Set-Cookie and WWW-Authenticate are never joined), or
 * undefined where a name or a value is not valid: answer upstream-protocol.
 */
export function responseHeaders(raw: readonly string[], context: ResponseHeaderContext): string[] | undefined {
  const http2 = context.httpVersion === '2.0'
  const { framing, status } = context
  const out: string[] = []
  let connection = ''
  let upgrade = ''
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    if (!isToken(name)) {
      // Pseudo-headers of HTTP/2 are no headers.
      if (name.charCodeAt(0) === 0x3a) continue
      return undefined
    }
    if (!isSafeValue(value)) return undefined
    switch (kindOf(name)) {
      case Kind.connection:
        connection = connection === '' ? value : `${connection},${value}`
        break
      case Kind.upgrade:
        upgrade = value
        break
      case Kind.contentLength:
        // With Transfer-Encoding it says nothing (RFC 9112, 6.3); 1xx and 204 have none (RFC 9110, 8.6).
        if (framing === 'length' || (framing === 'none' && status >= 200 && status !== 204))
          push(out, name, value, http2)
        break
      case Kind.trailer:
        // Announces what the client can only get after chunks or in HTTP/2.
        if (framing === 'chunked') push(out, name, value, http2)
        break
      case Kind.internal:
        // x-streamgate-* is what this proxy says; x-forwarded-* in an answer is the program's own affair.
        if (!name.toLowerCase().startsWith('x-streamgate-')) push(out, name, value, http2)
        break
      case Kind.hop:
      case Kind.te:
      case Kind.transferEncoding:
      case Kind.altSvc:
      case Kind.requestId:
        break
      default:
        push(out, name, value, http2)
    }
  }
  if (connection !== '') removeNamed(out, connection)
  if (context.upgrade && upgrade !== '') out.push('Connection', 'Upgrade', 'Upgrade', upgrade)
  if (context.setCookie !== '') out.push(http2 ? 'set-cookie' : 'Set-Cookie', context.setCookie)
  out.push(http2 ? 'x-request-id' : 'X-Request-Id', context.requestId, http2 ? 'via' : 'Via', VIA['1.1'])
  return out
}

function push(out: string[], name: string, value: string, lower: boolean): void {
  out.push(lower ? name.toLowerCase() : name, value)
}
