import type { Resolver } from '../proxy/index.ts'
import type { Place } from './gate.ts'

/** Where a URL of the configuration leads now: one place an address of its name. */
export function placesOf(resolver: Resolver, url: string): Place[] {
  const resolved = resolver.resolve(url)
  return resolved.map(({ origin, host, serverName, basePath }) => ({
    // With several addresses the name alone does not tell them apart.
    name: resolved.length === 1 ? host : `${host}@${origin.slice(origin.indexOf('//') + 2)}`,
    origin,
    basePath,
    ...(serverName === undefined ? {} : { serverName }),
  }))
}
