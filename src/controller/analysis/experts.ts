/**
 * The experts: each bets on one size of a fault. Log-uniform grids, midpoints. And tables of powers, so that the many
 * small cells of a quiet gate cost no exponential.
 */

/** `count` values, log-uniform in (low, high): low * (high / low)^((k + .5) / count). */
export function logUniform(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, k) => low * (high / low) ** ((k + 0.5) / count))
}

/** Experts along one axis of a grid. */
export const AXIS = 8
/** Largest relative risk that is bet on, in multiples of the tolerated ratio. */
export const RISK_SPAN = 200

/** Powers of AXIS bases, given by their logarithms: x[k] ** n is at `n * AXIS + k`, for n < `limit`. */
export interface Powers {
  ln: Float64Array
  limit: number
  table: Float64Array
}

export function powersOf(ln: readonly number[], limit: number): Powers {
  const table = new Float64Array(limit * AXIS)
  for (let n = 0; n < limit; n++) for (let k = 0; k < AXIS; k++) table[n * AXIS + k] = Math.exp(n * ln[k]!)
  return { ln: Float64Array.from(ln), limit, table }
}

/** Writes x[k] ** n for every k into `out`. */
export function power(powers: Powers, n: number, out: Float64Array): void {
  if (n < powers.limit) {
    const at = n * AXIS
    for (let k = 0; k < AXIS; k++) out[k] = powers.table[at + k]!
  } else {
    for (let k = 0; k < AXIS; k++) out[k] = Math.exp(n * powers.ln[k]!)
  }
}

/** Reads plain numbers into a vector. A loop over one kind of array is many times faster than `set` or `from` here. */
export function load(out: Float64Array, values: readonly number[]): Float64Array {
  for (let k = 0; k < values.length; k++) out[k] = values[k]!
  return out
}

/** The vector as plain numbers. */
export function plain(values: Float64Array): number[] {
  const out: number[] = []
  for (let k = 0; k < values.length; k++) out.push(values[k]!)
  return out
}
