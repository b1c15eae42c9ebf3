/** Reading raw name/value lists without a copy: names and values in turn, names in any case. */

/** All values of a header in order, joined by `, `; '' for none. `name` in lower case. */
export function joinedHeader(raw: readonly string[], name: string): string {
  let joined = ''
  for (let i = 0; i < raw.length; i += 2) {
    if (isName(raw[i]!, name)) joined = joined === '' ? raw[i + 1]! : `${joined}, ${raw[i + 1]!}`
  }
  return joined
}

/** Position of the next value of a header at or after pair position `from`, or -1. `name` in lower case. */
export function valueAt(raw: readonly string[], name: string, from = 0): number {
  for (let i = from; i < raw.length; i += 2) if (isName(raw[i]!, name)) return i + 1
  return -1
}

/** Compares a field name with one in lower case; copies nothing unless the lengths agree. */
export const isName = (name: string, lower: string): boolean =>
  name.length === lower.length && (name === lower || name.toLowerCase() === lower)

/** True when a comma-separated list has the token (lower case), whatever its case there. */
export function hasToken(list: string, token: string): boolean {
  if (list.length === token.length) return list.toLowerCase() === token
  for (let start = 0; start <= list.length; ) {
    let end = list.indexOf(',', start)
    if (end < 0) end = list.length
    if (end - start >= token.length && list.slice(start, end).trim().toLowerCase() === token) return true
    start = end + 1
  }
  return false
}

const DIGITS_MAX = 15

/** A Content-Length: digits alone (RFC 9110, 8.6), at most 15 so that it is exact; -1 for anything else. */
export function parseLength(value: string): number {
  if (value.length === 0 || value.length > DIGITS_MAX) return -1
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}
