import type { Clock } from '../clock.ts'

const TICK_MS = 100
/** So long nothing may have been in flight before the rest is taken for idle: a head may be on its way in. */
const QUIET_MS = 500

/** What a drain steers and watches. */
export interface Drainable {
  /** From now on every answer ends its connection. */
  beginDraining(): void
  /** Ends connections without a request in hand. */
  closeIdle(): void
  /** Cuts tunnels: they would stay open for ever. */
  closeTunnels(): void
  /** What is open: connections, among them tunnels, and requests in flight, tunnels apart. */
  readonly connections: number
  readonly tunnels: number
  readonly requests: number
}

/**
 * Lets a worker go without losing a request. For `acceptMs` it takes new connections as ever, as balancers need time to
 * look away, and ends each with its next answer. After that idle ones are closed; the listeners stay open to the end, since
 * closing one resets what waits in its queue. Tunnels live
 * until the deadline. Resolves when nothing is in flight, at the deadline at the latest.
 */
export function drain(target: Drainable, clock: Clock, acceptMs: number, deadlineMs: number): Promise<void> {
  const startMs = clock.nowMs()
  let quietSinceMs = Number.POSITIVE_INFINITY
  target.beginDraining()
  return new Promise((resolve) => {
    const tick = (): void => {
      const nowMs = clock.nowMs()
      const ageMs = nowMs - startMs
      if (ageMs < Math.min(acceptMs, deadlineMs)) return
      target.closeIdle()
      if (target.requests > 0) quietSinceMs = Number.POSITIVE_INFINITY
      else if (quietSinceMs > nowMs) quietSinceMs = nowMs
      const quiet = nowMs - quietSinceMs >= QUIET_MS
      if (ageMs < deadlineMs && target.connections > 0 && !(quiet && target.tunnels === 0)) return
      stop()
      target.closeTunnels()
      resolve()
    }
    const stop = clock.every(TICK_MS, tick)
    tick()
  })
}
