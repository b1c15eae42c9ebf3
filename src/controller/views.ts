import type { GateConfig } from '../config/schema.ts'
import type { Decision, Verdict } from './release/outcome.ts'
import type { Phase } from './release/state.ts'

/** The release part of a gate's view (contract, section 3). */
export interface ReleaseView {
  id: string
  revision: string
  phase: Phase
  /** From 1; 0 before the first. */
  step: number
  steps: number
  /** Percent, by step. */
  stepWeights: number[]
  startedAt: string
  finishedAt: string | null
  verdict: Verdict
  reason: string
  message: string
  requestsNeeded: number | null
  harmedRequests: number
  rescuedRequests: number
  evidence: Decision['evidence']
}

/** What the controller knows of a gate. */
export interface ControlView {
  key: string
  strategy: 'Canary' | 'BlueGreen' | null
  serving: string
  candidate: string | null
  /** Effective weights in percent by variant. */
  weights: Record<string, number>
  phase: Phase
  release: ReleaseView | null
}

export interface ReleaseSummary {
  id: string
  revision: string
  image?: string
  strategy: 'Canary' | 'BlueGreen'
  phase: Phase
  startedAt: string
  finishedAt: string | null
  reason: string
  message: string
  harmedRequests: number
  rescuedRequests: number
}
export interface ReleaseRecord extends ReleaseSummary {
  /** Oldest first. */
  decisions: Decision[]
}

export type Result =
  | { ok: true; message: string; view: ControlView }
  | { ok: false; status: number; code: string; detail: string }

/** What `start` and `rollback` take. */
export interface CommandBody {
  image?: string
  revision?: string
  readyTimeoutSeconds?: number
  stepSeconds?: number
}

export type ControlEvent =
  | { type: 'gate'; key: string }
  | { type: 'decision'; key: string; release: string; decision: Decision }

/** All gates' releases and weights. `start` reads the state folder; then `apply` sets every gate's table at once, before workers serve. */
export interface ControllerSurface {
  start(): Promise<void>
  close(): Promise<void>
  /** The gates of the configuration, again after each change of it. Synchronous in what workers see. */
  apply(gates: readonly GateConfig[]): void
  view(key: string): ControlView | undefined
  setWeights(key: string, percent: Record<string, number>, options: { force: boolean; who: string }): Promise<Result>
  command(key: string, verb: string, body: CommandBody, who: string): Promise<Result>
  /** Newest first; undefined: no such gate. */
  releases(key: string): ReleaseSummary[] | undefined
  release(key: string, id: string): ReleaseRecord | undefined
  subscribe(listener: (event: ControlEvent) => void): () => void
}
