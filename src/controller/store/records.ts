import type { JudgeState } from '../analysis/index.ts'
import type { Decision } from '../release/outcome.ts'
import type { State } from '../release/state.ts'

/** Failed answers that users got from the candidate, and those that serving answered instead, in the present or last release. */
export interface Tally {
  harmed: number
  rescued: number
}

/** All that is kept of a gate: its state and the decisions of its present or last release, in one file, so that they never disagree. */
export interface GateRecord {
  gate: string
  /** Grows with every save: tells whether a checkpoint belongs to it. */
  generation: number
  /** Monotonic time of the save, on the clock of the process that saved. */
  savedAtMs: number
  state: State
  /** The configuration's weights as the resting weights were set: other ones in the file replace those. */
  over: Record<string, number>
  /** Oldest first, at most MAX_DECISIONS. */
  decisions: Decision[]
  tally: Tally
}

/** What may be lost: evidence and elapsed time since the last save, written every few seconds. */
export interface Checkpoint {
  gate: string
  generation: number
  savedAtMs: number
  state: State
  trial: TrialRecord | null
  tally: Tally
  harmLeft: number | null
}

export interface TrialRecord {
  of: { trial: string; mark: number }
  judge: JudgeState
  /** Candidate requests of the step. */
  requests: number
  /** Milliseconds since the last one, as of the save; null = none. */
  silentMs: number | null
  /** Counts of the trial. */
  figures: Record<'candidate' | 'serving', { requests: number; bad: number; slow: number }>
  slowUs: number
}

/** A release that is over, in the history. */
export interface ArchivedRelease {
  state: State
  decisions: Decision[]
  tally: Tally
}

/** Decisions kept of one release: a candidate that comes and goes for days does not fill the disk. */
export const MAX_DECISIONS = 500
const FIRST = 20

/** Appends a decision; of too many the first ones and the latest stay. */
export function appendDecision(decisions: readonly Decision[], decision: Decision): Decision[] {
  const all = [...decisions, decision]
  return all.length <= MAX_DECISIONS ? all : [...all.slice(0, FIRST), ...all.slice(all.length - MAX_DECISIONS + FIRST)]
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** A stored gate, or an Error that says why it is none. The checksum vouches for the rest. */
export function asGateRecord(value: unknown, gate: string): GateRecord {
  if (!isObject(value) || value.gate !== gate) throw new Error(`does not belong to gate ${gate}`)
  if (!isObject(value.state) || !Array.isArray(value.decisions)) throw new Error('has no state')
  return value as unknown as GateRecord
}
