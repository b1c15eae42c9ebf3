/** What a release is made of: the Gate's configuration in the terms of the state machine. Pure data. */

/** A step: the candidate's part of the traffic that serving and candidate share, and what must hold before the next one. */
export interface PlannedStep {
  weightBps: number
  /** Least time at this weight. */
  minDurationMs: number
  /** Least candidate requests at this weight. */
  minRequests: number
  /** Wait here for a person. */
  pause: boolean
}

export type HookPhase = 'BeforeRelease' | 'BeforeStep' | 'AfterStep' | 'BeforePromotion' | 'AfterRelease' | 'OnRollback'

/** Who has the traffic and who is tried: names of variants. They change places when a release is promoted by Swap. */
export interface Roles {
  serving: string
  candidate: string
}

export interface ReleasePolicy {
  strategy: 'Canary' | 'BlueGreen'
  /** The roles before the first release. */
  roles: Roles
  steps: readonly PlannedStep[]
  promotion: 'Copy' | 'Swap'
  trigger: 'Auto' | 'Manual'
  /** True where the variants have workloads that can be scaled and changed (a cluster). */
  workloads: boolean
  readyTimeoutMs: number
  /** 0 = none. */
  stepTimeoutMs: number
  bakeMs: number
  suspend: boolean
  scaleDownDelayMs: number
  /** Share of failed requests (0-1) above which a variant is broken; 0 = off. */
  maxErrorRate: number
  /** undefined: none. */
  harmBudget: number | undefined
  noTraffic: 'Hold' | 'Pass'
  /** Without a candidate request for this long there is no traffic. */
  noTrafficAfterMs: number
  checks: readonly { name: string; failureLimit: number; dryRun: boolean }[]
  /** Phases that have a hook. */
  hooks: readonly HookPhase[]
}

/** A gate in the terms of the state machine. */
export interface Policy {
  /** Names in the configuration's order. */
  variants: readonly string[]
  /** Where traffic starts, basis points by variant. */
  startBps: Readonly<Record<string, number>>
  /** undefined: the gate only has weights. */
  release: ReleasePolicy | undefined
}
