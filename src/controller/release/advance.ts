import { endHookKey } from './demands.ts'
import { endpoints, findingOf, percent, seconds } from './figures.ts'
import {
  afterStep,
  begin,
  canTake,
  enter,
  finish,
  goBack,
  type Move,
  pause,
  promote,
  restart,
  succeed,
  swapBack,
  watch,
} from './moves.ts'
import { canSwapBack } from './obey.ts'
import type { Observation } from './observation.ts'
import type { Policy, ReleasePolicy } from './plan.ts'
import {
  coreOf,
  type Ended,
  type Idle,
  type Preparing,
  type Progressing,
  type Promoting,
  type State,
  type Why,
  withCore,
} from './state.ts'
import { candidateBps } from './table.ts'
import {
  degraded,
  type Gate,
  held,
  hookGate,
  isSilent,
  openCheck,
  type Reading,
  stableBroken,
  watching,
} from './verdict.ts'

/** What a state does by itself: what was observed and the time move it on. */

/** A change that is no decision: only the state differs. */
export type Quiet = { state: State; why?: undefined }
type Step = Move | Quiet | undefined

export function advance(policy: Policy, state: State, observation: Observation, nowMs: number): Step {
  const release = policy.release
  if (release === undefined) return undefined
  switch (state.phase) {
    case 'Idle':
      return trigger(release, state, observation, nowMs)
    case 'Succeeded':
    case 'RolledBack':
    case 'Aborted':
      return afterwards(policy, release, state, observation, nowMs) ?? trigger(release, state, observation, nowMs)
    case 'Paused':
      return guard(policy, release, state, observation, nowMs)
    case 'Preparing':
    case 'Progressing':
    case 'Promoting': {
      const guarded = guard(policy, release, state, observation, nowMs)
      if (guarded !== undefined || release.suspend || state.restoring !== null) return guarded
      if (state.phase === 'Preparing') return preparing(policy, release, state, observation, nowMs)
      if (state.phase === 'Promoting') return promoting(policy, release, state, observation, nowMs)
      return progressing(policy, release, state, observation, nowMs)
    }
  }
}

const undecided = (reason: Why['reason'], message: string): Why => ({ verdict: 'Undecided', reason, message })

/** What holds in every phase of a release, paused or not: convictions, other revisions, a candidate that goes away. */
function guard(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  if (core.restoring !== null) {
    const { end, verdict, reason, message } = core.restoring
    if (!canTake(release, state, observation, nowMs)) return undefined
    return goBack(policy, state, end, { verdict, reason, message }, observation, nowMs)
  }
  const why = degraded(release, core, observation)
  if (why !== undefined) return goBack(policy, state, 'RolledBack', why, observation, nowMs)
  return (
    newRevision(policy, release, state, observation, nowMs) ??
    presence(policy, release, state, observation, nowMs) ??
    badEndpoint(state, observation)
  )
}

function newRevision(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  const { revision } = observation
  const { seen } = core.release
  if (core.phase === 'Preparing' || seen === null || revision === null || revision === seen) return undefined
  if (core.phase !== 'Promoting' && canTake(release, state, observation, nowMs)) return restart(core, revision, nowMs)
  const message = `${core.roles.candidate} changed from ${seen} to ${revision} in mid-release`
  return goBack(policy, state, 'RolledBack', undecided('NewRevision', message), observation, nowMs)
}

/** A candidate without a ready endpoint has weight 0 at once; it comes back in time or the release goes back. */
function presence(
  policy: Policy,
  release: ReleasePolicy,
  state: Exclude<State, Idle | Ended>,
  observation: Observation,
  nowMs: number,
): Step {
  const core = coreOf(state)!
  const { candidate, serving } = core.roles
  const { ready } = observation.candidate
  if (core.outSinceMs === null) {
    if (ready > 0 || observation.serving.ready === 0 || candidateBps(state) === 0) return undefined
    const message = `${candidate} has ${endpoints(observation.candidate)}: weight 0, its share goes to ${serving}`
    return { state: withCore(state, { outSinceMs: nowMs }), why: undecided('NotReady', message) }
  }
  const outMs = core.outMs + nowMs - core.outSinceMs
  if (ready > 0) {
    const away = nowMs - core.outSinceMs
    const back = withCore(state, { outSinceMs: null, outMs })
    // Time without the weight proves nothing: it does not count for the step.
    const inner = coreOf(back)!
    const next = inner.phase === 'Progressing' ? shiftWeight(back, inner, away, nowMs) : back
    return {
      state: next,
      why: undecided('Ready', `${candidate} is back after ${seconds(away)}: ${endpoints(observation.candidate)}`),
    }
  }
  const limit = core.release.readyTimeoutMs ?? release.readyTimeoutMs
  if (outMs < limit) return undefined
  const message = `${candidate} had no ready endpoint for ${seconds(outMs)}, readyTimeout is ${seconds(limit)}`
  return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
}

function shiftWeight(state: State, core: Progressing, byMs: number, nowMs: number): State {
  const shifted = {
    ...core,
    weightSinceMs: Math.min(core.weightSinceMs + byMs, nowMs),
    sinceMs: core.stage === 'Baking' ? Math.min(core.sinceMs + byMs, nowMs) : core.sinceMs,
  }
  return state.phase === 'Paused' ? { ...state, within: shifted } : shifted
}

function badEndpoint(state: Exclude<State, Idle | Ended>, observation: Observation): Step {
  const core = coreOf(state)!
  const name = findingOf(core, observation)?.badEndpoint
  if (name === undefined || core.release.ejected !== null || core.phase === 'Preparing') return undefined
  const message = `endpoint ${name} of ${core.roles.candidate} fails more than the others: taken out, the release goes on without it`
  return {
    state: withCore(state, { release: { ...core.release, ejected: name } }),
    why: undecided('BadEndpoint', message),
  }
}

function preparing(
  policy: Policy,
  release: ReleasePolicy,
  state: Preparing,
  observation: Observation,
  nowMs: number,
): Step {
  const { candidate } = observation
  const name = state.roles.candidate
  const waited = nowMs - state.sinceMs
  const gate = hookGate(release, state, observation)
  const stopped = stoppedBy(policy, state, gate, observation, nowMs)
  if (stopped !== undefined) return stopped
  if (!isReady(observation)) {
    const limit = state.release.readyTimeoutMs ?? release.readyTimeoutMs
    if (waited < limit) return undefined
    const message = `${name} has ${endpoints(candidate)} after ${seconds(waited)}, readyTimeout is ${seconds(limit)}`
    return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
  }
  if (gate.is !== 'open') return undefined
  const ready = { ...state, release: { ...state.release, seen: observation.revision } }
  const why = undecided('Ready', `${name} is ready: ${endpoints(candidate)}`)
  return state.release.kind === 'Rollback' ? promote(ready, why, nowMs) : enter(release, ready, 0, why, nowMs)
}

export const isReady = ({ candidate }: Observation): boolean =>
  candidate.settled !== false && candidate.total > 0 && candidate.ready >= candidate.total

/** A hook that refuses ends the release; one that cannot be asked makes it wait for a person. */
function stoppedBy(
  policy: Policy,
  core: Preparing | Progressing,
  gate: Gate,
  observation: Observation,
  nowMs: number,
): Step {
  if (gate.is === 'refused') {
    const why: Why = {
      verdict: 'Degraded',
      reason: 'HookFailed',
      message: `hook ${gate.phase} refused: ${gate.detail}`,
    }
    return goBack(policy, core, 'RolledBack', why, observation, nowMs)
  }
  if (gate.is === 'unreachable') {
    const message = `hook ${gate.phase} could not be asked: ${gate.detail}; resume asks again`
    return pause(core, 'HookFailed', undecided('HookFailed', message), nowMs)
  }
  return undefined
}

function progressing(
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

/** Healthy: the stage is over. */
export function stageReading(
  release: ReleasePolicy,
  state: Progressing,
  observation: Observation,
  nowMs: number,
): Reading {
  const plain = (why: Why): Reading => ({ ...why, requestsNeeded: null, notable: false })
  const done = (message: string): Reading => plain({ verdict: 'Healthy', reason: 'Healthy', message })
  const gate = hookGate(release, state, observation)
  const asking = gate.is === 'open' ? undefined : plain(undecided('Hook', `waiting for hook ${gate.phase}`))
  const weight = percent(state.release.steps[state.step]?.weightBps ?? 0)
  switch (state.stage) {
    case 'Entering': {
      const hold = held(state, observation)
      if (hold !== undefined) return hold
      const broken = stableBroken(state, observation)
      if (broken !== undefined) return { ...plain(broken), notable: true }
      const open = openCheck(release, state, observation)
      return asking ?? (open && plain(open)) ?? done(`step ${state.step + 1} begins at ${weight}`)
    }
    case 'Watching':
      return watching(release, state, observation, nowMs)
    case 'Leaving':
      return asking ?? held(state, observation) ?? done(`step ${state.step + 1} is done`)
    case 'Finishing':
      return asking ?? held(state, observation) ?? done('promotion may begin')
    case 'Baking': {
      const hold = held(state, observation)
      if (hold !== undefined) return hold
      const left = release.bakeMs - (nowMs - state.sinceMs)
      if (left > 0)
        return plain(undecided('Baking', `${seconds(left)} of ${seconds(release.bakeMs)} bake left at ${weight}`))
      const silent = isSilent(release, state, observation, nowMs) && release.noTraffic === 'Hold'
      if (silent) {
        const message = `no request reached ${state.roles.candidate} for ${seconds(release.noTrafficAfterMs)}: the bake waits for traffic`
        return { ...undecided('NoTraffic', message), requestsNeeded: 1, notable: true }
      }
      const open = openCheck(release, state, observation)
      return open === undefined ? done(`baked for ${seconds(release.bakeMs)} at ${weight}`) : plain(open)
    }
  }
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

function promoting(
  policy: Policy,
  release: ReleasePolicy,
  state: Promoting,
  observation: Observation,
  nowMs: number,
): Step {
  const { candidate, serving } = observation
  if (state.release.promotion === 'Swap') {
    return candidate.ready > 0 && state.outSinceMs === null ? succeed(policy, state, observation, nowMs) : undefined
  }
  const copied =
    nowMs > state.sinceMs && serving.settled !== false && serving.ready > 0 && serving.ready >= serving.total
  if (copied) return succeed(policy, state, observation, nowMs)
  const limit = state.release.readyTimeoutMs ?? release.readyTimeoutMs
  if (nowMs - state.sinceMs < limit) return undefined
  const message = `${state.roles.serving} has ${endpoints(serving)} with ${state.release.revision} after ${seconds(nowMs - state.sinceMs)}, readyTimeout is ${seconds(limit)}`
  return goBack(policy, state, 'RolledBack', { verdict: 'Degraded', reason: 'NotReady', message }, observation, nowMs)
}

/** What is left to do after an end: the end's hook, a rollback that waits, the losing workload. */
function afterwards(
  policy: Policy,
  release: ReleasePolicy,
  state: Ended,
  observation: Observation,
  nowMs: number,
): Step {
  if (state.hookPending && observation.hooks[endHookKey(state)] !== undefined)
    return { state: { ...state, hookPending: false } }
  if (state.undo !== null) {
    if (canSwapBack(release, observation)) return swapBack(policy, state, state.undo.by, observation, nowMs)
    if (nowMs - state.undo.sinceMs < release.readyTimeoutMs) return undefined
    const message = `not rolled back: ${state.roles.candidate} has ${endpoints(observation.candidate)} after ${seconds(release.readyTimeoutMs)}`
    return { state: { ...state, undo: null }, why: { verdict: state.verdict, reason: 'NotReady', message } }
  }
  if (state.scaleDownAtMs !== null && nowMs >= state.scaleDownAtMs) return { state: { ...state, scaleDownAtMs: null } }
  return undefined
}

/** A changed template of the candidate starts a release. */
function trigger(release: ReleasePolicy, state: Idle | Ended, observation: Observation, nowMs: number): Step {
  const { revision } = observation
  if (revision === null || revision === state.revisionSeen) return undefined
  if (state.phase !== 'Idle' && nowMs <= state.sinceMs) return undefined
  if (state.revisionSeen === null) return { state: { ...state, revisionSeen: revision } }
  if (release.trigger === 'Manual' || release.suspend) return undefined
  // Weights by hand have the candidate in use: it does not lose them to nothing.
  if (observation.serving.ready === 0 && candidateBps(state) > 0) return undefined
  const from = {
    kind: 'Release',
    revision,
    image: undefined,
    templateOf: null,
    readyTimeoutMs: undefined,
    minDurationMs: undefined,
    who: 'a changed template',
  } as const
  return begin(release, state, from, observation, nowMs)
}

/** True while time or observations can move the state: the driver looks at it again and again. */
export function isLive(policy: Policy, state: State): boolean {
  if (state.phase === 'Idle') return false
  if (!('undo' in state)) return true
  return state.hookPending || state.undo !== null || (state.scaleDownAtMs !== null && policy.release !== undefined)
}
