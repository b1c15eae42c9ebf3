import { parseAddress } from '../headers/address.ts'

/** A DNS name has at most 253 characters (RFC 1035, 2.3.4). */
const NAME_MAX = 253
const PORT_MAX = 65_535
const scratch = new Uint8Array(16)

/**
 * Host of an authority as routes match it: lower case, without port and trailing dot, IPv6 in brackets; undefined when it
 * is not valid. Stricter than RFC 3986: letters, digits, `-`, `_` and dots between labels, since a name that is escaped,
 * has user information or other bytes routes nowhere and is read differently by different programs.
 */
export function parseHost(authority: string): string | undefined {
  if (authority.startsWith('[')) return parseLiteral(authority)
  let end = authority.indexOf(':')
  if (end < 0) end = authority.length
  else if (!isPort(authority, end + 1)) return undefined
  if (authority.charCodeAt(end - 1) === 0x2e) end--
  if (end === 0 || end > NAME_MAX) return undefined
  let label = 0
  for (let i = 0; i < end; i++) {
    const code = authority.charCodeAt(i)
    if (code === 0x2e) {
      if (label === 0) return undefined
      label = 0
    } else if (isNameByte(code)) label++
    else return undefined
  }
  if (label === 0) return undefined
  return (end === authority.length ? authority : authority.slice(0, end)).toLowerCase()
}

function parseLiteral(authority: string): string | undefined {
  const close = authority.indexOf(']')
  if (close < 0) return undefined
  const address = authority.slice(1, close)
  if (!address.includes(':') || !parseAddress(address, scratch)) return undefined
  const after = close + 1
  if (after < authority.length && !(authority[after] === ':' && isPort(authority, after + 1))) return undefined
  return authority.slice(0, after).toLowerCase()
}

/** Digits to the end; none is a valid, empty port. */
function isPort(text: string, from: number): boolean {
  let port = 0
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
    if (port > PORT_MAX) return false
  }
  return true
}

const isNameByte = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2d ||
  code === 0x5f ||
  (code >= 0x41 && code <= 0x5a)
