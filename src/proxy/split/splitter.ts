import type { Random } from '../../random.ts'

export interface Splitter {
  /** The variant of the next request. `weights[offset + v]` in basis points; `first` is sampled first (the candidate). */
  next(weights: ArrayLike<number>, offset: number, first?: number): number
}

/** One splitter a gate and worker. O(variants) a request, no allocation. */
export declare function createSplitter(variants: number, random: Random): Splitter
