import { upperBound } from './bound.ts'
import type { CellCounts, JudgeInput } from './finding.ts'
import type { JudgePolicy } from './policy.ts'
import type { HistoricalFloors } from './state.ts'

/**
 * While serving has no traffic, only more than this share of slow requests convicts. There is nothing to compare with
 * at that moment: a busy host slows every version (up to a quarter of the requests of a healthy one was seen), and against serving's
 * slow share of a quieter time (1 % by definition of the threshold) every good version would be convicted of it. A version
 * that is slow by itself is slow for most requests, and is convicted within a few.
 */
export const HISTORICAL_SLOW_FLOOR = 0.5

/**
 * What the candidate is measured by at weight 100: m times the upper 99 % bound of serving's rate while it had traffic.
 * Only raised while it is in use: late outcomes of serving may tell of more failures, an ageing history of nothing.
 */
export function historicalFloors(
  policy: JudgePolicy,
  before: HistoricalFloors | undefined,
  history: JudgeInput['servingHistory'],
  cells: readonly CellCounts[],
): HistoricalFloors | undefined {
  if (!cells.some((cell) => cell.share >= 1)) return undefined
  const { requests, timed } = history
  if (before && requests <= before.requests && timed <= before.timed) return before
  const { errorTolerance, latency } = policy
  const bad = Math.max(errorTolerance.floor, errorTolerance.ratio * upperBound(history.bad, requests))
  const slow = Math.max(HISTORICAL_SLOW_FLOOR, latency.floor, latency.ratio * upperBound(history.slow, timed))
  return {
    bad: Math.min(1, Math.max(bad, before && before.requests > 0 ? before.bad : 0)),
    slow: Math.min(1, Math.max(slow, before && before.timed > 0 ? before.slow : 0)),
    requests,
    timed,
  }
}
