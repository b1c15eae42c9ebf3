import { routePathOf } from '../request/path.ts'

/** Path prefixes of one host. */
export interface PathTable {
  /** The gate of the longest prefix that matches on a segment boundary, or -1. */
  match(routePath: string): number
}

/**
 * Prefixes are kept with a trailing slash, sorted. The longest prefix of a path is the last one not after it, or one of
 * that one's own prefixes: whatever sorts between a prefix and the path begins with the prefix.
 */
export function compilePaths(routes: readonly { prefix: string; gate: number }[]): PathTable {
  const byKey = new Map<string, number>()
  for (const { prefix, gate } of routes) {
    const key = keyOf(prefix)
    if (!byKey.has(key)) byKey.set(key, gate)
  }
  const keys = [...byKey.keys()].sort(compare)
  const gates = keys.map((key) => byKey.get(key)!)
  // The longest other prefix of each, or -1: always an earlier one.
  const parents: number[] = []
  for (let i = 0; i < keys.length; i++) {
    let parent = i - 1
    while (parent >= 0 && !keys[i]!.startsWith(keys[parent]!)) parent = parents[parent]!
    parents.push(parent)
  }
  // One Gate for all paths is the usual case.
  if (keys.length === 1 && keys[0] === '/') return { match: () => gates[0]! }
  if (keys.length === 0) return { match: () => -1 }

  return {
    match(routePath) {
      const path = routePath.endsWith('/') ? routePath : `${routePath}/`
      let low = 0
      let high = keys.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (keys[middle]! <= path) low = middle + 1
        else high = middle
      }
      let at = low - 1
      while (at >= 0 && !path.startsWith(keys[at]!)) at = parents[at]!
      return at < 0 ? -1 : gates[at]!
    },
  }
}

/** A configured prefix as paths are compared: escaped as a client would send it, normalised, one slash at the end. */
function keyOf(prefix: string): string {
  let ascii = ''
  for (const char of prefix) ascii += char > '~' ? encodeURIComponent(char) : char
  let key = routePathOf(ascii) ?? ascii
  while (key.endsWith('/')) key = key.slice(0, -1)
  return `${key}/`
}

/** By UTF-16 code unit, as `<` compares; never by locale. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
