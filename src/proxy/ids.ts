import { randomId } from '../random.ts'

const ID_CHARS = 32
const POOL_IDS = 64

/** Request ids, 32 hex digits. Randomness is drawn for many at a time: one draw a request would cost more than its headers. */
export function idSource(): () => string {
  let pool = ''
  let at = 0
  return () => {
    if (at >= pool.length) {
      pool = randomId((ID_CHARS / 2) * POOL_IDS)
      at = 0
    }
    at += ID_CHARS
    return pool.slice(at - ID_CHARS, at)
  }
}
