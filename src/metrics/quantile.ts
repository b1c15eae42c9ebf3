import { EDGES_US } from './block/layout.ts'

/**
 * Upper edge, in microseconds, of the bucket in which the q-quantile (0-1) of a histogram lies: never below the true
 * quantile by construction, and at most 12 % above it. The open bucket gives the last edge. undefined: no samples.
 */
export function quantile(counts: ArrayLike<number>, q: number): number | undefined {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i]!
  if (total === 0) return undefined
  const rank = Math.max(1, Math.ceil(q * total))
  let seen = 0
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i]!
    if (seen >= rank) return EDGES_US[Math.min(i, EDGES_US.length - 1)]
  }
  return EDGES_US.at(-1)
}
