import type { JudgePolicy } from '../../src/controller/analysis/index.ts'
import { seededRandom } from '../../src/random.ts'
import { type Scenario, scenario } from '../../src/simulate/scenario.ts'
import { runTrial } from '../../src/simulate/trial.ts'

/** What the judge must reach: failed candidate requests until conviction. */
export interface Row {
  name: string
  share: number
  /** Percent of failed requests. */
  serving: number
  candidate: number
  /** Clean candidate requests before the fault begins. */
  after?: number
  mean: number
  /** 95 % of the runs need at most this many; absent: not demanded. */
  most?: number
}

const ROWS: readonly Omit<Row, 'name'>[] = [
  { share: 0.05, serving: 0.1, candidate: 50, mean: 4, most: 5 },
  { share: 0.05, serving: 0.1, candidate: 5, mean: 6, most: 9 },
  { share: 0.05, serving: 0.1, candidate: 2, mean: 9, most: 15 },
  { share: 0.05, serving: 0.1, candidate: 1, mean: 18, most: 31 },
  { share: 0.5, serving: 0.1, candidate: 1, mean: 38, most: 62 },
  { share: 0.05, serving: 1, candidate: 5, mean: 21, most: 34 },
  { share: 0.05, serving: 0.1, candidate: 30, after: 300, mean: 8 },
  { share: 0.05, serving: 0.1, candidate: 30, after: 3000, mean: 10 },
  { share: 0.05, serving: 0.1, candidate: 30, after: 30_000, mean: 27 },
]

export const TABLE: readonly Row[] = ROWS.map((row) => ({ ...row, name: nameOf(row) }))

function nameOf({ share, serving, candidate, after }: Omit<Row, 'name'>): string {
  const late = after === undefined ? '' : ` after ${after} clean requests`
  return `${share * 100} % share, serving fails ${serving} %, candidate ${candidate} %${late}`
}

/** What one row came to. */
export interface RowResult {
  runs: number
  convicted: number
  mean: number
  p95: number
}

export function scenarioOf({ serving, candidate, after }: Row, requestsPerSecond: number): Scenario {
  return scenario({
    requestsPerSecond,
    serving: { failing: serving },
    candidate:
      after === undefined
        ? { failing: candidate }
        : { failing: 0, later: { afterRequests: after, failing: candidate } },
  })
}

/** Longest trial: ten times what the slowest row needs on average. */
const MAX_REQUESTS = 1_500_000

/** Failed candidate requests until conviction of one run. */
export function runRow(policy: JudgePolicy, row: Row, requestsPerSecond: number, tickMs: number, seed: number) {
  const options = { share: row.share, maxRequests: MAX_REQUESTS, tickMs }
  return runTrial(policy, scenarioOf(row, requestsPerSecond), seededRandom(seed), options)
}

export function summarise(failed: readonly number[], runs: number): RowResult {
  const sorted = [...failed].sort((a, b) => a - b)
  const mean = sorted.reduce((sum, count) => sum + count, 0) / Math.max(1, sorted.length)
  return { runs, convicted: sorted.length, mean, p95: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0 }
}
