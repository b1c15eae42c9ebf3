import type { Clock } from '../../clock.ts'

/** Something that must move on in time; linked into one Deadlines at most. Fields belong to Deadlines. */
export interface Deadlined {
  dueMs: number
  before: Deadlined | undefined
  after: Deadlined | undefined
  /** undefined: not waiting. */
  deadlines: Deadlines | undefined
  /** Time is up. */
  onDeadline(): void
}

/**
 * Deadlines of one length for any number of waiters: as all wait equally long, they expire in the order in which they
 * came, and one timer for the first of them is enough. Adding and removing are a few assignments: no timer a request.
 */
export class Deadlines {
  readonly #durationMs: number
  readonly #clock: Clock
  #first: Deadlined | undefined
  #last: Deadlined | undefined
  #disarm: (() => void) | undefined

  /** `durationMs` 0: nothing ever expires. */
  constructor(durationMs: number, clock: Clock) {
    this.#durationMs = durationMs
    this.#clock = clock
  }

  /** Starts, or starts anew, to wait. */
  start(waiter: Deadlined): void {
    if (this.#durationMs === 0) return
    Deadlines.stop(waiter)
    waiter.dueMs = this.#clock.nowMs() + this.#durationMs
    waiter.deadlines = this
    waiter.before = this.#last
    if (this.#last) this.#last.after = waiter
    else this.#first = waiter
    this.#last = waiter
    if (!this.#disarm) this.#arm(this.#durationMs)
  }

  /** Waits no longer. The timer stays armed: it finds the next waiter, or nobody, when it fires. */
  static stop(waiter: Deadlined): void {
    const list = waiter.deadlines
    if (!list) return
    if (waiter.before) waiter.before.after = waiter.after
    else list.#first = waiter.after
    if (waiter.after) waiter.after.before = waiter.before
    else list.#last = waiter.before
    waiter.before = undefined
    waiter.after = undefined
    waiter.deadlines = undefined
  }

  #arm(ms: number): void {
    this.#disarm = this.#clock.after(Math.max(1, Math.ceil(ms)), () => {
      this.#disarm = undefined
      this.#expire()
    })
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs()
    while (this.#first && this.#first.dueMs <= nowMs) {
      const waiter = this.#first
      Deadlines.stop(waiter)
      waiter.onDeadline()
    }
    if (this.#first && !this.#disarm) this.#arm(this.#first.dueMs - nowMs)
  }
}
