import { createJudge, type JudgePolicy, judge } from '../controller/analysis/index.ts'
import type { Random } from '../random.ts'
import type { Scenario } from './scenario.ts'
import { TICK_MS, World } from './world.ts'

/** One candidate at a constant share, judged until it is convicted or the requests are used up. */
export interface TrialResult {
  convicted: boolean
  reason: string
  atMs: number
  requests: number
  candidateRequests: number
  /** Candidate requests whose failure had been counted by then. */
  failed: number
}

export interface TrialOptions {
  share: number
  /** Requests of both variants after which the trial ends. */
  maxRequests: number
  /** Time between two looks; default: the controller's. */
  tickMs?: number
}

/** A look at least once in so many ticks, for cells must be folded before they leave the ring. */
const LEAST_LOOK = 50

export function runTrial(
  policy: JudgePolicy,
  scenario: Scenario,
  random: Random,
  { share, maxRequests, tickMs = TICK_MS }: TrialOptions,
): TrialResult {
  const world = new World(scenario, random, tickMs)
  let state = createJudge(policy)
  let ticks = 0
  let reason = ''
  while (world.candidate.requests + world.serving.requests < maxRequests) {
    world.tick(share)
    ticks++
    // Only a bad or slow candidate request raises the evidence: other looks would see nothing.
    if (!world.stirred && ticks % LEAST_LOOK !== 0) continue
    const look = judge(policy, state, world.input())
    state = look.state
    if (look.finding.badEndpoint !== undefined) world.eject(look.finding.badEndpoint)
    if (look.finding.convicted) {
      reason = look.finding.convicted.reason
      break
    }
  }
  return {
    convicted: reason !== '',
    reason,
    atMs: ticks * tickMs,
    requests: world.candidate.requests + world.serving.requests,
    candidateRequests: world.candidate.requests,
    failed: world.seenFailed,
  }
}
