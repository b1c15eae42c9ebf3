import { endpoints, findingOf, seconds } from '../figures.ts'
import { restart } from '../moves/begin.ts'
import { canTake, goBack } from '../moves/ending.ts'
import { type Step, undecided } from '../moves/move.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import { coreOf, type Ended, type Idle, type Progressing, type State, withCore } from '../state.ts'
import { candidateBps } from '../table.ts'
import { degraded } from '../verdict.ts'

/** What holds in every phase of a release, paused or not: convictions, other revisions, a candidate that goes away. */
export function guard(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  if (core.restoring !== null) {
    const { end, verdict, reason, message } = core.restoring
    if (!canTake(release, state, observation, nowMs)) return undefined
    return goBack(policy, state, end, { verdict, reason, message }, observation, nowMs)
  }
  const why = degraded(release, core, observation)
  if (why !== undefined) return goBack(policy, state, 'RolledBack', why, observation, nowMs)
  return (
    newRevision(policy, release, state, observation, nowMs) ??
    presence(policy, release, state, observation, nowMs) ??
    badEndpoint(state, observation)
  )
}

function newRevision(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  const { revision } = observation
  const { seen } = core.release
  if (core.phase === 'Preparing' || seen === null || revision === null || revision === seen) return undefined
  if (core.phase !== 'Promoting' && canTake(release, state, observation, nowMs)) return restart(core, revision, nowMs)
  const message = `${core.roles.candidate} changed from ${seen} to ${revision} in mid-release`
  return goBack(policy, state, 'RolledBack', undecided('NewRevision', message), observation, nowMs)
}

/** A candidate without a ready endpoint has weight 0 at once; it comes back in time or the release goes back. */
function presence(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  const { candidate, serving } = core.roles
  const { ready } = observation.candidate
  if (core.outSinceMs === null) {
    if (ready > 0 || observation.serving.ready === 0 || candidateBps(state) === 0) return undefined
    const message = `${candidate} has ${endpoints(observation.candidate)}: weight 0, its share goes to ${serving}`
    return { state: withCore(state, { outSinceMs: nowMs }), why: undecided('NotReady', message) }
  }
  const outMs = core.outMs + nowMs - core.outSinceMs
  if (ready > 0) {
    const away = nowMs - core.outSinceMs
    const back = withCore(state, { outSinceMs: null, outMs })
    // Time without the weight proves nothing: it does not count for the step.
    const inner = coreOf(back)!
    const next = inner.phase === 'Progressing' ? shiftWeight(back, inner, away, nowMs) : back
    return {
      state: next,
      why: undecided('Ready', `${candidate} is back after ${seconds(away)}: ${endpoints(observation.candidate)}`),
    }
  }
  const limit = core.release.readyTimeoutMs ?? release.readyTimeoutMs
  if (outMs < limit) return undefined
  const message = `${candidate} had no ready endpoint for ${seconds(outMs)}, readyTimeout is ${seconds(limit)}`
  return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
}

function shiftWeight(state: State, core: Progressing, byMs: number, nowMs: number): State {
  const shifted = {
    ...core,
    weightSinceMs: Math.min(core.weightSinceMs + byMs, nowMs),
    sinceMs: core.stage === 'Baking' ? Math.min(core.sinceMs + byMs, nowMs) : core.sinceMs,
  }
  return state.phase === 'Paused' ? { ...state, within: shifted } : shifted
}

function badEndpoint(state: Exclude<State, Idle | Ended>, observation: Observation): Step {
  const core = coreOf(state)!
  const name = findingOf(core, observation)?.badEndpoint
  if (name === undefined || core.release.ejected !== null || core.phase === 'Preparing') return undefined
  const message = `endpoint ${name} of ${core.roles.candidate} fails more than the others: taken out, the release goes on without it`
  return {
    state: withCore(state, { release: { ...core.release, ejected: name } }),
    why: undecided('BadEndpoint', message),
  }
}
