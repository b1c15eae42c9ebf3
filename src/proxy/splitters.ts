import type { Random } from '../random.ts'
import type { GateSpec } from './snapshot.ts'
import { createSplitter, type Splitter } from './split/splitter.ts'

/** A worker's splitters, one a gate for as long as its variants stay the same: a reload does not begin the count of shares anew. */
export class Splitters {
  readonly #random: Random
  readonly #kept = new Map<string, { variants: string; splitter: Splitter }>()

  constructor(random: Random) {
    this.#random = random
  }

  of({ key, variants }: GateSpec): Splitter {
    const names = variants.map(({ name }) => name).join()
    const kept = this.#kept.get(key)
    if (kept?.variants === names) return kept.splitter
    const splitter = createSplitter(variants.length, this.#random)
    this.#kept.set(key, { variants: names, splitter })
    return splitter
  }

  /** Forgets the gates that are not among these. */
  keepOnly(gates: readonly GateSpec[]): void {
    const keys = new Set(gates.map(({ key }) => key))
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.#kept.delete(key)
  }
}
