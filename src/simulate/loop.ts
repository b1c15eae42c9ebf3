import type { Random } from '../random.ts'
import type { Scenario } from './scenario.ts'
import { TICK_MS, World } from './world.ts'

/**
 * The check that users know: every interval the candidate's success rate over that interval is compared with a
 * threshold; enough failed checks roll back. An interval without a candidate request fails the check, as it does where
 * the rate comes from a query that then has no value.
 */
export interface LoopPolicy {
  intervalMs: number
  /** Percent. */
  minSuccess: number
  /** Failed checks, in the whole release, that roll back. */
  failedChecks: number
}

export const LOOPS: readonly LoopPolicy[] = [
  { intervalMs: 10_000, minSuccess: 99, failedChecks: 2 },
  { intervalMs: 60_000, minSuccess: 99, failedChecks: 2 },
]

/** Counts checks: feed it the candidate's totals as time goes on. */
export function createLoop(policy: LoopPolicy): (nowMs: number, requests: number, failed: number) => boolean {
  let due = policy.intervalMs
  let before = { requests: 0, failed: 0 }
  let failures = 0
  return (nowMs, requests, failed) => {
    if (nowMs < due) return failures >= policy.failedChecks
    due += policy.intervalMs
    const asked = requests - before.requests
    const success = asked > 0 ? 100 * (1 - (failed - before.failed) / asked) : 0
    before = { requests, failed }
    if (success < policy.minSuccess) failures++
    return failures >= policy.failedChecks
  }
}

export interface LoopResult {
  rolledBack: boolean
  atMs: number
  /** Candidate requests that had failed by then. */
  failed: number
}

/** One candidate at a constant share under the loop, until it is rolled back or the requests are used up. */
export function runLoop(
  policy: LoopPolicy,
  scenario: Scenario,
  random: Random,
  { share, maxRequests }: { share: number; maxRequests: number },
): LoopResult {
  const world = new World(scenario, random, TICK_MS)
  const check = createLoop(policy)
  while (world.candidate.requests + world.serving.requests < maxRequests) {
    world.tick(share)
    if (check(world.nowMs, world.candidate.requests, world.seenFailed)) {
      return { rolledBack: true, atMs: world.nowMs, failed: world.seenFailed }
    }
  }
  return { rolledBack: false, atMs: world.nowMs, failed: world.seenFailed }
}
