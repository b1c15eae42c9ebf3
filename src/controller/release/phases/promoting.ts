import { endpoints, seconds } from '../figures.ts'
import { goBack, succeed } from '../moves/ending.ts'
import type { Step } from '../moves/move.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import type { Promoting } from '../state.ts'

/** Until the new version has the traffic for good. */
export function promoting(
  policy: Policy,
  release: ReleasePolicy,
  state: Promoting,
  observation: Observation,
  nowMs: number,
): Step {
  const { candidate, serving } = observation
  if (state.release.promotion === 'Swap') {
    return candidate.ready > 0 && state.outSinceMs === null ? succeed(policy, state, observation, nowMs) : undefined
  }
  const copied =
    nowMs > state.sinceMs && serving.settled !== false && serving.ready > 0 && serving.ready >= serving.total
  if (copied) return succeed(policy, state, observation, nowMs)
  const limit = state.release.readyTimeoutMs ?? release.readyTimeoutMs
  if (nowMs - state.sinceMs < limit) return undefined
  const message = `${state.roles.serving} has ${endpoints(serving)} with ${state.release.revision} after ${seconds(nowMs - state.sinceMs)}, readyTimeout is ${seconds(limit)}`
  return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
}
