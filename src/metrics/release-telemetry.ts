/**
 * What the controller tells the metrics about releases. Gates are named `namespace/name`; what is said of a gate that
 * was not added, or was removed, is ignored.
 */
export interface ReleaseTelemetry {
  /** The gate's release is in `phase` now: one of RELEASE_PHASES. */
  setPhase(gate: string, phase: string): void
  /** A release came to its end: `result` is one of RELEASE_RESULTS. */
  releaseEnded(gate: string, strategy: string, result: string, seconds: number): void
  /** A rollback is complete: seconds from the decision until the candidate had no traffic and its workload was restored. */
  rollbackEnded(gate: string, strategy: string, seconds: number): void
  /** Seconds in a release in which clients asked and got no successful answer. */
  addDowntime(gate: string, seconds: number): void
  /** Natural logarithm of the evidence against the candidate by one test. */
  setEvidence(gate: string, test: string, ln: number): void
}

/** Values of the label `phase`, all present for each gate that has a release. */
export const RELEASE_PHASES = [
  'Idle',
  'Preparing',
  'Progressing',
  'Paused',
  'Promoting',
  'Succeeded',
  'RolledBack',
  'Aborted',
] as const

/** Values of the label `result`. */
export const RELEASE_RESULTS = ['Succeeded', 'RolledBack', 'Aborted'] as const
