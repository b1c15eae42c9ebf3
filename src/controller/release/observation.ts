import type { Finding, Test } from '../analysis/finding.ts'
import type { Command } from './commands.ts'

/** Endpoints of a variant. */
export interface Readiness {
  ready: number
  total: number
  /** false: a rollout of its workload is under way, not all pods have the wanted template. Default true. */
  settled?: boolean
}

/** Counts of one variant since the release (its present attempt) began. */
export interface Figures {
  requests: number
  bad: number
  slow: number
}

/** Natural logarithms. A test that is off has none. */
export type Evidence = Partial<Record<Test, number>> & Omit<Finding['evidence'], Test>

/** What the judge says, as it is recorded and shown. */
export type Judged = Omit<Finding, 'evidence'> & { evidence: Evidence }

/** `refused`: it answered, but not with 2xx. `unreachable`: no answer, after all retries. */
export interface HookAnswer {
  result: 'passed' | 'refused' | 'unreachable'
  detail: string
}

export interface CheckResult {
  name: string
  result: 'pass' | 'fail' | 'inconclusive'
  /** Failures in a row, this one included. */
  failures: number
  detail: string
}

/** A failed request. */
export interface Example {
  /** Without the query string. */
  path: string
  status: number
  kind: string
  endpoint: string
  requestId: string
}

/** All that a decision is made of, besides the policy, the state and the time. Pure data. */
export interface Observation {
  /** Wall clock, for the record alone. */
  wallMs: number
  /** The last `ResetCounters`: what the judge and the figures are of. Those of another trial or mark are ignored. */
  of: { trial: string; mark: number } | null
  /** What the judge says; undefined while nothing is observed. */
  finding?: Judged
  traffic: {
    /** Candidate requests that started in the step, by weight or sticky bucket. */
    requests: number
    /** Monotonic time of the last one; null = none in the step. */
    lastMs: number | null
  }
  figures: { candidate: Figures; serving: Figures }
  candidate: Readiness
  serving: Readiness
  /** Serving fails above maxErrorRate (last 10 s). */
  servingFailing: boolean
  /** Failed answers that users may still see; null = no budget. */
  harmLeft: number | null
  /** Answers by the key of the call (`CallHook.key`). */
  hooks: Readonly<Record<string, HookAnswer>>
  /** Results of the checks that run now (`RunChecks.of`); a check without a result is not in it. */
  checks: { of: string; results: readonly CheckResult[] }
  command?: Command
  /** Some failed requests of the candidate, for people; nothing is decided on them. */
  examples?: readonly Example[]
  /** Revision of the candidate (hash of its pod template); null where there is none. */
  revision: string | null
}
