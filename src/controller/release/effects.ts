import type { Decision } from './outcome.ts'
import type { HookPhase, Roles } from './plan.ts'

/** What the driver does to the world, as data; each is idempotent. Names are names of variants. */
export type Effect =
  | SetWeights
  | ResetCounters
  | {
      type: 'CallHook' /** Names the call: the same key is called once. */
      key: string
      phase: HookPhase
      step: number
    }
  /** Checks run while `of` stands, and begin anew when it changes; null = none run. `now`: the first time at once, not after the interval. */
  | { type: 'RunChecks'; of: string | null; now: boolean }
  | { type: 'EjectEndpoint'; endpoint: string }
  /** `as`: as many replicas as that variant has; 0: none. */
  | { type: 'ScaleWorkload'; variant: string; to: { as: string } | 0 }
  /** The workload gets an image, the template of another variant, or that of a recorded release. */
  | { type: 'SetTemplate'; variant: string; from: { image: string } | { variant: string } | { release: string } }
  /** The workload gets back the template that it had when the release began. */
  | { type: 'RestoreTemplate'; variant: string; release: string }
  | { type: 'Notify'; decision: Decision }

export interface SetWeights {
  type: 'SetWeights'
  /** Effective weights: basis points by variant, 10,000 in all. */
  weightsBps: Readonly<Record<string, number>>
  /** undefined: the gate has no release section. */
  roles: Roles | undefined
  /** Requests are judged. */
  observed: boolean
  /** Changes with every release: salt of the sticky buckets. */
  release: number
}

/** A step begins: counters and bitmaps are cleared, the slow threshold is fixed. A new trial begins with a fresh judge. */
export interface ResetCounters {
  type: 'ResetCounters'
  trial: string
  mark: number
}
