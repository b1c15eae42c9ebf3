import type { Command } from '../commands.ts'
import { endpoints } from '../figures.ts'
import { goBack } from '../moves/ending.ts'
import type { Move } from '../moves/move.ts'
import { afterStep, finish, pause, promote, watch } from '../moves/steps.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import { coreOf, type Ended, type Idle, type Paused, type State } from '../state.ts'
import { manual, type Obeyed, refuse } from './answer.ts'

/** What a command does while a release runs, paused or not. */
export function running(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  command: Exclude<Command, { verb: 'weights' }>,
  observation: Observation,
  nowMs: number,
): Obeyed {
  const core = coreOf(state)!
  const { who } = command
  switch (command.verb) {
    case 'start':
    case 'retry':
      return refuse('release-running', `release ${core.release.id} is ${state.phase}: abort it first`)
    case 'abort':
    case 'rollback': {
      if (command.verb === 'rollback' && command.to !== undefined) {
        return refuse('release-running', `release ${core.release.id} is ${state.phase}: abort it first`)
      }
      const end = command.verb === 'abort' ? 'Aborted' : 'RolledBack'
      const done = command.verb === 'abort' ? 'aborted' : 'rolled back'
      const move = goBack(policy, state, end, manual(`${who} ${done} the release`), observation, nowMs)
      return move === undefined ? { already: 'the release is already going back' } : { move }
    }
    case 'pause':
      if (state.phase === 'Paused') return refuse('already-paused', `it is paused: ${state.message}`)
      if (state.phase === 'Promoting') return refuse('promoting', 'it is being promoted: abort or rollback can stop it')
      return { move: pause(state, 'Manual', manual(`${who} paused the release`), nowMs) }
    case 'resume':
      if (state.phase !== 'Paused') return refuse('not-paused', `the release is ${state.phase}, not Paused`)
      return { move: resume(state, who, nowMs) }
    case 'skip':
      return skip(release, state, who, nowMs)
    case 'promote': {
      if (state.phase === 'Promoting' && state.restoring === null) return { already: 'it is being promoted' }
      if (observation.candidate.ready === 0) {
        return refuse('not-ready', `${core.roles.candidate} has ${endpoints(observation.candidate)}`)
      }
      const overruled = core.overruled || core.restoring !== null
      return { move: promote({ ...core, overruled }, manual(`${who} promoted ${core.release.revision}`), nowMs) }
    }
  }
}

/** A pause is over. */
function resume(state: Paused, who: string, nowMs: number): Move {
  const { within } = state
  const why = manual(`${who} resumed the release`)
  const hookTry = within.hookTry + (state.cause === 'HookFailed' ? 1 : 0)
  // Getting ready waits for nobody's pause: the time of it does not count against readyTimeout.
  if (within.phase === 'Preparing') {
    return { state: { ...within, hookTry, sinceMs: within.sinceMs + nowMs - state.sinceMs }, why }
  }
  const back = { ...within, hookTry, undecidedSinceMs: nowMs, approved: within.approved || state.cause === 'StepPause' }
  // The weight of the step was not in force: what it must show is shown anew.
  if (state.byHandBps !== null)
    return { state: { ...back, mark: back.mark + 1, weightSinceMs: nowMs, sinceMs: nowMs }, why }
  return { state: back, why }
}

/** The step, or what it waits for, is passed over. */
function skip(policy: ReleasePolicy, state: State, who: string, nowMs: number): Obeyed {
  const core = coreOf(state)
  if (core?.phase === 'Preparing') return refuse('preparing', 'no step has begun: the candidate is being made ready')
  if (core?.phase !== 'Progressing') return refuse('promoting', 'it is being promoted: no step is left to skip')
  const why = manual(`${who} skipped ${core.stage === 'Baking' ? 'the bake' : `step ${core.step + 1}`}`)
  switch (core.stage) {
    case 'Entering':
      return { move: watch(core, manual(`${who} skipped what is asked before step ${core.step + 1}`), nowMs) }
    case 'Watching':
    case 'Leaving':
      return { move: afterStep(policy, core, why, nowMs) }
    case 'Baking':
      return { move: finish(policy, core, why, nowMs) }
    case 'Finishing':
      return { move: promote(core, manual(`${who} skipped what is asked before promotion`), nowMs) }
  }
}
