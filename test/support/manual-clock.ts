import type { Clock } from '../../src/clock.ts'

interface Timer {
  atMs: number
  everyMs: number
  callback: () => void
}

/** A clock that moves only when told to: timers fire in order, inside `advance`. */
export class ManualClock implements Clock {
  #nowMs: number
  #wallOffsetMs: number
  readonly #timers = new Set<Timer>()

  constructor(nowMs = 1_000_000, wallMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
    this.#wallOffsetMs = wallMs - nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs
  }

  every(ms: number, callback: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + ms, everyMs: Math.max(ms, 1), callback })
  }

  after(ms: number, callback: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + ms, everyMs: 0, callback })
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Timers that are armed. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves time on by `ms`, firing what becomes due on the way, each at its own moment. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      let next: Timer | undefined
      for (const timer of this.#timers) if (timer.atMs <= endMs && (!next || timer.atMs < next.atMs)) next = timer
      if (!next) break
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      if (next.everyMs > 0) next.atMs += next.everyMs
      else this.#timers.delete(next)
      next.callback()
    }
    this.#nowMs = endMs
  }

  /** Moves the wall clock alone, as an operator or NTP would. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms
  }
}
