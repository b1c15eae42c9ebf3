import { type Core, type Running, type State, standingOf, type Why } from '../state.ts'

/** A way from one state to the next: the new state, and why. */
export interface Move {
  state: State
  why: Why
}

/** A change that is no decision: only the state differs. */
export type Quiet = { state: State; why?: undefined }

/** What becomes of a state by itself; undefined: it stays. */
export type Step = Move | Quiet | undefined

/** A reason that is no verdict on the candidate. */
export const undecided = (reason: Why['reason'], message: string): Why => ({ verdict: 'Undecided', reason, message })

/** What every attempt at a release begins with. */
export const fresh = { mark: 0, hookTry: 0, outSinceMs: null, outMs: 0, restoring: null, overruled: false, noted: [] }

/** The fields that every running phase has. */
export function runningOf(core: Core): Running {
  const { release, sinceMs, mark, hookTry, outSinceMs, outMs, restoring, overruled, noted } = core
  return { ...standingOf(core), release, sinceMs, mark, hookTry, outSinceMs, outMs, restoring, overruled, noted }
}
