import type { Observation } from './observation.ts'
import type { Outcome } from './outcome.ts'
import type { Policy } from './plan.ts'
import type { State } from './state.ts'

/** Pure and synchronous: what becomes of a gate. At most one transition a call: call again until the state is the same object. */
export declare function decide(policy: Policy, state: State, observation: Observation, nowMs: number): Outcome
