import type { Command } from '../commands.ts'
import { endpoints } from '../figures.ts'
import { begin } from '../moves/begin.ts'
import { backToServing } from '../moves/by-hand.ts'
import { canSwapBack, swapBack } from '../moves/swap-back.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import { type Ended, type Idle, standingOf, type Why } from '../state.ts'
import { candidateBps, sharedBps } from '../table.ts'
import { type Obeyed, refuse } from './answer.ts'

/** What a command does while no release runs. */
export function atRest(
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
