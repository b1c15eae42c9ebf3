import { endpoints } from './figures.ts'
import type { Observation } from './observation.ts'
import type { Status } from './outcome.ts'
import { isReady } from './phases/preparing.ts'
import { stageReading } from './phases/reading.ts'
import type { Policy, ReleasePolicy } from './plan.ts'
import type { Core, State } from './state.ts'
import { hookGate } from './verdict.ts'

const undecided = (reason: Status['reason'], message: string): Status => ({
  verdict: 'Undecided',
  reason,
  message,
  requestsNeeded: null,
})

/** Where a gate stands, in one word and one sentence. */
export function statusOf(policy: Policy, state: State, observation: Observation, nowMs: number): Status {
  const release = policy.release
  switch (state.phase) {
    case 'Idle':
      return undecided('Idle', 'no release was made yet')
    case 'Succeeded':
    case 'RolledBack':
    case 'Aborted': {
      const { verdict, reason, message } = state
      return { verdict, reason, message, requestsNeeded: null }
    }
    case 'Paused': {
      const restoring = restoringOf(state.within)
      if (restoring !== undefined) return restoring
      return {
        ...undecided(state.cause, state.message),
        verdict: state.cause === 'StepPause' ? 'Healthy' : 'Undecided',
      }
    }
    case 'Preparing':
    case 'Progressing':
    case 'Promoting':
      return (
        restoringOf(state) ??
        (release === undefined ? undecided('Idle', '') : running(release, state, observation, nowMs))
      )
  }
}

function restoringOf(core: Core): Status | undefined {
  if (core.restoring === null) return undefined
  const { verdict, message } = core.restoring
  const { serving } = core.roles
  return {
    ...undecided('StableBroken', `to be rolled back, but ${serving} is not ready to take the traffic: ${message}`),
    verdict,
  }
}

function running(release: ReleasePolicy, core: Core, observation: Observation, nowMs: number): Status {
  if (release.suspend) return undecided('Suspended', 'release.suspend is true: nothing advances')
  if (core.phase === 'Progressing') {
    const { verdict, reason, message, requestsNeeded } = stageReading(release, core, observation, nowMs)
    return { verdict, reason, message, requestsNeeded }
  }
  const { candidate, serving } = core.roles
  if (core.phase === 'Promoting') {
    const waiting = core.release.promotion === 'Swap' ? candidate : serving
    const readiness = core.release.promotion === 'Swap' ? observation.candidate : observation.serving
    return { ...undecided('Healthy', `promoting: ${waiting} has ${endpoints(readiness)}`), verdict: 'Healthy' }
  }
  const gate = hookGate(release, core, observation)
  if (isReady(observation) && gate.is === 'waiting') return undecided('Hook', `waiting for hook ${gate.phase}`)
  return undecided('NotReady', `waiting for ${candidate}: ${endpoints(observation.candidate)}`)
}
