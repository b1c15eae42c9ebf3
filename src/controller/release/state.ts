import type { PlannedStep, Roles } from './plan.ts'

/**
 * The state of a gate: a discriminated union by phase, serialised as it is to the store. All times named `...Ms` are
 * monotonic; `shiftTimes` moves them when a new process takes over. Pure data.
 */
export type State = Idle | Preparing | Progressing | Paused | Promoting | Ended
export type Phase = State['phase']
export type EndPhase = Ended['phase']

/** What outlives releases. */
export interface Standing {
  roles: Roles
  /** Where traffic is while no release moves it: basis points by variant, 10,000 in all. */
  restBps: Record<string, number>
  /** How many releases were ever begun: the id of the newest. */
  releases: number
  /** The candidate's revision that was seen last while nothing ran; null = none yet. A new one starts a release (trigger Auto). */
  revisionSeen: string | null
}

/** What is released; the same from its start to its record in the history. */
export interface Release {
  id: string
  /** Rollback: a recorded release is put back; it was judged before and takes no steps. */
  kind: 'Release' | 'Rollback'
  revision: string
  image: string | null
  /** Set when the candidate gets the template of a recorded release. */
  templateOf: string | null
  strategy: 'Canary' | 'BlueGreen'
  promotion: 'Copy' | 'Swap'
  /** The roles as the release began. */
  roles: Roles
  /** Fixed at the start: an edit of the file in mid-release never skips or shortens a step. */
  steps: readonly PlannedStep[]
  /** Overrides the policy's. */
  readyTimeoutMs: number | null
  startedAt: string
  startedBy: string
  /** Grows when a new revision starts it over: with it evidence and counters begin anew. */
  attempt: number
  /** The endpoint that was ejected in this release. */
  ejected: string | null
}

/** Why a release goes back. */
export interface Verdictum {
  verdict: 'Healthy' | 'Undecided' | 'Degraded'
  reason: string
  message: string
}

/** Fields of every phase in which a release runs. */
export interface Running extends Standing {
  release: Release
  /** When the phase (Preparing, Promoting) or the stage (Progressing) began. */
  sinceMs: number
  /** Grows when a person resumes after a hook did not answer: it is called again. */
  hookTry: number
  /** The candidate has no ready endpoint since then: its weight is 0. null = it is in. */
  outSinceMs: number | null
  /** How long it was out before, within this step. */
  outMs: number
  /** The release is to end, but serving is not ready to take the traffic back: it is brought up first. */
  restoring: (Verdictum & { end: 'RolledBack' | 'Aborted'; sinceMs: number }) | null
  /** Reasons for holding that were recorded in this step: each once. */
  noted: readonly string[]
}

export interface Idle extends Standing {
  phase: 'Idle'
}

/** Weight 0: pods come up, BeforeRelease is asked. */
export interface Preparing extends Running {
  phase: 'Preparing'
}

/**
 * Entering: the step's hooks (and, before a blue-green switch, checks) are asked, the weight is still the last one.
 * Watching: the step's weight is in force. Leaving: AfterStep is asked. Baking: the last weight, for the bake time.
 * Finishing: BeforePromotion is asked.
 */
export interface Progressing extends Running {
  phase: 'Progressing'
  /** Index of the step, from 0. */
  step: number
  stage: 'Entering' | 'Watching' | 'Leaving' | 'Baking' | 'Finishing'
  /** When the step's weight came into force (Entering: when the step before did). */
  weightSinceMs: number
  /** From when stepTimeout counts: the step's start, or when a person last resumed it. */
  undecidedSinceMs: number
}

export interface Paused {
  phase: 'Paused'
  /** Where it goes on when it is resumed. */
  within: Preparing | Progressing
  cause: 'Manual' | 'ManualWeights' | 'StepPause' | 'StepTimeout' | 'HookFailed'
  message: string
  sinceMs: number
  /** Weights set by hand, basis points by variant; null = those of `within`. */
  byHandBps: Record<string, number> | null
}

/** All traffic that the release may have is on the candidate; roles are exchanged or the template is copied. */
export interface Promoting extends Running {
  phase: 'Promoting'
  step: number
}

export interface Ended extends Standing {
  phase: 'Succeeded' | 'RolledBack' | 'Aborted'
  release: Release
  /** Steps begun. */
  step: number
  verdict: Verdictum['verdict']
  reason: string
  message: string
  endedAt: string
  sinceMs: number
  /** When the losing workload is scaled down; null = done, or there is none. */
  scaleDownAtMs: number | null
  /** The release is to be rolled back as soon as the variant that had the traffic before it is ready. */
  undo: { sinceMs: number; by: string } | null
}
