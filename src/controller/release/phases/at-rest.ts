import { endHookKey } from '../demands.ts'
import { endpoints, seconds } from '../figures.ts'
import { begin } from '../moves/begin.ts'
import type { Step } from '../moves/move.ts'
import { canSwapBack, swapBack } from '../moves/swap-back.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import type { Ended, Idle } from '../state.ts'
import { candidateBps } from '../table.ts'

/** What is left to do after an end: the end's hook, a rollback that waits, the losing workload. */
export function afterwards(
  policy: Policy,
  release: ReleasePolicy,
  state: Ended,
  observation: Observation,
  nowMs: number,
): Step {
  if (state.hookPending && observation.hooks[endHookKey(state)] !== undefined)
    return { state: { ...state, hookPending: false } }
  if (state.undo !== null) {
    if (canSwapBack(release, observation)) return swapBack(policy, state, state.undo.by, observation, nowMs)
    if (nowMs - state.undo.sinceMs < release.readyTimeoutMs) return undefined
    const message = `not rolled back: ${state.roles.candidate} has ${endpoints(observation.candidate)} after ${seconds(release.readyTimeoutMs)}`
    return { state: { ...state, undo: null }, why: { verdict: state.verdict, reason: 'NotReady', message } }
  }
  if (state.scaleDownAtMs !== null && nowMs >= state.scaleDownAtMs) return { state: { ...state, scaleDownAtMs: null } }
  return undefined
}

/** A changed template of the candidate starts a release. */
export function trigger(release: ReleasePolicy, state: Idle | Ended, observation: Observation, nowMs: number): Step {
  const { revision } = observation
  if (revision === null || revision === state.revisionSeen) return undefined
  if (state.phase !== 'Idle' && nowMs <= state.sinceMs) return undefined
  if (state.revisionSeen === null) return { state: { ...state, revisionSeen: revision } }
  if (release.trigger === 'Manual' || release.suspend) return undefined
  // Weights by hand have the candidate in use: it does not lose them to nothing.
  if (observation.serving.ready === 0 && candidateBps(state) > 0) return undefined
  const from = {
    kind: 'Release',
    revision,
    image: undefined,
    templateOf: null,
    readyTimeoutMs: undefined,
    minDurationMs: undefined,
    who: 'a changed template',
  } as const
  return begin(release, state, from, observation, nowMs)
}
