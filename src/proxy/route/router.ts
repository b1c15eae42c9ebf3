import type { RouteSpec } from '../snapshot.ts'
import { compilePaths, type PathTable } from './paths.ts'

/** No route: 404 no-route. */
export const NO_ROUTE = -1
/** A path that reads as two different routes: 400 unsafe-path. */
export const AMBIGUOUS = -2

/** A compiled set of routes. Immutable. */
export interface Router {
  /** Index of the gate, or NO_ROUTE. `host` and `routePath` as checkHead gives them. */
  match(host: string | undefined, routePath: string): number
}

interface Entry {
  prefix: string
  gate: number
}

/**
 * Most specific host first (exact, then the longest wildcard, then any), within a host the longest path; a host without a
 * matching path falls back to the next less specific one (Gateway API, HTTPRouteRule precedence). Of two routes with equal
 * host and path the first wins. One map look-up a label of the host and a binary search over its paths.
 */
export function compileRoutes(routes: readonly RouteSpec[]): Router {
  const exact = new Map<string, Entry[]>()
  const wildcard = new Map<string, Entry[]>()
  const any: Entry[] = []
  for (const { host, pathPrefix, gate } of routes) {
    const entry = { prefix: pathPrefix, gate }
    const name = host === undefined ? '' : hostKey(host)
    if (name === '' || name === '*') any.push(entry)
    // Kept with its dot: `*.example.com` matches any number of labels before it, but not example.com itself.
    else if (name.startsWith('*.')) entries(wildcard, name.slice(1)).push(entry)
    else entries(exact, name).push(entry)
  }
  const exactTables = tables(exact)
  const wildcardTables = tables(wildcard)
  const anyTable = compilePaths(any)

  return {
    match(host, routePath) {
      if (host !== undefined) {
        const own = exactTables.get(host)
        if (own !== undefined) {
          const gate = own.match(routePath)
          if (gate >= 0) return gate
        }
        if (wildcardTables.size > 0) {
          for (let dot = host.indexOf('.', 1); dot >= 0; dot = host.indexOf('.', dot + 1)) {
            const gate = wildcardTables.get(host.slice(dot))?.match(routePath) ?? NO_ROUTE
            if (gate >= 0) return gate
          }
        }
      }
      return anyTable.match(routePath)
    },
  }
}

/** What the exchange calls: the gate, NO_ROUTE or AMBIGUOUS. See request/path.ts for the two readings of a path. */
export function matchRoute(
  router: Router,
  head: { host: string | undefined; routePath: string; loosePath: string },
): number {
  const gate = router.match(head.host, head.routePath)
  if (head.loosePath === head.routePath || router.match(head.host, head.loosePath) === gate) return gate
  return AMBIGUOUS
}

const hostKey = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase()

function entries(map: Map<string, Entry[]>, key: string): Entry[] {
  const list = map.get(key) ?? []
  map.set(key, list)
  return list
}

const tables = (map: Map<string, Entry[]>): Map<string, PathTable> =>
  new Map(Array.from(map, ([key, list]) => [key, compilePaths(list)]))
