import type { AnalysisConfig } from '../../config/schema.ts'
import type { Test } from './finding.ts'

/** What a judge is told to tolerate. All rates are shares, 0-1. Plain data; one object lives as long as its release. */
export interface JudgePolicy {
  /** Chance that a healthy release is not rolled back by mistake, over the whole release. */
  confidence: number
  /** Null of "above max": the candidate fails at most this often. 0 = the test is off. */
  maxErrorRate: number
  /** Null of "worse": the candidate fails at most `ratio` times as often as serving, or at most `floor`. */
  errorTolerance: { ratio: number; floor: number }
  /** The same for slow requests; slow is slower than `quantile` of serving's. `maxOn`: there is an absolute limit too. */
  latency: { quantile: number; ratio: number; floor: number; maxOn: boolean }
  /** Proxy replicas that judge this release. */
  replicas: number
  /** Whether the counts are those of all replicas or of one alone; only matters with several. */
  scope: 'pooled' | 'local'
}

/** Translates a Gate's `analysis` section: percentages become shares. */
export function judgePolicy(
  analysis: Pick<AnalysisConfig, 'confidence' | 'maxErrorRate' | 'errorTolerance' | 'latency'>,
  replicas = 1,
  scope: JudgePolicy['scope'] = 'pooled',
): JudgePolicy {
  return {
    confidence: analysis.confidence,
    maxErrorRate: analysis.maxErrorRate / 100,
    errorTolerance: { ratio: analysis.errorTolerance.ratio, floor: analysis.errorTolerance.floor / 100 },
    latency: {
      quantile: analysis.latency.quantile,
      ratio: analysis.latency.ratio,
      floor: analysis.latency.floor / 100,
      maxOn: analysis.latency.max > 0,
    },
    replicas,
    scope,
  }
}

/** Capital that convicts: the reciprocal of the chance of a false alarm, which several replicas divide among themselves. */
export function convictionThreshold(policy: JudgePolicy): number {
  const alpha = 1 - policy.confidence
  if (policy.replicas <= 1) return 1 / alpha
  return policy.scope === 'pooled' ? 2 / alpha : (2 * policy.replicas) / alpha
}

const SHARES: Readonly<Record<Test, number>> = { worse: 0.6, aboveMax: 0.2, slowWorse: 0.15, slowMax: 0.05 }

/** How the capital of 1 is divided among the tests; what a test that is off would have had goes to the others in proportion. */
export function capitalShares(policy: JudgePolicy): Record<Test, number> {
  const aboveMax = policy.maxErrorRate > 0 && policy.maxErrorRate < 1 ? SHARES.aboveMax : 0
  const slowMax = policy.latency.maxOn ? SHARES.slowMax : 0
  const sum = SHARES.worse + SHARES.slowWorse + aboveMax + slowMax
  return {
    worse: SHARES.worse / sum,
    aboveMax: aboveMax / sum,
    slowWorse: SHARES.slowWorse / sum,
    slowMax: slowMax / sum,
  }
}
