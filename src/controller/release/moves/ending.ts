import { endpoints, percent } from '../figures.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import { type Core, coreOf, type Ended, type Promoting, type State, standingOf, stepOf, type Why } from '../state.ts'
import { candidateBps, sharedBps } from '../table.ts'
import type { Move } from './move.ts'

/** All traffic is on the new version and stays there. */
export function succeed(policy: Policy, core: Promoting, observation: Observation, nowMs: number): Move {
  const { serving, candidate } = core.roles
  const swaps = core.release.promotion === 'Swap'
  const roles = swaps ? { serving: candidate, candidate: serving } : core.roles
  const shared = sharedBps(core)
  const message = swaps
    ? `${core.release.revision} is promoted: ${candidate} is serving now`
    : `${core.release.revision} is promoted: ${serving} has it and the traffic`
  const state: Ended = {
    ...ended(policy, core, 'Succeeded', { verdict: 'Healthy', reason: 'Promoted', message }, observation, nowMs),
    roles,
    restBps: { ...core.restBps, [roles.serving]: shared, [roles.candidate]: 0 },
    // After a swap the candidate is another workload: what it has is no news.
    revisionSeen: swaps ? null : (core.release.seen ?? core.revisionSeen),
  }
  return { state, why: { verdict: 'Healthy', reason: 'Promoted', message } }
}

/** Whether serving may get the candidate's traffic: never switch to nothing. */
export function canTake(policy: ReleasePolicy, state: State, { serving }: Observation, nowMs: number): boolean {
  const core = coreOf(state)
  if (core === undefined || candidateBps(state) === 0) return true
  if (core.phase === 'Promoting' && core.release.promotion === 'Copy') {
    // Serving is being changed: it gets its template back first, and is complete again.
    const restored = core.restoring !== null && core.restoring.sinceMs < nowMs
    return restored && serving.settled !== false && serving.ready > 0 && serving.ready >= serving.total
  }
  const most = candidateBps(state) * 2 > sharedBps(standingOf(state))
  if (policy.workloads && most) return serving.ready > 0 && serving.ready * 4 >= serving.total * 3
  return serving.ready > 0
}

/** Back to serving: weight 0 at the next request, or as soon as serving can take it. undefined: that is under way. */
export function goBack(
  policy: Policy,
  state: State,
  end: 'RolledBack' | 'Aborted',
  why: Why,
  observation: Observation,
  nowMs: number,
): Move | undefined {
  const core = coreOf(state)
  if (core === undefined || policy.release === undefined) return undefined
  if (canTake(policy.release, state, observation, nowMs)) {
    return { state: ended(policy, core, end, why, observation, nowMs), why }
  }
  if (core.restoring !== null) return undefined
  const { serving, candidate } = core.roles
  const message = `${why.message}. ${serving} has ${endpoints(observation.serving)}, so ${percent(candidateBps(state))} stays on ${candidate} until ${serving} can take it`
  const restoring = { ...why, end, sinceMs: nowMs }
  const next = state.phase === 'Paused' ? { ...state, within: { ...state.within, restoring } } : { ...core, restoring }
  return { state: next, why: { ...why, message } }
}

/** The end of a release. */
function ended(
  policy: Policy,
  core: Core,
  end: Ended['phase'],
  why: Why,
  observation: Observation,
  nowMs: number,
): Ended {
  const release = policy.release
  const hook = end === 'Succeeded' ? 'AfterRelease' : 'OnRollback'
  return {
    ...standingOf(core),
    revisionSeen: core.release.seen ?? core.revisionSeen,
    phase: end,
    release: core.release,
    step: stepOf(core),
    ...why,
    endedAt: new Date(observation.wallMs).toISOString(),
    sinceMs: nowMs,
    hookPending: release?.hooks.includes(hook) === true,
    scaleDownAtMs: release?.workloads === true ? nowMs + release.scaleDownDelayMs : null,
    undo: null,
  }
}
