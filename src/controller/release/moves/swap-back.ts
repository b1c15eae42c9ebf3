import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import type { Ended, Why } from '../state.ts'
import { sharedBps } from '../table.ts'
import type { Move } from './move.ts'

/** The variant that had the traffic before may have all of it again. */
export const canSwapBack = (policy: ReleasePolicy, { candidate }: Observation): boolean =>
  candidate.ready > 0 && (!policy.workloads || candidate.ready * 4 >= candidate.total * 3)

/** The last promotion by Swap is undone: the variants exchange roles again. */
export function swapBack(policy: Policy, state: Ended, who: string, observation: Observation, nowMs: number): Move {
  const { serving, candidate } = state.roles
  const message = `${who} rolled back ${state.release.revision}: ${candidate} has the traffic again`
  const why: Why = { verdict: state.verdict, reason: 'Manual', message }
  const shared = sharedBps(state)
  const next: Ended = {
    ...state,
    ...why,
    phase: 'RolledBack',
    roles: { serving: candidate, candidate: serving },
    restBps: { ...state.restBps, [candidate]: shared, [serving]: 0 },
    revisionSeen: null,
    endedAt: new Date(observation.wallMs).toISOString(),
    sinceMs: nowMs,
    hookPending: policy.release?.hooks.includes('OnRollback') === true,
    scaleDownAtMs: policy.release?.workloads === true ? nowMs + policy.release.scaleDownDelayMs : null,
    undo: null,
  }
  return { state: next, why }
}
