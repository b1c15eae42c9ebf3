import type { Clock } from '../clock.ts'

const TICK_MS = 100
/** So much before the deadline nothing more is accepted, whatever is in hand: what was accepted last has time for its answer. */
const LAST_MS = 1000
/**
 * In so many ticks on end nothing may have been in flight before what is still open is taken for idle. Ticks rather than time: a thread
 * that got no CPU for a second has not seen what waits for it.
 */
const SILENT_TICKS = 10

/** What a drain steers and watches. */
export interface Drainable {
  /** From now on every answer ends its connection. */
  beginDraining(): void
  /** Closes the listening sockets; connections that were accepted live on. Idempotent. */
  stopAccepting(): void
  /** Ends connections that have served a request and have none in hand. */
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
 * look away, and ends each with its next answer. After that idle ones are closed, but the listeners stay open as long as
 * anything is in hand, since closing one resets what waits in its queue (or hands it to another process where
 * net.ipv4.tcp_migrate_req is set). They are closed before the connections are: whatever was accepted in the last moment gets
 * its answer too. Tunnels live until the deadline. Resolves when nothing is open, at the deadline at the latest.
 */
export function drain(target: Drainable, clock: Clock, acceptMs: number, deadlineMs: number): Promise<void> {
  const startMs = clock.nowMs()
  const lastAcceptMs = Math.max(0, deadlineMs - LAST_MS)
  let silentTicks = 0
  let accepting = true
  let over = false
  target.beginDraining()
  return new Promise((resolve) => {
    const tick = (): void => {
      const ageMs = clock.nowMs() - startMs
      if (over || ageMs < Math.min(acceptMs, lastAcceptMs)) return
      target.closeIdle()
      const { requests, tunnels } = target
      if (accepting && (ageMs >= lastAcceptMs || requests + tunnels === 0)) {
        accepting = false
        target.stopAccepting()
      }
      silentTicks = accepting || requests > 0 ? 0 : silentTicks + 1
      const quiet = target.connections === 0 || (silentTicks > SILENT_TICKS && tunnels === 0)
      over = ageMs >= deadlineMs || (quiet && !accepting)
      if (!over) return
      stop()
      target.closeTunnels()
      resolve()
    }
    // After what has arrived was read: timers come first in a turn of the event loop, and after a pause of the thread a
    // connection that looks idle has its next request waiting.
    const soon = (): void => void setImmediate(tick)
    const stop = clock.every(TICK_MS, soon)
    soon()
  })
}
