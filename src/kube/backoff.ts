import type { Random } from '../random.ts'

/** Delays that double from `firstMs` to `maxMs`, each drawn between half of it and all: many that failed together do not come back together. */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #random: Random
  #tries = 0

  constructor(options: { firstMs: number; maxMs: number; random: Random }) {
    this.#firstMs = options.firstMs
    this.#maxMs = options.maxMs
    this.#random = options.random
  }

  /** How long to wait now. */
  nextMs(): number {
    const delayMs = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#tries)
    if (delayMs < this.#maxMs) this.#tries++
    return delayMs * (0.5 + this.#random() / 2)
  }

  /** It went well for long enough: begin anew. */
  reset(): void {
    this.#tries = 0
  }
}
