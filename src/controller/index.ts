/** The controller room: everything that others may use of it. */
export * from './analysis/index.ts'
export { Controller } from './controller.ts'
export type { Environment, GateEnvironment, Log, Telemetry, WorkloadEffect } from './environment.ts'
export type { Command, Refusal, Verb } from './release/commands.ts'
export { decide } from './release/decide.ts'
export type { Effect } from './release/effects.ts'
export type { CheckResult, Evidence, Figures, HookAnswer, Observation, Readiness } from './release/observation.ts'
export { type Decision, type Outcome, REASONS, type Reason, type Status, type Verdict } from './release/outcome.ts'
export type { HookPhase, PlannedStep, Policy, ReleasePolicy, Roles } from './release/plan.ts'
export { idle, policyOf } from './release/policy.ts'
export type { Phase, Release, State } from './release/state.ts'
export { weightsBps } from './release/table.ts'
export { FolderInUse } from './store/lock.ts'
export type {
  CommandBody,
  ControlEvent,
  ControllerSurface,
  ControlView,
  ReleaseRecord,
  ReleaseSummary,
  ReleaseView,
  Result,
} from './views.ts'
