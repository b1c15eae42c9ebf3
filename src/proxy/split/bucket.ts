import { BUCKETS } from '../../metrics/index.ts'

/**
 * Buckets of sticky users. A user's bucket (0-9999) never changes; the salt of a release deals the buckets out to positions,
 * so that not the same users are first each time. Positions below the candidate's weight are the candidate's: raising the
 * weight only adds users, 0 frees all at once.
 */

/** FNV-1a over UTF-16 code units, then murmur3's finaliser: short keys that differ in one character spread evenly. */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return finalise(hash)
}

function finalise(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Bucket of a user's key (a header's value, an address). The multiplication has no bias a remainder would have. */
export const bucketOfKey = (key: string): number => Math.floor((hashOf(key) / 0x1_0000_0000) * BUCKETS)

/**
 * The permutation: three rounds of invertible steps on 14 bits, repeated until the result is below 10,000 ("cycle
 * walking": a permutation of 16,384 numbers, followed along its cycles, is one of any subset; 1.6 rounds on average).
 */
const MASK = 0x3fff
const SHIFT = 7
/** Odd multipliers and their inverses modulo 2^14. */
const MULTIPLIERS = [0x2d35, 0x1a4b, 0x35a7] as const
const INVERSES = MULTIPLIERS.map(inverseOf)

/** Position of a bucket under a salt, 0-9999. */
export function positionOf(bucket: number, salt: number): number {
  let x = bucket
  do {
    for (let round = 0; round < 3; round++) {
      x = (x + roundKey(salt, round)) & MASK
      x = Math.imul(x, MULTIPLIERS[round]!) & MASK
      x ^= x >>> SHIFT
    }
  } while (x >= BUCKETS)
  return x
}

/** The bucket at a position: the inverse of `positionOf`. */
export function bucketAt(position: number, salt: number): number {
  let x = position
  do {
    for (let round = 2; round >= 0; round--) {
      // A shift by half the width undoes itself.
      x ^= x >>> SHIFT
      x = Math.imul(x, INVERSES[round]!) & MASK
      x = (x - roundKey(salt, round)) & MASK
    }
  } while (x >= BUCKETS)
  return x
}

const roundKey = (salt: number, round: number): number => finalise(salt ^ Math.imul(round + 1, 0x9e3779b9)) & MASK

/** Newton's iteration: each step doubles the bits that are right. */
function inverseOf(odd: number): number {
  let inverse = odd
  for (let i = 0; i < 4; i++) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse))
  return inverse & MASK
}
