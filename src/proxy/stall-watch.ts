import type { Clock } from '../clock.ts'
import type { ProxyLog } from './workers.ts'

const CHECK_MS = 500
/** So long without a heartbeat is a stall; a beat comes every quarter of a second. */
const STALL_MS = 2000

/** Names workers whose event loop does not turn, unless it is the main thread that was held up. */
export class StallWatch {
  readonly #beats: Int32Array
  readonly #clock: Clock
  readonly #log: ProxyLog
  readonly #watched = new Set<number>()
  readonly #stalled = new Set<number>()
  #lastMs = 0
  #stop: (() => void) | undefined

  /** `beats`: monotonic milliseconds, modulo 2^32, of each worker's last heartbeat. */
  constructor(beats: Int32Array, clock: Clock, log: ProxyLog) {
    this.#beats = beats
    this.#clock = clock
    this.#log = log
  }

  /** Idempotent. */
  start(): void {
    this.#lastMs = this.#clock.nowMs()
    this.#stop ??= this.#clock.every(CHECK_MS, () => this.#check())
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  /** The worker serves and beats. */
  watch(worker: number): void {
    this.#watched.add(worker)
  }

  /** The worker is gone. */
  forget(worker: number): void {
    this.#watched.delete(worker)
    this.#stalled.delete(worker)
  }

  #check(): void {
    const nowMs = this.#clock.nowMs()
    const lateMs = nowMs - this.#lastMs - CHECK_MS
    this.#lastMs = nowMs
    if (lateMs > STALL_MS / 2) return
    for (const worker of this.#watched) {
      const silentMs = ((nowMs | 0) - Atomics.load(this.#beats, worker)) | 0
      if (silentMs > STALL_MS && !this.#stalled.has(worker)) {
        this.#stalled.add(worker)
        this.#log.warn({ worker, silentMs }, 'a worker stalls')
      } else if (silentMs <= STALL_MS && this.#stalled.delete(worker)) {
        this.#log.info({ worker }, 'a worker goes on after a stall')
      }
    }
  }
}
