import { hexDigit } from '../headers/address.ts'

/**
 * A path is forwarded as it came, and routed on a copy. Programs read paths in different ways (is `%2f` a slash, is `\`,
 * does `//` count once), so there are two copies: `routePathOf` is the reading of RFC 3986, `loosePathOf` the most generous
 * one. Where both lead to the same gate nothing can be gained by the difference and the path passes; where they do not,
 * the request is refused (route/router.ts). What climbs (`..` in any spelling) is refused at once: sound clients have
 * resolved it before they send.
 */

/** True when the path (without query) has nothing that could be read in two ways: both copies are the path itself. */
export function isPlainPath(path: string): boolean {
  let previous = 0
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code === 0x25 || code === 0x5c || code > 0x7e) return false
    if (previous === 0x2f && (code === 0x2f || code === 0x2e)) return false
    previous = code
  }
  return true
}

/**
 * The path with escapes of unreserved characters undone (RFC 3986, 6.2.2.2), once; other escapes in upper case; raw bytes
 * from 0x80 escaped. undefined for an escaped NUL, which ends the path in some programs.
 */
export function routePathOf(path: string): string | undefined {
  let out = ''
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code > 0x7e) {
      out += escaped(code)
      continue
    }
    const high = code === 0x25 ? hexDigit(path.charCodeAt(i + 1)) : -1
    const low = high < 0 ? -1 : hexDigit(path.charCodeAt(i + 2))
    if (low < 0) {
      out += path[i]
      continue
    }
    const byte = high * 16 + low
    if (byte === 0) return undefined
    out += isUnreserved(byte) ? String.fromCharCode(byte) : escaped(byte)
    i += 2
  }
  return out
}

/**
 * `routePathOf`'s path as the most generous program reads it: `\`, `%5C` and `%2F` are slashes, empty and `.` segments do not
 * count. undefined where a segment is `..`, also with a parameter (`..;x`, which some servers drop).
 */
export function loosePathOf(routePath: string): string | undefined {
  let out = ''
  for (const segment of routePath.replaceAll('%2F', '/').replaceAll('%5C', '/').replaceAll('\\', '/').split('/')) {
    const semicolon = segment.indexOf(';')
    const name = semicolon < 0 ? segment : segment.slice(0, semicolon)
    if (name === '..') return undefined
    if (segment !== '' && name !== '.') out += `/${segment}`
  }
  return out === '' ? '/' : out
}

const HEX = '0123456789ABCDEF'
const escaped = (byte: number): string => `%${HEX[byte >> 4]}${HEX[byte & 15]}`

const isUnreserved = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2d ||
  code === 0x2e ||
  code === 0x5f ||
  code === 0x7e
