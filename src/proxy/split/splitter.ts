import type { Random } from '../../random.ts'

/** Splits a stream of requests by weight. One a gate and worker. */
export interface Splitter {
  /**
   * The variant of the next request. `weights[offset + v]`, v from 0: basis points, integers; -1 when all are 0.
   * `first` (default: the last variant) is sampled first, so that it has the sampler's properties itself and not as the rest of
   * others': the candidate.
   */
  next(weights: ArrayLike<number>, offset: number, first?: number): number
}

/**
 * Systematic sampling of Deville (1998), as analysis.md describes it: exact and random at once. A stream of requests, each
 * with the mass w of its weight, is cut into intervals of mass 1, and each interval takes exactly one request, at a place
 * that is uniform in it. So the share is exact to within one request at every prefix, and yet a request's chance is w
 * whatever the traffic's rhythm (a fixed pattern gives all failing requests of a page of two calls to one variant).
 *
 * Per variant it keeps the mass used up in the present interval and whether that has taken its request. A request of mass w:
 *  - wholly inside: taken with chance w / (mass left), if none was taken yet;
 *  - straddling, with the part a in this interval and b in the next: if none was taken yet, taken by this one (chance a / a);
 *    else by the next one with chance b / (1 - a), which makes a + (1 - a) * b / (1 - a) = w in all.
 *
 * The interval is one of mass, not of requests, so a change of the weight needs no restart: what is left of the interval is
 * passed at the new weight. The number taken stays within one of the sum of the weights of all requests so far, over any
 * number of changes: no burst, no gap. Integers throughout: nothing drifts.
 *
 * More than two variants are a chain: each is sampled among the requests that the ones before it have left, the last takes
 * the rest. Where the mass of such a chain's interval changes (weights before it changed), the used part keeps its proportion.
 */
export function createSplitter(variants: number, random: Random): Splitter {
  /** Mass of the interval, mass used up in it, and whether it has taken its request; one of each a variant. */
  const sizes = new Int32Array(variants)
  const used = new Int32Array(variants)
  const taken = new Uint8Array(variants)

  /** Whether variant `v`, of mass `weight` in intervals of `size`, takes the request. 0 < weight < size. */
  function takes(v: number, weight: number, size: number): boolean {
    const before = sizes[v]!
    if (before !== size) {
      if (before !== 0) used[v] = Math.floor((used[v]! * size) / before)
      sizes[v] = size
    }
    const left = size - used[v]!
    if (weight < left) {
      used[v] = used[v]! + weight
      if (taken[v] === 1 || random() * left >= weight) return false
      taken[v] = 1
      return true
    }
    const over = weight - left
    used[v] = over
    if (taken[v] === 0) return true
    const next = over > 0 && random() * (size - left) < over
    taken[v] = next ? 1 : 0
    return next
  }

  return {
    next(weights, offset, first = variants - 1) {
      let rest = 0
      for (let v = 0; v < variants; v++) rest += weights[offset + v]!
      let v = first
      for (let i = 0; i < variants && rest > 0; i++) {
        const weight = weights[offset + v]!
        // All that is left: no draw, and the sampler's place is kept for when it has less.
        if (weight >= rest) return v
        if (weight > 0 && takes(v, weight, rest)) return v
        rest -= weight
        // Then the others in order of their index.
        v = i === 0 ? 0 : v + 1
        if (v === first) v++
      }
      return -1
    },
  }
}
