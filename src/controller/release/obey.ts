import type { Command, Refusal } from './commands.ts'
import { endpoints } from './figures.ts'
import {
  afterStep,
  backToServing,
  begin,
  byHand,
  finish,
  goBack,
  type Move,
  pause,
  promote,
  rest,
  swapBack,
  watch,
} from './moves.ts'
import type { Observation } from './observation.ts'
import type { Policy, ReleasePolicy } from './plan.ts'
import { coreOf, type Ended, type Idle, type Paused, releaseOf, type State, standingOf, type Why } from './state.ts'
import { ALL_BPS, candidateBps, sharedBps } from './table.ts'
import { degraded } from './verdict.ts'

/** What a command does in a phase: a move, a refusal, or nothing because it is already so. */
export type Obeyed = { move: Move } | { refusal: Refusal } | { already: string }

/** Verbs that carry a release forward: not while it is suspended. */
const FORWARD: readonly Command['verb'][] = ['start', 'resume', 'skip', 'promote', 'retry']

const refuse = (code: string, detail: string): Obeyed => ({ refusal: { code, detail } })
const manual = (message: string): Why => ({ verdict: 'Undecided', reason: 'Manual', message })

export function obey(policy: Policy, state: State, command: Command, observation: Observation, nowMs: number): Obeyed {
  const convicted = convictionOf(policy, state, observation)
  if (convicted !== undefined && command.verb !== 'abort' && command.verb !== 'rollback') {
    return refuse('convicted', `the release goes back: ${convicted.message}`)
  }
  if (command.verb === 'weights') return weights(policy, state, command, nowMs)
  const release = policy.release
  if (release === undefined) return refuse('no-release', 'the gate has no release section: only its weights can be set')
  if (release.suspend && FORWARD.includes(command.verb)) {
    return refuse('suspended', `release.suspend is true: ${command.verb} needs it to be false`)
  }
  const core = coreOf(state)
  if (core?.restoring != null && ['pause', 'resume', 'skip'].includes(command.verb)) {
    return refuse(
      'rolling-back',
      `the release goes back as soon as ${core.roles.serving} is ready: ${core.restoring.message}`,
    )
  }
  const { who } = command
  switch (state.phase) {
    case 'Idle':
    case 'Succeeded':
    case 'RolledBack':
    case 'Aborted':
      return atRest(policy, release, state, command, observation, nowMs)
    case 'Preparing':
    case 'Progressing':
    case 'Paused':
    case 'Promoting':
      break
  }
  switch (command.verb) {
    case 'start':
    case 'retry':
      return refuse('release-running', `release ${releaseOf(state)!.id} is ${state.phase}: abort it first`)
    case 'abort':
    case 'rollback': {
      if (command.verb === 'rollback' && command.to !== undefined) {
        return refuse('release-running', `release ${releaseOf(state)!.id} is ${state.phase}: abort it first`)
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
        return refuse('not-ready', `${core!.roles.candidate} has ${endpoints(observation.candidate)}`)
      }
      const overruled = core!.overruled || core!.restoring !== null
      return { move: promote({ ...core!, overruled }, manual(`${who} promoted ${core!.release.revision}`), nowMs) }
    }
  }
}

/** A conviction that was not acted on yet goes before what would keep traffic on the candidate. */
function convictionOf({ release }: Policy, state: State, observation: Observation): Why | undefined {
  const core = coreOf(state)
  return core === undefined || release === undefined || core.restoring !== null
    ? undefined
    : degraded(release, core, observation)
}

function weights(policy: Policy, state: State, command: Command & { verb: 'weights' }, nowMs: number): Obeyed {
  const entries = Object.entries(command.weightsBps)
  const unknown = entries.find(([name]) => !policy.variants.includes(name))
  if (unknown !== undefined) {
    return refuse('unknown-variant', `no variant is called ${unknown[0]}; there are ${policy.variants.join(', ')}`)
  }
  const sum = entries.reduce((total, [, bps]) => total + bps, 0)
  if (sum !== ALL_BPS || entries.some(([, bps]) => !Number.isInteger(bps) || bps < 0)) {
    return refuse('bad-weights', `weights must be 0 or more and sum to 100, they sum to ${sum / 100}`)
  }
  const all = Object.fromEntries(policy.variants.map((name) => [name, command.weightsBps[name] ?? 0]))
  const core = coreOf(state)
  if (core === undefined) return { move: rest(state, all, command.who) }
  if (!command.force) {
    return refuse(
      'release-running',
      `release ${core.release.id} is ${state.phase}: force sets the weights and pauses it`,
    )
  }
  if (state.phase === 'Promoting') return refuse('promoting', 'it is being promoted: abort or rollback can stop it')
  if (core.restoring !== null) return refuse('rolling-back', `the release is going back: ${core.restoring.message}`)
  return { move: byHand(state as Exclude<typeof state, Idle | Ended>, { ...command, weightsBps: all }, nowMs) }
}

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

function atRest(
  policy: Policy,
  release: ReleasePolicy,
  state: Idle | Ended,
  command: Exclude<Command, { verb: 'weights' }>,
  observation: Observation,
  nowMs: number,
): Obeyed {
  const nothing = (what: string): Obeyed => refuse('no-release-running', `no release is running: nothing to ${what}`)
  const { who } = command
  if (
    (command.verb === 'start' || command.verb === 'retry') &&
    observation.serving.ready === 0 &&
    candidateBps(state) > 0
  ) {
    const { serving, candidate } = state.roles
    return refuse(
      'not-ready',
      `${serving} has ${endpoints(observation.serving)} and cannot take the weight of ${candidate}`,
    )
  }
  const base = { templateOf: null, readyTimeoutMs: undefined, minDurationMs: undefined, who } as const
  switch (command.verb) {
    case 'pause':
    case 'resume':
    case 'skip':
    case 'promote':
    case 'abort':
      return nothing(command.verb)
    case 'start': {
      if (sharedBps(standingOf(state)) === 0) return refuse('no-share', 'serving and candidate have no weight to share')
      const { revision, image, readyTimeoutMs, minDurationMs } = command
      if (image !== undefined && !release.workloads) {
        return refuse('no-workload', 'the variants have no workloads: an image cannot be set, start without one')
      }
      const from = { ...base, kind: 'Release', revision, image, readyTimeoutMs, minDurationMs } as const
      return { move: begin(release, state, from, observation, nowMs) }
    }
    case 'retry': {
      if (state.phase === 'Idle' || state.phase === 'Succeeded') {
        return refuse('nothing-to-retry', `the last release is ${state.phase}, not RolledBack or Aborted`)
      }
      const { kind, revision, image, templateOf, readyTimeoutMs } = state.release
      const from = {
        ...base,
        kind,
        revision,
        image: image ?? undefined,
        templateOf,
        readyTimeoutMs: readyTimeoutMs ?? undefined,
      }
      return { move: begin(release, state, from, observation, nowMs) }
    }
    case 'rollback':
      return rollback(policy, release, state, command, observation, nowMs)
  }
}

function rollback(
  policy: Policy,
  release: ReleasePolicy,
  state: Idle | Ended,
  command: Command & { verb: 'rollback' },
  observation: Observation,
  nowMs: number,
): Obeyed {
  const { to, who } = command
  if (to !== undefined) {
    if (!to.template)
      return refuse('no-template', `release ${to.id} has no recorded template: only the last release can be undone`)
    const message = `${who} put back release ${to.id} (${to.revision})`
    const from = {
      kind: 'Rollback',
      revision: to.revision,
      image: undefined,
      templateOf: to.id,
      readyTimeoutMs: undefined,
      minDurationMs: undefined,
      who,
      message,
    } as const
    return { move: begin(release, state, from, observation, nowMs) }
  }
  if (state.phase === 'Idle') return refuse('nothing-to-roll-back', 'no release was ever made')
  if (state.phase !== 'Succeeded' && candidateBps(state) > 0) {
    const { serving } = state.roles
    if (observation.serving.ready === 0) {
      return refuse('not-ready', `${serving} has ${endpoints(observation.serving)} and cannot take the traffic`)
    }
    return { move: backToServing(state, who) }
  }
  if (state.phase !== 'Succeeded')
    return { already: `the last release is ${state.phase}: ${state.roles.serving} has the traffic` }
  if (state.undo !== null) return { already: 'it is rolled back as soon as the variant before it is ready' }
  if (state.release.promotion !== 'Swap') {
    return refuse('nothing-to-roll-back', 'the version before it is not recorded: name a release of the history')
  }
  if (canSwapBack(release, observation)) return { move: swapBack(policy, state, who, observation, nowMs) }
  const { candidate } = state.roles
  const why: Why = {
    verdict: state.verdict,
    reason: 'Manual',
    message: `${who} rolled back ${state.release.revision}: ${candidate} has ${endpoints(observation.candidate)} and gets the traffic as soon as it is ready`,
  }
  return { move: { state: { ...state, undo: { sinceMs: nowMs, by: who } }, why } }
}

/** The variant that had the traffic before may have all of it again. */
export const canSwapBack = (policy: ReleasePolicy, { candidate }: Observation): boolean =>
  candidate.ready > 0 && (!policy.workloads || candidate.ready * 4 >= candidate.total * 3)
