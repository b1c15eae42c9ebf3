import type { Clock } from '../clock.ts'

/** Pause before work that failed is tried again. */
const AGAIN_MS = 5000

/** Work that has to succeed in the end: what failed stays due, and is done again by a later `run`. */
export class Due {
  readonly #clock: Clock
  readonly #work: () => Promise<void>
  readonly #onError: (error: Error) => void
  #failedMs: number | undefined

  constructor(clock: Clock, work: () => Promise<void>, onError: (error: Error) => void) {
    this.#clock = clock
    this.#work = work
    this.#onError = onError
  }

  /** It failed the last time, and the pause is over. */
  get due(): boolean {
    return this.#failedMs !== undefined && this.#clock.nowMs() - this.#failedMs >= AGAIN_MS
  }

  /** Does it; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#work()
      this.#failedMs = undefined
    } catch (error) {
      this.#failedMs = this.#clock.nowMs()
      this.#onError(error as Error)
    }
  }

  /** It is on its way again: not due until it fails anew. */
  taken(): void {
    this.#failedMs = undefined
  }
}
