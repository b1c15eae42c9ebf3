import type { Command } from '../commands.ts'
import type { Ended, Paused, Preparing, Progressing, State, Why } from '../state.ts'
import { sharedBps } from '../table.ts'
import { type Move, undecided } from './move.ts'

/** Weights by hand while nothing runs. */
export function rest(state: State, weightsBps: Record<string, number>, who: string): Move {
  const why = undecided('ManualWeights', `${who} set the weights`)
  if (state.phase === 'Idle') return { state: { ...state, restBps: weightsBps }, why }
  return {
    state: { ...(state as Ended), restBps: weightsBps, undo: null },
    why: { ...why, verdict: (state as Ended).verdict },
  }
}

/** Weights by hand in mid-release: it pauses. */
export function byHand(
  state: Preparing | Progressing | Paused,
  command: Command & { verb: 'weights' },
  nowMs: number,
): Move {
  const message = `${command.who} set the weights: paused until resume`
  const within = state.phase === 'Paused' ? state.within : state
  const counted = { ...within, mark: within.mark + 1 }
  const paused: Paused = {
    phase: 'Paused',
    within: counted,
    cause: 'ManualWeights',
    message,
    sinceMs: nowMs,
    byHandBps: command.weightsBps,
  }
  return { state: paused, why: undecided('ManualWeights', message) }
}

/** After a release that did not succeed, weights set by hand are taken back: all that both share is serving's. */
export function backToServing(state: Ended, who: string): Move {
  const { serving, candidate } = state.roles
  const why: Why = {
    verdict: state.verdict,
    reason: 'Manual',
    message: `${who} rolled back: ${serving} has the traffic`,
  }
  return { state: { ...state, restBps: { ...state.restBps, [serving]: sharedBps(state), [candidate]: 0 } }, why }
}
