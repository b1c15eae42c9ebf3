import type { ErrorCode } from '../errors.ts'
import { Kind, kindOf } from '../headers/names.ts'
import { isFieldValue, isToken } from '../headers/octets.ts'
import { hasToken, parseLength } from '../headers/raw.ts'
import type { HttpVersion, RawHead } from './check.ts'

/** What the fields of a head say about its framing and its addressee. */
export interface Fields {
  /** The one Host or :authority; undefined: none. */
  host: string | undefined
  /** -1: none. */
  contentLength: number
  chunked: boolean
  expectContinue: boolean
  /** Protocol, or ''. */
  upgrade: string
}

/** `name: value CRLF` has four bytes more than name and value, `METHOD target HTTP/1.1 CRLF` twelve more than its parts. */
const FIELD_EXTRA = 4
const LINE_EXTRA = 12

/** Reads all fields in one pass; the code of the first one that is wrong. */
export function readFields(head: RawHead, httpVersion: HttpVersion): Fields | ErrorCode {
  const { rawHeaders: raw, limits } = head
  const http2 = httpVersion === '2.0'
  let count = 0
  let bytes = head.method.length + head.target.length + LINE_EXTRA
  let host: string | undefined
  let pseudoAuthority = head.authority
  let contentLength = -1
  let transferEncodings = 0
  let connection = ''
  let upgrade = ''
  let upgrades = 0
  let expectContinue = false

  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    if (!isFieldValue(value)) return 'bad-header-value'
    bytes += name.length + value.length + FIELD_EXTRA
    if (http2 && name.charCodeAt(0) === 0x3a) {
      if (name === ':authority') pseudoAuthority = value
      continue
    }
    if (!isToken(name) || (http2 && hasUpper(name))) return 'bad-header-name'
    count++
    switch (kindOf(name)) {
      case Kind.host:
        if (host !== undefined) return 'bad-host'
        host = value
        break
      case Kind.contentLength:
        // Any repetition, even of an equal value (CVE-2026-1525), and lists.
        if (contentLength >= 0) return 'bad-content-length'
        contentLength = parseLength(value)
        if (contentLength < 0) return 'bad-content-length'
        break
      case Kind.transferEncoding:
        if (http2) return 'connection-header'
        if (++transferEncodings > 1 || value.toLowerCase() !== 'chunked') return 'bad-transfer-encoding'
        break
      case Kind.connection:
        if (http2) return 'connection-header'
        connection = connection === '' ? value : `${connection},${value}`
        break
      case Kind.upgrade:
        if (http2) return 'connection-header'
        upgrade = value
        upgrades++
        break
      case Kind.te:
        if (http2 && value.toLowerCase() !== 'trailers') return 'connection-header'
        break
      case Kind.hop:
        if (http2 && isConnectionSpecific(name)) return 'connection-header'
        break
      case Kind.expect:
        // A server ignores it in HTTP/1.0 (RFC 9110, 10.1.1).
        if (value.toLowerCase() !== '100-continue') return 'expectation-failed'
        expectContinue = httpVersion !== '1.0'
        break
    }
  }
  if (limits.maxHeaders > 0 && count > limits.maxHeaders) return 'too-many-headers'
  if (limits.maxHeaderBytes > 0 && bytes > limits.maxHeaderBytes) return 'head-too-large'
  const chunked = transferEncodings > 0
  if (chunked && (contentLength >= 0 || httpVersion === '1.0')) return 'ambiguous-framing'
  if (limits.maxBodyBytes > 0 && contentLength > limits.maxBodyBytes) return 'body-too-large'
  if (pseudoAuthority !== undefined) {
    // RFC 9113, 8.3.1: one that contradicts the other is malformed.
    if (host !== undefined && host.toLowerCase() !== pseudoAuthority.toLowerCase()) return 'bad-host'
    host = pseudoAuthority
  }
  const tunnel =
    upgrades === 1 &&
    httpVersion === '1.1' &&
    head.method === 'GET' &&
    !chunked &&
    contentLength <= 0 &&
    mayUpgrade(upgrade) &&
    hasToken(connection, 'upgrade')
  return { host, contentLength, chunked, expectContinue, upgrade: tunnel ? upgrade : '' }
}

/** One protocol, and not h2c: behind an h2c tunnel requests pass unseen. What may not is served without the upgrade. */
const mayUpgrade = (protocol: string): boolean =>
  !protocol.includes(',') && !protocol.toLowerCase().startsWith('h2c') && isToken(protocol.replace('/', ''))

/** RFC 9113, 8.2.2; the others of this kind mean nothing there but are no error. */
const isConnectionSpecific = (name: string): boolean => name === 'keep-alive' || name === 'proxy-connection'

function hasUpper(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return true
  }
  return false
}
