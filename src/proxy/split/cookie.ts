import { isName } from '../headers/raw.ts'

/** Value of the first cookie of a name (case matters) over all Cookie fields, without quotes; undefined for none. */
export function cookieValue(raw: readonly string[], name: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    if (!isName(raw[i]!, 'cookie')) continue
    const value = valueIn(raw[i + 1]!, name)
    if (value !== undefined) return value
  }
  return undefined
}

/** Walks `a=1; b=2` without cutting it into pieces. */
function valueIn(cookies: string, name: string): string | undefined {
  for (let start = 0; start < cookies.length; ) {
    let end = cookies.indexOf(';', start)
    if (end < 0) end = cookies.length
    while (start < end && (cookies[start] === ' ' || cookies[start] === '\t')) start++
    if (cookies.charCodeAt(start + name.length) === 0x3d && cookies.startsWith(name, start)) {
      const value = cookies.slice(start + name.length + 1, end).trim()
      return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
    }
    start = end + 1
  }
  return undefined
}
