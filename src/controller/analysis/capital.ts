import { AXIS, plain } from './experts.ts'
import type { CellCounts, Test } from './finding.ts'
import { capitalShares, type JudgePolicy } from './policy.ts'
import {
  type Ceiling,
  ceiling,
  type Relative,
  relative,
  stepCeiling,
  stepHistorical,
  stepRelative,
} from './relative.ts'
import type { HistoricalFloors } from './state.ts'

/**
 * The capital of all experts in one vector. `aboveMaxAlone` is the same test without a pause: it convicts nobody, but
 * tells whether a shared failure is what holds a conviction back.
 */
export const At = { worse: 0, aboveMax: 64, aboveMaxAlone: 72, slowWorse: 80, slowMax: 144, size: 152 } as const

/** Share of the capital that is staked bit by bit as the release goes on, for faults that begin late. */
const LATE = 0.3
const LATE_OFFSET = 10

/**
 * The share that is not staked yet before the (n+1)-th candidate request. Its derivative is proportional to
 * 1/((n+10) ln^2(n+10)): the price of a fault that begins at n grows with ln n only.
 */
export const unstaked = (n: number): number => (LATE * Math.log(LATE_OFFSET)) / Math.log(n + LATE_OFFSET)

/** What a policy means in numbers: experts, shares. Built once a policy. */
export interface Bench {
  shares: Record<Test, number>
  worse: Relative
  slowWorse: Relative
  aboveMax: Ceiling | undefined
  slowMax: Ceiling | undefined
}

const benches = new WeakMap<JudgePolicy, Bench>()

export function benchOf(policy: JudgePolicy): Bench {
  let bench = benches.get(policy)
  if (bench) return bench
  const { errorTolerance, latency } = policy
  const shares = capitalShares(policy)
  bench = {
    shares,
    worse: relative(errorTolerance.ratio, errorTolerance.floor),
    slowWorse: relative(latency.ratio, latency.floor),
    aboveMax: shares.aboveMax > 0 ? ceiling(policy.maxErrorRate) : undefined,
    slowMax: shares.slowMax > 0 ? ceiling(1 - latency.quantile) : undefined,
  }
  benches.set(policy, bench)
  return bench
}

const GRID = AXIS * AXIS

/** All that is staked at the beginning, in equal parts on the experts of a test. */
export function initialCapital({ shares }: Bench): number[] {
  const v = new Float64Array(At.size)
  const staked = 1 - LATE
  v.fill((shares.worse * staked) / GRID, At.worse, At.worse + GRID)
  v.fill((shares.aboveMax * staked) / AXIS, At.aboveMax, At.aboveMax + AXIS)
  v.fill((shares.aboveMax * staked) / AXIS, At.aboveMaxAlone, At.aboveMaxAlone + AXIS)
  v.fill((shares.slowWorse * staked) / GRID, At.slowWorse, At.slowWorse + GRID)
  v.fill((shares.slowMax * staked) / AXIS, At.slowMax, At.slowMax + AXIS)
  return plain(v)
}

/** What the capital of a cell depends on beside its counts. */
export interface CellRules {
  shared: boolean
  historical: HistoricalFloors | undefined
  /** Count serving's long pending requests as bad. */
  pessimistic: boolean
}

/** One cell: v <- v * F(cell) + stake of the cell, for every expert. `n`: candidate requests before the cell. */
export function stepCell(v: Float64Array, bench: Bench, cell: CellCounts, rules: CellRules, n: number): void {
  const { candidate, serving, share } = cell
  const servingBad = rules.pessimistic ? Math.min(serving.started, serving.bad + serving.longPending) : serving.bad
  const { shares } = bench
  const staked = candidate.started > 0 ? unstaked(n) - unstaked(n + candidate.started) : 0
  // Without a candidate request and a bad or slow one of serving every factor is 1 and nothing is staked.
  if (candidate.started === 0 && servingBad === 0 && serving.slow === 0) return
  const counts = { bad: candidate.bad, good: Math.max(0, candidate.started - candidate.bad), servingBad }
  const slow = {
    bad: candidate.slow,
    good: Math.max(0, candidate.timed - candidate.slow),
    servingBad: serving.slow,
  }
  const worseStake = (shares.worse * staked) / GRID
  const slowStake = (shares.slowWorse * staked) / GRID
  if (share < 1) {
    stepRelative(v, At.worse, bench.worse, share, counts, worseStake)
    stepRelative(v, At.slowWorse, bench.slowWorse, share, slow, slowStake)
  } else {
    const floors = rules.historical ?? { bad: 1, slow: 1 }
    stepHistorical(v, At.worse, bench.worse, floors.bad, counts, worseStake)
    stepHistorical(v, At.slowWorse, bench.slowWorse, floors.slow, slow, slowStake)
  }
  if (bench.aboveMax) {
    const stake = (shares.aboveMax * staked) / AXIS
    stepCeiling(v, At.aboveMax, bench.aboveMax, counts, rules.shared, stake)
    stepCeiling(v, At.aboveMaxAlone, bench.aboveMax, counts, false, stake)
  }
  if (bench.slowMax) {
    const bad = candidate.slowMax
    const good = Math.max(0, candidate.timed - bad)
    stepCeiling(v, At.slowMax, bench.slowMax, { bad, good }, false, (shares.slowMax * staked) / AXIS)
  }
}

/** Capital of each test, staked and not, after `n` candidate requests; `alone`: of "above max" without a pause. */
export function capitalOf(
  v: ArrayLike<number>,
  { shares }: Bench,
  n: number,
): Record<Test, number> & { alone: number } {
  const rest = unstaked(n)
  return {
    worse: sum(v, At.worse, GRID) + shares.worse * rest,
    aboveMax: sum(v, At.aboveMax, AXIS) + shares.aboveMax * rest,
    alone: sum(v, At.aboveMaxAlone, AXIS) + shares.aboveMax * rest,
    slowWorse: sum(v, At.slowWorse, GRID) + shares.slowWorse * rest,
    slowMax: sum(v, At.slowMax, AXIS) + shares.slowMax * rest,
  }
}

function sum(v: ArrayLike<number>, at: number, count: number): number {
  let total = 0
  for (let k = at; k < at + count; k++) total += v[k]!
  return total
}
