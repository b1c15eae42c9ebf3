/** IP addresses as 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a mapped address is the address. */

const MAPPED = 0xff

/** Parses an IPv4 or IPv6 address (no brackets, no port, no zone) into `into`; false when it is none. */
export function parseAddress(text: string, into: Uint8Array): boolean {
  if (text.includes(':')) return parseIPv6(text, into)
  into.fill(0, 0, 10)
  into[10] = MAPPED
  into[11] = MAPPED
  return parseIPv4(text, 0, into, 12)
}

/** Four decimal numbers without leading zeros, which some read as octal, from `start` to the end. */
function parseIPv4(text: string, start: number, into: Uint8Array, at: number): boolean {
  let part = 0
  let value = 0
  let digits = 0
  for (let i = start; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e
    if (code === 0x2e) {
      if (digits === 0 || part > 3) return false
      into[at + part++] = value
      value = 0
      digits = 0
      continue
    }
    const digit = code - 0x30
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false
    value = value * 10 + digit
    digits++
    if (value > 255) return false
  }
  return part === 4
}

function parseIPv6(text: string, into: Uint8Array): boolean {
  let at = 0
  let gap = -1
  let i = 0
  if (text.startsWith('::')) {
    gap = 0
    i = 2
  }
  while (i < text.length) {
    if (at >= 16) return false
    let value = 0
    let end = i
    for (; end < text.length; end++) {
      const digit = hexDigit(text.charCodeAt(end))
      if (digit < 0) break
      value = value * 16 + digit
      if (end - i >= 4) return false
    }
    if (text[end] === '.') {
      if (at > 12 || !parseIPv4(text, i, into, at)) return false
      at += 4
      break
    }
    if (end === i) return false
    into[at++] = value >> 8
    into[at++] = value & 0xff
    if (end === text.length) break
    if (text[end] !== ':') return false
    i = end + 1
    if (text[i] === ':') {
      if (gap >= 0) return false
      gap = at
      i++
    } else if (i === text.length) return false
  }
  if (gap < 0) return at === 16
  if (at > 14) return false
  into.copyWithin(16 - (at - gap), gap, at)
  into.fill(0, gap, 16 - (at - gap))
  return true
}

/** Value of a hexadecimal digit's character code, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** `::ffff:10.0.0.1` -> `10.0.0.1` (dual-stack sockets), without zone; others as they are, '' for undefined (unix sockets). */
export function canonicalAddress(address: string | undefined): string {
  if (address === undefined) return ''
  const zone = address.indexOf('%')
  const plain = zone < 0 ? address : address.slice(0, zone)
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain
}
