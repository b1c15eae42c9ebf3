/** The parts of a request target. */
export interface Target {
  /** Path and query as they came, beginning with `/`; or `*`. */
  path: string
  /** Authority of an absolute-form target, which replaces Host (RFC 9112, 3.2.2); '' otherwise. */
  authority: string
}

/**
 * Splits a request target: origin-form, absolute-form (HTTP/1 alone), and `*` for OPTIONS. undefined: no valid target.
 * Bytes from 0x80 pass as they are; a fragment is never sent by a sound client.
 */
export function parseTarget(method: string, target: string, http2: boolean): Target | undefined {
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code < 0x21 || code === 0x23 || code === 0x7f || code > 0xff) return undefined
  }
  if (target.charCodeAt(0) === 0x2f) return { path: target, authority: '' }
  if (target === '*') return method === 'OPTIONS' ? { path: '*', authority: '' } : undefined
  if (http2) return undefined
  const start = schemeLength(target)
  if (start === 0) return undefined
  let end = start
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++
  const authority = target.slice(start, end)
  if (authority === '') return undefined
  // An empty path is `/`, but OPTIONS without path and query is `*` (RFC 9112, 3.2.4).
  if (end === target.length) return { path: method === 'OPTIONS' ? '*' : '/', authority }
  const rest = target.slice(end)
  return { path: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

function schemeLength(target: string): number {
  const head = target.slice(0, 8).toLowerCase()
  if (head.startsWith('http://')) return 7
  return head === 'https://' ? 8 : 0
}
