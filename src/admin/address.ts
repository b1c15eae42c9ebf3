import { isIPv4, isIPv6 } from 'node:net'

/** Who may be named in `Host` and `Origin`. */

/** True for an address or name that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = bare(host)
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  if (isIPv4(name)) return name.startsWith('127.')
  return name === '::1' || /^::ffff:127\./.test(name)
}

/** Lower case, without the brackets of IPv6 and the dot of a full name. */
function bare(host: string): string {
  const name = host.toLowerCase()
  if (name.startsWith('[') && name.endsWith(']')) return name.slice(1, -1)
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** The host of `host[:port]`; undefined: not an authority. */
export function hostOf(authority: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$/.exec(authority)
  return match ? bare(match[1]!) : undefined
}

/**
 * Against DNS rebinding: a page of `evil.example` whose name suddenly means 127.0.0.1 still sends its name as Host. Where nothing
 * authenticates, only loopback names, addresses and the configured host are answered. With authentication any name is: a token is not
 * something that a browser adds by itself, and a client certificate is only shown to a server that proved its name.
 */
export function hostAllowed(authority: string | undefined, configured: string, authenticated: boolean): boolean {
  if (authority === undefined) return false
  const host = hostOf(authority)
  if (host === undefined) return false
  return authenticated || isLoopback(host) || host === bare(configured)
}

/**
 * Against cross-site requests: a browser names the page that sent a write. No Origin at all is no browser (or a page's own GET);
 * one that is not this very server is refused, the `null` of sandboxed pages too.
 */
export function originAllowed(origin: string | undefined, authority: string, scheme: 'http' | 'https'): boolean {
  return origin === undefined || origin.toLowerCase() === `${scheme}://${authority.toLowerCase()}`
}

/** A host as it stands in a URL. */
export const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host)
