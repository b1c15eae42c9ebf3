import type { Clock } from '../clock.ts'
import type { KubeLog } from './log.ts'

/** The same trouble is told so often, not at every try. */
const REPEAT_MS = 60_000

/**
 * Logs that the API server is away (or says no) when that lasts, now and then, and when it is over. A single failure is no
 * news: connections end whenever an API server or a load balancer before it is replaced.
 */
export class Trouble {
  readonly #clock: Clock
  readonly #log: KubeLog
  readonly #fields: object
  #sinceMs: number | undefined
  #toldMs = 0
  #told: string | undefined
  #again = false

  constructor(clock: Clock, log: KubeLog, fields: object) {
    this.#clock = clock
    this.#log = log
    this.#fields = fields
  }

  met(error: Error): void {
    const nowMs = this.#clock.nowMs()
    this.#sinceMs ??= nowMs
    const first = !this.#again
    this.#again = true
    if (first) return
    if (this.#told === error.message && nowMs - this.#toldMs < REPEAT_MS) return
    this.#told = error.message
    this.#toldMs = nowMs
    const forS = Math.round((nowMs - this.#sinceMs) / 1000)
    this.#log.warn(
      { ...this.#fields, error: error.message, forS },
      'the API server does not answer as it should: what is known stays in force',
    )
  }

  over(): void {
    if (this.#sinceMs === undefined) return
    const forS = Math.round((this.#clock.nowMs() - this.#sinceMs) / 1000)
    if (this.#told !== undefined) this.#log.info({ ...this.#fields, forS }, 'the API server answers again')
    this.#sinceMs = undefined
    this.#told = undefined
    this.#again = false
  }
}
