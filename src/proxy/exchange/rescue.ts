import type { RequestMethodSet } from './retry.ts'

/** Rescues that may run at once in a worker whatever the percentage says: serving that is idle, or has no traffic at weight 100, still rescues. */
export const MIN_RESCUES = 10

/**
 * How many rescues may run at once: a percentage of the requests that run on serving, so that a dying candidate cannot
 * more than double its load at 100 percent. Serving's requests are counted over all workers, so each takes its part.
 */
export class RescueBudget {
  readonly #percent: number
  readonly #workers: number
  #running = 0

  /** `percent`: of serving's requests in flight. `workers`: that share them. */
  constructor(percent: number, workers: number) {
    this.#percent = percent
    this.#workers = workers
  }

  /** True: one more may run; call `release` when it has ended. */
  take(servingInFlight: number): boolean {
    const part = Math.floor((servingInFlight * this.#percent) / 100 / this.#workers)
    if (this.#percent === 0 || this.#running >= Math.max(MIN_RESCUES, part)) return false
    this.#running++
    return true
  }

  release(): void {
    this.#running--
  }
}

/** Whether a request that failed on the candidate may be answered by serving, apart from the budget. */
export function mayRescue(
  rescue: { enabled: boolean; methods: RequestMethodSet },
  request: { method: string; replayable: boolean; onCandidate: boolean; rescued: boolean },
): boolean {
  return (
    rescue.enabled &&
    request.onCandidate &&
    !request.rescued &&
    request.replayable &&
    rescue.methods.has(request.method)
  )
}
