import type { Random } from '../random.ts'

/** Exact samplers: many requests that are alike cost one draw. */

/** Number of successes among `n` trials of chance `p`. Walks the distribution from 0: one exponential and about n p steps. */
export function binomial(random: Random, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - binomial(random, n, 1 - p)
  const odds = p / (1 - p)
  const lnNone = n * Math.log1p(-p)
  // Below the smallest double the walk could not begin: halves are as exact.
  if (lnNone < -700) {
    const half = n >>> 1
    return binomial(random, half, p) + binomial(random, n - half, p)
  }
  let chance = Math.exp(lnNone)
  let left = random()
  let k = 0
  while (left > chance && k < n) {
    left -= chance
    chance *= (odds * (n - k)) / (k + 1)
    k++
  }
  return k
}

/** Number of events of a Poisson process with this mean. */
export function poisson(random: Random, mean: number): number {
  if (mean <= 0) return 0
  if (mean > 500) return poisson(random, mean / 2) + poisson(random, mean / 2)
  let chance = Math.exp(-mean)
  let left = random()
  let k = 0
  while (left > chance) {
    left -= chance
    k++
    chance *= mean / k
    // The tail beyond the precision of a double.
    if (chance < 1e-300) break
  }
  return k
}

/** Draws indexes with the given weights, in constant time (Vose's alias method). */
export function discrete(weights: readonly number[]): (random: Random) => number {
  const n = weights.length
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / n
  const scaled = weights.map((weight) => weight / mean)
  const chance = new Float64Array(n).fill(1)
  const alias = Int32Array.from({ length: n }, (_, k) => k)
  const small: number[] = []
  const large: number[] = []
  scaled.forEach((value, k) => void (value < 1 ? small : large).push(k))
  while (small.length > 0 && large.length > 0) {
    const less = small.pop()!
    const more = large.at(-1)!
    chance[less] = scaled[less]!
    alias[less] = more
    scaled[more] = scaled[more]! + scaled[less]! - 1
    if (scaled[more]! < 1) small.push(large.pop()!)
  }
  return (random) => {
    const k = Math.floor(random() * n)
    return random() < chance[k]! ? k : alias[k]!
  }
}
