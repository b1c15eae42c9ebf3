import type { Command } from './commands.ts'
import { type Obeyed, refuse } from './obey/answer.ts'
import { atRest } from './obey/at-rest.ts'
import { running } from './obey/running.ts'
import { weights } from './obey/weights.ts'
import type { Observation } from './observation.ts'
import type { Policy } from './plan.ts'
import { coreOf, type State, type Why } from './state.ts'
import { degraded } from './verdict.ts'

/** Verbs that carry a release forward: not while it is suspended. */
const FORWARD: readonly Command['verb'][] = ['start', 'resume', 'skip', 'promote', 'retry']

/** The answer to a command; a conviction that was not acted on goes before it. */
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
      return running(policy, release, state, command, observation, nowMs)
  }
}

/** A conviction that was not acted on yet goes before what would keep traffic on the candidate. */
function convictionOf({ release }: Policy, state: State, observation: Observation): Why | undefined {
  const core = coreOf(state)
  return core === undefined || release === undefined || core.restoring !== null
    ? undefined
    : degraded(release, core, observation)
}
