import { endpoints, seconds } from '../figures.ts'
import { goBack } from '../moves/ending.ts'
import { type Step, undecided } from '../moves/move.ts'
import { enter, promote } from '../moves/steps.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import type { Preparing } from '../state.ts'
import { hookGate } from '../verdict.ts'
import { stoppedBy } from './stopped.ts'

/** The candidate is made ready; then the first step comes, or all at once for what was judged before. */
export function preparing(
  policy: Policy,
  release: ReleasePolicy,
  state: Preparing,
  observation: Observation,
  nowMs: number,
): Step {
  const { candidate } = observation
  const name = state.roles.candidate
  const waited = nowMs - state.sinceMs
  const gate = hookGate(release, state, observation)
  const stopped = stoppedBy(policy, state, gate, observation, nowMs)
  if (stopped !== undefined) return stopped
  if (!isReady(observation)) {
    const limit = state.release.readyTimeoutMs ?? release.readyTimeoutMs
    if (waited < limit) return undefined
    const message = `${name} has ${endpoints(candidate)} after ${seconds(waited)}, readyTimeout is ${seconds(limit)}`
    return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
  }
  if (gate.is !== 'open') return undefined
  const ready = { ...state, release: { ...state.release, seen: observation.revision } }
  const why = undecided('Ready', `${name} is ready: ${endpoints(candidate)}`)
  return state.release.kind === 'Rollback' ? promote(ready, why, nowMs) : enter(release, ready, 0, why, nowMs)
}

/** All endpoints of the candidate are ready. */
export const isReady = ({ candidate }: Observation): boolean =>
  candidate.settled !== false && candidate.total > 0 && candidate.ready >= candidate.total
