import type { Clock } from '../clock.ts'
import type { WeightTable } from '../metrics/index.ts'
import type { CellCounts, EndpointCounts } from './analysis/finding.ts'
import type { Effect } from './release/effects.ts'
import type { Readiness } from './release/observation.ts'

/** What the controller needs of the world. Implemented over the metrics and the gates' blocks; a test has its own. */
export interface Environment {
  clock: Clock
  log: Log
  telemetry: Telemetry
  /** The world of one gate, by `namespace/name`; undefined: it does not exist (any more). Asked at each `apply`. */
  gate(key: string): GateEnvironment | undefined
}

/** pino's shape: stable keys first, then the sentence. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Numbers that the metrics room publishes about releases. */
export interface Telemetry {
  setPhase(gate: string, phase: string): void
  /** `result`: Succeeded, RolledBack or Aborted. */
  releaseEnded(gate: string, strategy: string, result: string, seconds: number): void
  /** From conviction (or command) to weight 0. */
  rollbackEnded(gate: string, strategy: string, seconds: number): void
  /** Natural logarithm of the evidence of one test. */
  setEvidence(gate: string, test: string, ln: number): void
}

/** One gate's steering and counts. Variants are indexes in the configuration's order. Every call is synchronous and cheap. */
export interface GateEnvironment {
  /** Makes a table effective at the next request of every worker and opens a new cell; returns the new epoch. */
  advanceEpoch(table: WeightTable): number
  epoch(): number
  /** Another number whenever a candidate request has failed or become slow since. */
  alarm(): number
  /** Cells of the ring from `fromEpoch` on that have any request, ascending; `share` is candidate / (candidate + serving) of the cell's table. */
  readCells(fromEpoch: number): CellCounts[]
  /** A step begins: `endpoints` counts from here; sticky bitmaps are cleared. */
  markStep(): void
  /** The candidate's endpoints, counts since `markStep`. */
  endpoints(variant: number): EndpointCounts[]
  /** Over the last 10 complete seconds. */
  recent(variant: number): { requests: number; bad: number }
  /** Over the last 10 minutes in which it had traffic; slow: slower than `slowUs` (0: none is counted). */
  history(variant: number, slowUs: number): { requests: number; bad: number; timed: number; slow: number }
  /** Upper bucket edge of the variant's latency quantile; undefined under 500 samples. */
  quantileUs(variant: number, quantile: number): number | undefined
  readiness(variant: number): Readiness
  /** Failed answers that users may still see; undefined = no budget is set. */
  harmLeft(): number | undefined
  /** undefined = no budget. */
  setHarm(left: number | undefined): void
  /** Microseconds; 0 = unknown or off. */
  setThresholds(thresholds: { slowUs: number; slowMaxUs: number; pendingUs: number }): void
  /** Takes the candidate's endpoint out for the rest of the release. */
  eject(endpoint: string): void
  /** The release is over, or begins anew: what `eject` took out is back. Nothing where nothing is out. */
  readmit(): void
  /** Running totals since the process began. */
  totals(): { harmed: number; rescued: number }
  /** Changes a workload; only where there are any (a cluster). Idempotent, does not throw. */
  perform?(effect: WorkloadEffect): void
  /** Revision of a variant (hash of its pod template); null where there is none. */
  revision(variant: number): string | null
}

/** Effects on workloads. */
export type WorkloadEffect = Extract<Effect, { type: 'ScaleWorkload' | 'SetTemplate' | 'RestoreTemplate' }>
