import { advance } from './advance.ts'
import { decisionOf } from './decision.ts'
import { demands, newDemands } from './demands.ts'
import type { Move } from './moves/move.ts'
import { obey } from './obey.ts'
import type { Observation } from './observation.ts'
import type { Outcome } from './outcome.ts'
import type { Policy } from './plan.ts'
import type { State } from './state.ts'
import { statusOf } from './status.ts'

/**
 * What becomes of a gate: pure and synchronous. At most one transition a call; call again, without the command and with
 * a fresh observation, until the state is the same object. A conviction goes before a command that would keep traffic on the candidate.
 */
export function decide(policy: Policy, state: State, observation: Observation, nowMs: number): Outcome {
  const { command } = observation
  if (command !== undefined) {
    const obeyed = obey(policy, state, command, observation, nowMs)
    if ('move' in obeyed) return moved(policy, state, obeyed.move, observation, nowMs)
    const status = statusOf(policy, state, observation, nowMs)
    if ('refusal' in obeyed) return { state, effects: [], status, refusal: obeyed.refusal }
    return { state, effects: [], status: { ...status, message: obeyed.already } }
  }
  const next = advance(policy, state, observation, nowMs)
  if (next === undefined) return { state, effects: [], status: statusOf(policy, state, observation, nowMs) }
  if (next.why !== undefined) return moved(policy, state, next, observation, nowMs)
  const effects = newDemands(demands(policy, state), demands(policy, next.state))
  return { state: next.state, effects, status: statusOf(policy, next.state, observation, nowMs) }
}

function moved(policy: Policy, before: State, { state, why }: Move, observation: Observation, nowMs: number): Outcome {
  const decision = decisionOf(before, state, why, observation, nowMs)
  const effects = newDemands(demands(policy, before), demands(policy, state))
  return {
    state,
    effects: [...effects, { type: 'Notify', decision }],
    decision,
    status: statusOf(policy, state, observation, nowMs),
  }
}
