/** The controller room: everything that others may use of it. */
export type { Environment, GateEnvironment, Log, Telemetry } from './environment.ts'
export type { Command, Refusal, Verb } from './release/commands.ts'
export type { Effect } from './release/effects.ts'
export type { CheckResult, Figures, HookAnswer, Observation, Readiness } from './release/observation.ts'
export { type Decision, type Outcome, REASONS, type Reason, type Status, type Verdict } from './release/outcome.ts'
export type { HookPhase, PlannedStep, Policy, ReleasePolicy, Roles } from './release/plan.ts'
export type { Phase, Release, State } from './release/state.ts'
