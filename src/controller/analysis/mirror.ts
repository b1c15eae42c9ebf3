import { logUniform } from './experts.ts'
import type { CellCounts, JudgeInput } from './finding.ts'
import type { JudgePolicy } from './policy.ts'
import type { CellMemo } from './state.ts'

/**
 * The mirror test, which lets a release advance: evidence against "the candidate fails at p0 or more". 24 experts bet
 * on rates q below p0; a bad request multiplies by q/p0, another one by (1-q)/(1-p0). All in logarithms: after a long
 * clean release the evidence is beyond what a number can hold.
 */
export const MIRROR_EXPERTS = 24
/** Evidence at which the candidate is fine. */
export const FINE = 20
const SPAN = 200
/** p0 while "above max" is off and gives none. */
const DEFAULT_MAX = 0.05
const HIGHEST_P0 = 0.9
/** More than any release waits for: the answer where the present rate never gets there. */
export const MAX_REQUESTS_NEEDED = 1_000_000

/** What is fixed when a cell is first seen, from complete seconds alone, so before its outcomes. */
export function nullOf(policy: JudgePolicy, recent: JudgeInput['servingRecent']): { p0: number; failing: boolean } {
  const rate = recent.requests > 0 ? recent.bad / recent.requests : 0
  const max = policy.maxErrorRate > 0 ? policy.maxErrorRate : DEFAULT_MAX
  return {
    p0: Math.min(HIGHEST_P0, Math.max(max, 2 * rate)),
    failing: policy.maxErrorRate > 0 && rate > policy.maxErrorRate,
  }
}

interface Bets {
  bad: Float64Array
  good: Float64Array
}
const bets = new Map<number, Bets>()
const KEPT = 256

function betsAt(p0: number): Bets {
  let known = bets.get(p0)
  if (known) return known
  const rates = logUniform(p0, p0 / SPAN, MIRROR_EXPERTS)
  known = {
    bad: Float64Array.from(rates, (q) => Math.log(q / p0)),
    good: Float64Array.from(rates, (q) => Math.log((1 - q) / (1 - p0))),
  }
  if (bets.size >= KEPT) bets.clear()
  bets.set(p0, known)
  return known
}

/**
 * Adds cells to the logarithms in `ln`; `memos` are theirs. A running request and a sticky user's repeated failure speak for nobody;
 * a cell in which serving failed too never speaks for the candidate. Cells with the same null add up first.
 */
export function addCells(ln: Float64Array, cells: readonly CellCounts[], memos: readonly CellMemo[]): void {
  let bad = 0
  let good = 0
  for (let k = 0; k < cells.length; k++) {
    const { candidate } = cells[k]!
    const { p0, failing } = memos[k]!
    const withheld = candidate.bad + (candidate.pending ?? 0) + (candidate.repeated ?? 0)
    bad += candidate.bad
    good += Math.max(0, candidate.started - withheld)
    const next = memos[k + 1]
    if (k + 1 < cells.length && !failing && next!.p0 === p0 && !next!.failing) continue
    if (bad > 0 || good > 0) add(ln, bad, good, betsAt(p0), failing)
    bad = 0
    good = 0
  }
}

function add(ln: Float64Array, bad: number, good: number, bets: Bets, failing: boolean): void {
  for (let k = 0; k < MIRROR_EXPERTS; k++) {
    const gain = bad * bets.bad[k]! + good * bets.good[k]!
    ln[k]! += failing ? Math.min(0, gain) : gain
  }
}

/** ln of the mean of the experts' capital. */
export function evidence(ln: ArrayLike<number>): number {
  return logMean(ln, 0, undefined)
}

const later = new Float64Array(MIRROR_EXPERTS)

/** ln mean exp(ln + n * slope): the evidence after n more requests. */
function logMean(ln: ArrayLike<number>, n: number, slope: Float64Array | undefined): number {
  let max = Number.NEGATIVE_INFINITY
  for (let k = 0; k < MIRROR_EXPERTS; k++) {
    later[k] = slope ? ln[k]! + n * slope[k]! : ln[k]!
    if (later[k]! > max) max = later[k]!
  }
  let sum = 0
  // What is more than e^40 smaller adds nothing to a double.
  for (let k = 0; k < MIRROR_EXPERTS; k++) if (later[k]! > max - 40) sum += Math.exp(later[k]! - max)
  return max + Math.log(sum / MIRROR_EXPERTS)
}

/** How many more requests, failing at `rate`, bring the evidence to FINE; 0 when it is there. */
export function requestsNeeded(ln: ArrayLike<number>, p0: number, rate: number): number {
  const goal = Math.log(FINE)
  if (logMean(ln, 0, undefined) >= goal) return 0
  const { bad, good } = betsAt(p0)
  const slope = bad.map((lnBad, k) => rate * lnBad + (1 - rate) * good[k]!)
  if (logMean(ln, MAX_REQUESTS_NEEDED, slope) < goal) return MAX_REQUESTS_NEEDED
  let low = 0
  let high = 64
  while (logMean(ln, high, slope) < goal) {
    low = high
    high *= 2
  }
  while (high - low > 1 && high - low > high / 100) {
    const middle = (low + high) >>> 1
    if (logMean(ln, middle, slope) < goal) low = middle
    else high = middle
  }
  return Math.min(MAX_REQUESTS_NEEDED, high)
}
