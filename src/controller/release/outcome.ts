import type { Refusal } from './commands.ts'
import type { Effect } from './effects.ts'
import type { Evidence, Observation } from './observation.ts'
import type { Phase, State } from './state.ts'

/** What the evidence says. */
export type Verdict = 'Healthy' | 'Undecided' | 'Degraded'

/** A change of phase, step or weight, or a new reason to hold. */
export interface Decision {
  /** RFC 3339, UTC. */
  time: string
  phase: Phase
  /** From 1; 0 before the first. */
  step: number
  /** Effective weights in percent by variant. */
  weights: Record<string, number>
  verdict: Verdict
  reason: Reason
  /** A sentence with figures, for a person at 3 a.m. */
  message: string
  /** Natural logarithms; null where nothing was judged. */
  evidence: Evidence | null
  /** What it was made of; `nowMs` is the monotonic time. With policy and state it gives the same decision again. */
  inputs: Observation & { nowMs: number }
}

/** Where the release stands, recomputed at every look. */
export interface Status {
  verdict: Verdict
  reason: Reason
  message: string
  /** About how many more candidate requests the verdict needs; null = not known, or it does not hang on requests. */
  requestsNeeded: number | null
}

export interface Outcome {
  /** The same object when nothing changed. */
  state: State
  /** In this order; empty when nothing changed. */
  effects: readonly Effect[]
  decision?: Decision
  status: Status
  /** The command was refused: nothing changed. */
  refusal?: Refusal
}

/** Words of `reason`, documented in docs/reference. */
export const REASONS = [
  // back to serving
  'ErrorRate',
  'Latency',
  'HarmBudget',
  'CheckFailed',
  'NotReady',
  'HookFailed',
  // hold
  'NeedRequests',
  'NeedTime',
  'NoTraffic',
  'SharedFailure',
  'ServingPending',
  'StableBroken',
  'BadEndpoint',
  'Checks',
  'Hook',
  'StepTimeout',
  'StepPause',
  'ManualWeights',
  'Suspended',
  // forward
  'Started',
  'Ready',
  'Healthy',
  'Baking',
  'Promoted',
  'NewRevision',
  'Manual',
  'ConfigChanged',
  'Idle',
] as const
export type Reason = (typeof REASONS)[number]
