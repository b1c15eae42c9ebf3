/**
 * Positions of sticky users, dealt out to the variants: the candidate has those below its weight, then come the others in order of their
 * index, and `rest` (serving, else the first variant) has what remains. So users move only between a variant whose weight
 * grows and the rest.
 */

/** The variant that has a position 0-9999. Weights are `weights[offset + v]`, in basis points. */
export function variantAt(
  position: number,
  weights: ArrayLike<number>,
  offset: number,
  variants: number,
  candidate: number,
  rest: number,
): number {
  let start = 0
  if (candidate >= 0) {
    start = weights[offset + candidate]!
    if (position < start) return candidate
  }
  for (let v = 0; v < variants; v++) {
    if (v === candidate || v === rest) continue
    start += weights[offset + v]!
    if (position < start) return v
  }
  return rest
}

/** First position of a variant. */
export function startOf(
  variant: number,
  weights: ArrayLike<number>,
  offset: number,
  variants: number,
  candidate: number,
  rest: number,
): number {
  if (variant === candidate) return 0
  let start = candidate >= 0 ? weights[offset + candidate]! : 0
  for (let v = 0; v < variants; v++) {
    if (v === candidate || v === rest) continue
    if (v === variant) return start
    start += weights[offset + v]!
  }
  return start
}
