import { checkedBefore } from '../demands.ts'
import type { ReleasePolicy } from '../plan.ts'
import { type Core, type Paused, type Preparing, type Progressing, type Promoting, stepOf, type Why } from '../state.ts'
import { candidateBps, sharedBps } from '../table.ts'
import { type Move, runningOf } from './move.ts'

/** Towards step `step`: its hooks first, or at once where nothing is asked. */
export function enter(policy: ReleasePolicy, core: Core, step: number, why: Why, nowMs: number): Move {
  const since = core.phase === 'Progressing' ? core.weightSinceMs : nowMs
  const entering: Progressing = {
    ...runningOf(core),
    phase: 'Progressing',
    step,
    stage: 'Entering',
    sinceMs: nowMs,
    weightSinceMs: since,
    undecidedSinceMs: nowMs,
    approved: false,
  }
  const asks =
    policy.hooks.includes('BeforeStep') ||
    (checkedBefore(policy, entering) &&
      (policy.hooks.includes('BeforePromotion') || policy.checks.some(({ dryRun }) => !dryRun)))
  return asks ? { state: entering, why } : watch(entering, why, nowMs)
}

/** The step's weight comes into force. */
export function watch(core: Progressing, why: Why, nowMs: number): Move {
  const state: Progressing = {
    ...core,
    stage: 'Watching',
    mark: core.mark + 1,
    outMs: 0,
    noted: [],
    sinceMs: nowMs,
    weightSinceMs: nowMs,
    undecidedSinceMs: nowMs,
  }
  return { state, why }
}

/** After a step that is over: the next one, or the bake, or what comes after it. */
export function afterStep(policy: ReleasePolicy, core: Progressing, why: Why, nowMs: number): Move {
  if (core.step + 1 < core.release.steps.length) return enter(policy, core, core.step + 1, why, nowMs)
  if (policy.bakeMs === 0) return finish(policy, core, why, nowMs)
  return {
    state: { ...core, stage: 'Baking', sinceMs: nowMs },
    why: { ...why, reason: why.reason === 'Manual' ? 'Manual' : 'Baking' },
  }
}

/** After the bake: BeforePromotion is asked, or the promotion begins. */
export function finish(policy: ReleasePolicy, core: Progressing, why: Why, nowMs: number): Move {
  if (policy.strategy === 'Canary' && policy.hooks.includes('BeforePromotion')) {
    return { state: { ...core, stage: 'Finishing', sinceMs: nowMs }, why }
  }
  return promote(core, why, nowMs)
}

/** All traffic that the release may have goes to the candidate; what the promotion needs is done. */
export function promote(core: Core, why: Why, nowMs: number): Move {
  const state: Promoting = {
    ...runningOf(core),
    phase: 'Promoting',
    // A weight that traffic was not seen at yet is judged with counters of its own.
    mark: candidateBps(core) === sharedBps(core) ? core.mark : core.mark + 1,
    restoring: null,
    step: stepOf(core),
    sinceMs: nowMs,
  }
  return { state, why }
}

/** Holds until a person resumes. */
export function pause(core: Preparing | Progressing, cause: Paused['cause'], why: Why, nowMs: number): Move {
  return { state: { phase: 'Paused', within: core, cause, message: why.message, sinceMs: nowMs, byHandBps: null }, why }
}
