import { createJudge, type Finding, type JudgePolicy, judge } from '../controller/analysis/index.ts'
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
  let cannotConvict = (_: World) => false
  const simple = isSimple(scenario)
  let ticks = 0
  let reason = ''
  while (world.candidate.requests + world.serving.requests < maxRequests) {
    world.tick(share)
    ticks++
    // Only a bad or slow candidate request raises the evidence: other looks would see nothing.
    if (ticks % LEAST_LOOK !== 0 && (!world.stirred || cannotConvict(world))) continue
    const look = judge(policy, state, world.input())
    state = look.state
    cannotConvict = boundOf(policy, look.finding, share, world, simple)
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

/** Nothing comes late and nothing is shared: then the evidence of a test grows by bad or slow requests alone. */
const isSimple = ({ candidate, serving, outages, endpoints }: Scenario): boolean =>
  outages.length === 0 && endpoints === undefined && candidate.failureSeconds + serving.failureSeconds === 0

/**
 * Whether the candidate cannot be convicted yet, by the largest factor that one bad or slow request can have: looks are
 * what a simulation spends its time on.
 */
function boundOf(policy: JudgePolicy, { evidence }: Finding, share: number, last: World, simple: boolean) {
  if (!simple || share >= 1) return () => false
  const factor = (ratio: number) => (share * ratio + 1 - share) / (share * ratio)
  const lnBad = Math.log(factor(policy.errorTolerance.ratio))
  const lnSlow = Math.log(factor(policy.latency.ratio))
  const lnAbove = policy.maxErrorRate > 0 ? -Math.log(policy.maxErrorRate) : 0
  const before = { bad: last.seenFailed, slow: last.slow.candidate }
  return ({ seenFailed, slow }: World): boolean => {
    const bad = seenFailed - before.bad
    // The absolute latency limit has no part in a simulation: its capital stays.
    const most =
      Math.exp(evidence.slowMax) +
      Math.exp(evidence.worse + bad * lnBad) +
      Math.exp(evidence.aboveMax + bad * lnAbove) +
      Math.exp(evidence.slowWorse + (slow.candidate - before.slow) * lnSlow)
    return most < Math.exp(evidence.threshold)
  }
}
