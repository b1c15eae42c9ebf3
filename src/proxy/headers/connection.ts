import { Kind, kindOf } from './names.ts'

/**
 * Removes from `out` what a Connection field names (RFC 9110, 7.6.1), in place. Called before the proxy adds its own, and
 * only for names without a meaning of their own: a client must not be able to take away Host, Content-Length,
 * X-Forwarded-For, Authorization and the like (CVE-2026-33805).
 */
export function removeNamed(out: string[], connection: string): void {
  let named: Set<string> | undefined
  for (let start = 0; start <= connection.length; ) {
    let end = connection.indexOf(',', start)
    if (end < 0) end = connection.length
    const token = connection.slice(start, end).trim().toLowerCase()
    start = end + 1
    if (token === '' || token === 'keep-alive' || token === 'close' || kindOf(token) !== Kind.endToEnd) continue
    named ??= new Set()
    named.add(token)
  }
  if (named === undefined) return
  let kept = 0
  for (let i = 0; i < out.length; i += 2) {
    if (named.has(out[i]!.toLowerCase())) continue
    out[kept++] = out[i]!
    out[kept++] = out[i + 1]!
  }
  out.length = kept
}
