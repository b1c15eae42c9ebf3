import type { RouteSpec } from '../snapshot.ts'

/** No route, and a path that reads as two different routes. */
export const NO_ROUTE = -1
export const AMBIGUOUS = -2

export interface Router {
  /** Index of the gate, or NO_ROUTE. */
  match(host: string | undefined, routePath: string): number
}

/** Most specific host first (exact, longest wildcard, any), then the longest path; a host without a matching path falls back to the next (Gateway API). */
export declare function compileRoutes(routes: readonly RouteSpec[]): Router

/** What the exchange calls: the gate, NO_ROUTE (404), or AMBIGUOUS (400 unsafe-path: two readings of the path, two routes). */
export declare function matchRoute(
  router: Router,
  head: { host: string | undefined; routePath: string; loosePath: string },
): number
