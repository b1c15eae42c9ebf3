/** Retries that may run whatever the percentage says: a gate with little traffic can still retry. */
export const MIN_RETRIES = 3

/**
 * How many retries may run at once: a percentage of the requests that are running, at least MIN_RETRIES. It bounds what
 * a failing variant costs: without it every failure would double the load on those that still answer. Envoy's retry_budget.
 */
export class RetryBudget {
  readonly #percent: number
  #running = 0

  /** `percent`: of active requests, 0-100. */
  constructor(percent: number) {
    this.#percent = percent
  }

  /** Retries that run now. */
  get running(): number {
    return this.#running
  }

  /** Takes one retry out of the budget, if `active` requests (retries among them) allow it. True: call `release` when the retry has ended. */
  take(active: number): boolean {
    if (this.#running >= Math.max(MIN_RETRIES, Math.floor((active * this.#percent) / 100))) return false
    this.#running++
    return true
  }

  release(): void {
    if (this.#running > 0) this.#running--
  }
}
