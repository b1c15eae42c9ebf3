import { findingOf } from './figures.ts'
import type { Observation } from './observation.ts'
import type { Decision } from './outcome.ts'
import { coreOf, type State, stepOf, type Why } from './state.ts'
import { percentages, weightsBps } from './table.ts'

/** The record of a transition from `before` to `state`: why, on which evidence, made of what. */
export function decisionOf(
  before: State,
  state: State,
  { verdict, reason, message }: Why,
  observation: Observation,
  nowMs: number,
): Decision {
  const core = coreOf(before)
  const finding = core && findingOf(core, observation)
  return {
    time: new Date(observation.wallMs).toISOString(),
    phase: state.phase,
    step: stepOf(state),
    weights: percentages(weightsBps(state)),
    verdict,
    reason,
    message,
    evidence: finding?.evidence ?? null,
    inputs: { ...observation, nowMs },
  }
}
