import type { Random } from '../random.ts'

/** How many of the next `n` requests are the candidate's, at this share. */
export type Places = (n: number, share: number) => number

/**
 * The splitter of the proxy (src/proxy/split/splitter.ts, which says why) for many requests at once: the mass of the
 * requests is cut into intervals of 1, each takes one request at a uniformly random place. One draw at most, whatever `n`.
 */
export function createPlaces(random: Random): Places {
  /** Mass used up in the present interval, its place, and whether that is behind us. */
  let used = 0
  let place = random()
  let taken = false
  return (n, share) => {
    if (share >= 1) return n
    if (share <= 0) return 0
    const end = used + n * share
    const whole = Math.floor(end)
    used = end - whole
    let count = 0
    if (whole > 0) {
      count = whole - (taken ? 1 : 0)
      place = random()
      taken = false
    }
    if (!taken && place < used) {
      taken = true
      count++
    }
    return Math.min(n, count)
  }
}
