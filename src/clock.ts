/**
 * The only module that reads a clock or sets a timer. Durations are measured on the monotonic clock, which all
 * threads share and which no change of the wall clock touches; the wall clock is for people (logs, records) alone.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary moment, the same in all threads of the process. */
  nowMs(): number
  /** Wall-clock milliseconds since 1970, for timestamps that people read. */
  wallMs(): number
  /** Calls back every `ms` until the returned function is called. Never keeps the process alive. */
  every(ms: number, callback: () => void): () => void
  /** Calls back once after `ms` unless the returned function was called before. Never keeps the process alive. */
  after(ms: number, callback: () => void): () => void
}

/**
 * What performance.now() of this thread lacks to the clock that all threads share, read when the two were closest together.
 * performance.now() costs a tenth of a BigInt from hrtime, and the data path reads the clock a dozen times a request.
 */
function originMs(): number {
  let origin = 0
  let closest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    const before = performance.now()
    const sharedMs = Number(process.hrtime.bigint()) / 1e6
    const apart = performance.now() - before
    if (apart >= closest) continue
    closest = apart
    origin = sharedMs - before - apart / 2
  }
  return origin
}
const ORIGIN_MS = originMs()

export const systemClock: Clock = {
  nowMs: () => ORIGIN_MS + performance.now(),
  wallMs: () => Date.now(),
  every(ms, callback) {
    const timer = setInterval(callback, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms`; keeps the process alive meanwhile. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
