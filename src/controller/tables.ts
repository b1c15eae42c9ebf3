import type { WeightTable } from '../metrics/index.ts'
import type { SetWeights } from './release/effects.ts'

/** A table of weights for the workers. A gate without a release has neither candidate nor serving. */
export function tableOf(
  variants: readonly string[],
  { weightsBps, roles, observed, release }: SetWeights,
): WeightTable {
  return {
    weightsBps: variants.map((name) => weightsBps[name] ?? 0),
    observed,
    candidate: roles === undefined ? -1 : variants.indexOf(roles.candidate),
    serving: roles === undefined ? -1 : variants.indexOf(roles.serving),
    salt: saltOf(release),
  }
}

/** Spreads small numbers over 32 bits (the finalizer of MurmurHash3): releases draw different users first. */
function saltOf(release: number): number {
  let h = (release + 1) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}
