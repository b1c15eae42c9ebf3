import { randomBytes, randomUUID } from 'node:crypto'

/** A source of uniform numbers in [0, 1). The only module that draws randomness; tests pass a seeded one. */
export type Random = () => number

export const systemRandom: Random = Math.random

/** A seeded generator (mulberry32): the same seed gives the same numbers. For tests and simulations. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A random id of `bytes` bytes in lower-case hex. */
export const randomId = (bytes = 8): string => randomBytes(bytes).toString('hex')

export { randomUUID }
