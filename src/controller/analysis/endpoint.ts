import { AXIS, logUniform, RISK_SPAN } from './experts.ts'
import type { EndpointCounts } from './finding.ts'
import type { EndpointMemo } from './state.ts'

/**
 * "One endpoint is bad, not the version": for each endpoint j the evidence that j fails more often than 1.25 times the
 * other endpoints of the candidate. Given a bad request, j is its endpoint with chance w R / (w R + 1 - w), where w is
 * j's share of the picks so far in the step, with a few equal picks before them: the first three failures of a release must
 * not decide whose share was how large.
 */
const RATIO = 1.25
const RISKS = logUniform(RATIO, RATIO * RISK_SPAN, AXIS)
/** Fewer endpoints than this and a bad one is too much of the version to be blamed alone. */
export const LEAST_ENDPOINTS = 5
/** Mean evidence over the endpoints that blames the worst one. */
export const BLAME = 20
const CAP = 1e100
/** Picks that every endpoint is taken to have had at the start of a step. */
const PRIOR_PICKS = 5

/** Takes in what was counted since the last look. Returns `memos` itself where nothing bad was. */
export function watchEndpoints(
  memos: readonly EndpointMemo[],
  counts: readonly EndpointCounts[],
): readonly EndpointMemo[] {
  const known = new Map(memos.map((memo) => [memo.name, memo]))
  if (counts.length === memos.length && counts.every(({ name, bad }) => known.get(name)?.bad === bad)) return memos
  const fresh = counts.map(({ name, bad }) => Math.max(0, bad - (known.get(name)?.bad ?? 0)))
  const bad = fresh.reduce((sum, count) => sum + count, 0)
  const picks = counts.reduce((sum, count) => sum + count.picks, 0)
  return counts.map((count, k) => {
    const capital = known.get(count.name)?.capital ?? new Array<number>(AXIS).fill(1 / AXIS)
    const memo = { name: count.name, bad: count.bad, capital }
    if (bad === 0) return memo
    const share = (count.picks + PRIOR_PICKS) / (picks + PRIOR_PICKS * counts.length)
    return { ...memo, capital: capital.map((v, i) => Math.min(CAP, v * factor(share, RISKS[i]!, fresh[k]!, bad))) }
  })
}

function factor(share: number, risk: number, own: number, all: number): number {
  const scale = (share * RATIO + 1 - share) / (share * risk + 1 - share)
  return Math.exp(Math.min(230, own * Math.log((risk / RATIO) * scale) + (all - own) * Math.log(scale)))
}

/** The endpoint to blame: the mean evidence reached BLAME, and this one has most of it. */
export function blamed(memos: readonly EndpointMemo[]): string | undefined {
  if (memos.length < LEAST_ENDPOINTS) return undefined
  let total = 0
  let worst = { name: '', evidence: 0 }
  for (const { name, capital } of memos) {
    const evidence = capital.reduce((sum, v) => sum + v, 0)
    total += evidence
    if (evidence > worst.evidence) worst = { name, evidence }
  }
  return total >= BLAME * memos.length ? worst.name : undefined
}

/** A new step counts bad requests from 0; the evidence stays. */
export const restartEndpoints = (memos: readonly EndpointMemo[]): readonly EndpointMemo[] =>
  memos.map((memo) => ({ ...memo, bad: 0 }))
