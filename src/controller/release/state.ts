import type { Reason, Verdict } from './outcome.ts'
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
  /** Hash of the candidate's template as it is judged; another one starts it over. null = not known (yet), or there is none. */
  seen: string | null
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

/** Why something happens. */
export interface Why {
  verdict: Verdict
  reason: Reason
  message: string
}

/** Fields of every phase in which a release runs. */
export interface Running extends Standing {
  release: Release
  /** When the phase (Preparing, Promoting) or the stage (Progressing) began. */
  sinceMs: number
  /** Grows whenever a weight comes into force for which traffic is counted anew: names the step's counters. */
  mark: number
  /** Grows when a person resumes after a hook did not answer: it is called again. */
  hookTry: number
  /** The candidate has no ready endpoint since then: its weight is 0. null = it is in. */
  outSinceMs: number | null
  /** How long it was out before, within this step. */
  outMs: number
  /** The release is to end, but serving is not ready to take the traffic back: it is brought up first. */
  restoring: (Why & { end: 'RolledBack' | 'Aborted'; sinceMs: number }) | null
  /** A person promoted it in spite of a conviction: convictions no longer count. */
  overruled: boolean
  /** Reasons for holding that were recorded in this step: each once. */
  noted: readonly Reason[]
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
  /** A person has let it go on from this step's pause. */
  approved: boolean
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
  verdict: Why['verdict']
  reason: Reason
  message: string
  endedAt: string
  sinceMs: number
  /** AfterRelease or OnRollback was not answered yet. */
  hookPending: boolean
  /** When the losing workload is scaled down; null = done, or there is none. */
  scaleDownAtMs: number | null
  /** The release is to be rolled back as soon as the variant that had the traffic before it is ready. */
  undo: { sinceMs: number; by: string } | null
}

/** The phases in which a release runs, without the pause around it. */
export type Core = Preparing | Progressing | Promoting

/** What runs, paused or not; undefined while nothing does. */
export function coreOf(state: State): Core | undefined {
  switch (state.phase) {
    case 'Preparing':
    case 'Progressing':
    case 'Promoting':
      return state
    case 'Paused':
      return state.within
    default:
      return undefined
  }
}

/** Roles, resting weights and the rest that every state has. */
export const standingOf = (state: State): Standing => {
  const { roles, restBps, releases, revisionSeen } = state.phase === 'Paused' ? state.within : state
  return { roles, restBps, releases, revisionSeen }
}

/** The release that runs or ended last. */
export const releaseOf = (state: State): Release | undefined =>
  state.phase === 'Idle' ? undefined : state.phase === 'Paused' ? state.within.release : state.release

/** Puts the fields of `core` back where `coreOf` took them from. */
export function withCore<S extends Core | Paused>(state: S, changes: Partial<Running>): S {
  return state.phase === 'Paused' ? { ...state, within: { ...state.within, ...changes } } : { ...state, ...changes }
}

/** Names evidence: a new attempt has a new judge. */
export const trialOf = (release: Release): string => `${release.id}.${release.attempt}`

/** Step for people: from 1, 0 before the first. */
export function stepOf(state: State): number {
  if (state.phase === 'Idle') return 0
  if (state.phase === 'Paused') return stepOf(state.within)
  if (state.phase === 'Preparing') return 0
  if (state.phase === 'Progressing') return state.step + (state.stage === 'Entering' ? 0 : 1)
  return state.step
}

const TIMES = ['sinceMs', 'outSinceMs', 'weightSinceMs', 'undecidedSinceMs', 'scaleDownAtMs'] as const

/** The same state on another monotonic clock that is ahead by `deltaMs`. */
export function shiftTimes(state: State, deltaMs: number): State {
  const shift = (value: unknown): unknown => {
    if (Array.isArray(value) || value === null || typeof value !== 'object') return value
    const out: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) {
      const isTime = (TIMES as readonly string[]).includes(key) && typeof inner === 'number'
      out[key] = isTime ? inner + deltaMs : shift(inner)
    }
    return out
  }
  return shift(state) as State
}
