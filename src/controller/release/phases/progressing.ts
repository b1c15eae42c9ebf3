import { seconds } from '../figures.ts'
import { type Move, type Step, undecided } from '../moves/move.ts'
import { afterStep, finish, pause, promote, watch } from '../moves/steps.ts'
import type { Observation } from '../observation.ts'
import type { Policy, ReleasePolicy } from '../plan.ts'
import type { Progressing, Why } from '../state.ts'
import { hookGate, type Reading } from '../verdict.ts'
import { stageReading } from './reading.ts'
import { stoppedBy } from './stopped.ts'

/** A step: hooks that refuse and time-outs end it, evidence carries it on. */
export function progressing(
  policy: Policy,
  release: ReleasePolicy,
  state: Progressing,
  observation: Observation,
  nowMs: number,
): Step {
  const stopped = stoppedBy(policy, state, hookGate(release, state, observation), observation, nowMs)
  if (stopped !== undefined) return stopped
  const reading = stageReading(release, state, observation, nowMs)
  if (reading.verdict === 'Healthy') return onwards(release, state, reading, nowMs)
  const limit = release.stepTimeoutMs
  const timed = state.stage !== 'Baking' && limit > 0 && nowMs - state.undecidedSinceMs >= limit
  if (timed) {
    const message = `step ${state.step + 1} is undecided after ${seconds(limit)}: ${reading.message}`
    return pause(state, 'StepTimeout', undecided('StepTimeout', message), nowMs)
  }
  if (!reading.notable || state.noted.includes(reading.reason)) return undefined
  const { verdict, reason, message } = reading
  return { state: { ...state, noted: [...state.noted, reason] }, why: { verdict, reason, message } }
}

function onwards(
  release: ReleasePolicy,
  state: Progressing,
  { verdict, reason, message }: Reading,
  nowMs: number,
): Step {
  const why: Why = { verdict, reason, message }
  const step = state.release.steps[state.step]
  switch (state.stage) {
    case 'Entering':
      return watch(state, why, nowMs)
    case 'Watching': {
      if (step?.pause === true && !state.approved && !release.hooks.includes('AfterStep'))
        return stepPause(state, message, nowMs)
      if (release.hooks.includes('AfterStep')) return { state: { ...state, stage: 'Leaving', sinceMs: nowMs }, why }
      return afterStep(release, state, why, nowMs)
    }
    case 'Leaving':
      if (step?.pause === true && !state.approved) return stepPause(state, message, nowMs)
      return afterStep(release, state, why, nowMs)
    case 'Baking':
      return finish(release, state, why, nowMs)
    case 'Finishing':
      return promote(state, why, nowMs)
  }
}

function stepPause(state: Progressing, message: string, nowMs: number): Move {
  const why: Why = {
    verdict: 'Healthy',
    reason: 'StepPause',
    message: `${message}; step ${state.step + 1} waits for a person: resume goes on`,
  }
  return pause({ ...state, stage: 'Leaving' }, 'StepPause', why, nowMs)
}
