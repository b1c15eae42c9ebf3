import { AXIS, logUniform, type Powers, power, powersOf, RISK_SPAN } from './experts.ts'

/**
 * "Worse than serving, and not negligible." Null, at every moment: p_c <= m p_s, or p_c <= f. Expert (i, j) bets on a
 * relative risk R_i and on a rate p_j of the candidate; one observation multiplies it by
 *
 *   candidate, bad: min(theta_i/theta_0, p_j/f)      candidate, not bad: (1-p_j)/(1-f)
 *   serving, bad: (1-theta_i)/(1-theta_0)            serving, not bad: 1
 *
 * where theta = w R / (w R + 1 - w) is the chance that a bad request is the candidate's. Whichever half of the null
 * holds, the expected factor is at most 1 under random assignment with share w (analysis.md, "The evidence").
 */
export interface Relative {
  ratio: number
  floor: number
  risks: readonly number[]
  /** p_j / f and (1-p_j)/(1-f). */
  bad: Powers
  good: Powers
  /** What depends on the share w, for the shares seen lately. */
  byShare: Map<number, Assignment>
  /** While serving has no traffic: one axis against a floor taken from its history. */
  byFloor: Map<number, Ceiling>
}

interface Assignment {
  /** theta_i / theta_0 and (1-theta_i)/(1-theta_0). */
  candidate: Powers
  serving: Powers
}

/** "Above p_max." Null: p_c <= p_max. Expert k multiplies by p_k/p_max when bad, (1-p_k)/(1-p_max) when not. */
export interface Ceiling {
  bad: Powers
  good: Powers
}

/** Counts below which powers come from a table. With these no product of four leaves the range of a double. */
const BAD_POWERS = 40
const GOOD_POWERS = 256
/** A release has as many shares as steps and replicas give it; more than this and the tables begin anew. */
const KEPT = 64
/** Capital is cut here: far above any threshold, far below what overflows with the largest factor of a cell. */
const CAP = 1e150
/** Largest logarithm of one factor; keeps Math.exp finite. */
const MAX_LN = 340

export function relative(ratio: number, floor: number): Relative {
  const rates = logUniform(floor, 1, AXIS)
  return {
    ratio,
    floor,
    risks: logUniform(ratio, RISK_SPAN * ratio, AXIS),
    bad: powersOf(
      rates.map((p) => Math.log(p / floor)),
      BAD_POWERS,
    ),
    good: powersOf(
      rates.map((p) => Math.log((1 - p) / (1 - floor))),
      GOOD_POWERS,
    ),
    byShare: new Map(),
    byFloor: new Map(),
  }
}

export function ceiling(max: number): Ceiling {
  const rates = logUniform(max, 1, AXIS)
  return {
    bad: powersOf(
      rates.map((p) => Math.log(p / max)),
      BAD_POWERS,
    ),
    good: powersOf(
      rates.map((p) => Math.log((1 - p) / (1 - max))),
      GOOD_POWERS,
    ),
  }
}

function assignment(test: Relative, share: number): Assignment {
  let known = test.byShare.get(share)
  if (known) return known
  const mean = (risk: number) => share * risk + 1 - share
  const atNull = mean(test.ratio)
  known = {
    candidate: powersOf(
      test.risks.map((risk) => Math.log((risk * atNull) / (test.ratio * mean(risk)))),
      BAD_POWERS,
    ),
    serving: powersOf(
      test.risks.map((risk) => Math.log(atNull / mean(risk))),
      BAD_POWERS,
    ),
  }
  if (test.byShare.size >= KEPT) test.byShare.clear()
  test.byShare.set(share, known)
  return known
}

const badC = new Float64Array(AXIS)
const badS = new Float64Array(AXIS)
const rateBad = new Float64Array(AXIS)
const rateGood = new Float64Array(AXIS)

/**
 * Multiplies the 64 experts at `v[at..]` by the factor of one cell and adds the cell's fresh stake to each, in this
 * order: what is staked in a cell is multiplied by later cells alone. Returns the sum.
 */
export function stepRelative(
  v: Float64Array,
  at: number,
  test: Relative,
  share: number,
  counts: { bad: number; good: number; servingBad: number },
  stake: number,
): number {
  const { bad, good, servingBad } = counts
  const { candidate, serving } = assignment(test, share)
  let sum = 0
  if (bad >= BAD_POWERS || servingBad >= BAD_POWERS) {
    for (let i = 0; i < AXIS; i++) {
      for (let j = 0; j < AXIS; j++) {
        const ln =
          bad * Math.min(candidate.ln[i]!, test.bad.ln[j]!) + good * test.good.ln[j]! + servingBad * serving.ln[i]!
        const k = at + i * AXIS + j
        sum += v[k] = Math.min(CAP, v[k]! * Math.exp(Math.min(MAX_LN, ln))) + stake
      }
    }
    return sum
  }
  power(candidate, bad, badC)
  power(serving, servingBad, badS)
  power(test.bad, bad, rateBad)
  power(test.good, good, rateGood)
  for (let i = 0; i < AXIS; i++) {
    const c = badC[i]!
    const s = badS[i]!
    for (let j = 0; j < AXIS; j++) {
      const k = at + i * AXIS + j
      // min(a, b)^n = min(a^n, b^n) for positive a, b.
      sum += v[k] = Math.min(CAP, v[k]! * (Math.min(c, rateBad[j]!) * s * rateGood[j]!)) + stake
    }
  }
  return sum
}

/**
 * The same while serving has no traffic: the candidate against a fixed share `floor`, which serving's history gave.
 * All experts of one column make the same bet. A floor of 1 or more says nothing.
 */
export function stepHistorical(
  v: Float64Array,
  at: number,
  test: Relative,
  floor: number,
  counts: { bad: number; good: number },
  stake: number,
): number {
  let sum = 0
  const known = floor < 1
  if (known) factors(historical(test, floor), counts.bad, counts.good, rateBad)
  for (let i = 0; i < AXIS; i++) {
    for (let j = 0; j < AXIS; j++) {
      const k = at + i * AXIS + j
      sum += v[k] = Math.min(CAP, v[k]! * (known ? rateBad[j]! : 1)) + stake
    }
  }
  return sum
}

function historical(test: Relative, floor: number): Ceiling {
  let known = test.byFloor.get(floor)
  if (known) return known
  known = ceiling(floor)
  if (test.byFloor.size >= KEPT) test.byFloor.clear()
  test.byFloor.set(floor, known)
  return known
}

/**
 * One cell of a ceiling test, 8 experts at `v[at..]`. `paused`: only what speaks for the candidate counts, which keeps
 * the capital below that of the test without a pause, so that no rule of pausing can raise a false alarm.
 */
export function stepCeiling(
  v: Float64Array,
  at: number,
  test: Ceiling,
  counts: { bad: number; good: number },
  paused: boolean,
  stake: number,
): number {
  factors(test, counts.bad, counts.good, rateBad)
  let sum = 0
  for (let k = 0; k < AXIS; k++) {
    const factor = paused ? Math.min(1, rateBad[k]!) : rateBad[k]!
    sum += v[at + k] = Math.min(CAP, v[at + k]! * factor) + stake
  }
  return sum
}

function factors(test: Ceiling, bad: number, good: number, out: Float64Array): void {
  if (bad >= BAD_POWERS) {
    for (let k = 0; k < AXIS; k++) out[k] = Math.exp(Math.min(MAX_LN, bad * test.bad.ln[k]! + good * test.good.ln[k]!))
    return
  }
  power(test.bad, bad, out)
  power(test.good, good, rateGood)
  for (let k = 0; k < AXIS; k++) out[k]! *= rateGood[k]!
}
