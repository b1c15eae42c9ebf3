import type { Effect } from './effects.ts'
import type { HookPhase, Policy, ReleasePolicy } from './plan.ts'
import { type Core, coreOf, type Ended, type Progressing, type State, standingOf, trialOf } from './state.ts'
import { weightsBps } from './table.ts'

/**
 * What the world should be like in a state: level-based, so that a new process performs them all and is where the old
 * one was; a transition performs the ones that are new.
 */
export function demands(policy: Policy, state: State): Effect[] {
  const { roles, releases } = standingOf(state)
  const core = coreOf(state)
  const byHand = state.phase === 'Paused' && state.byHandBps !== null
  const observed = core !== undefined && (core.phase !== 'Preparing' || byHand)
  const weights: Effect = {
    type: 'SetWeights',
    weightsBps: weightsBps(state),
    roles: policy.release === undefined ? undefined : roles,
    observed,
    release: releases,
  }
  const release = policy.release
  if (release === undefined || state.phase === 'Idle') return [weights]
  if (core === undefined)
    return [weights, { type: 'RunChecks', of: null, now: false }, ...afterwards(release, state as Ended)]
  const out: Effect[] = []
  if (observed) out.push({ type: 'ResetCounters', trial: trialOf(core.release), mark: core.mark })
  out.push(weights, checksOf(release, core))
  if (core.release.ejected !== null) out.push({ type: 'EjectEndpoint', endpoint: core.release.ejected })
  if (release.workloads) out.push(...workloadsOf(core))
  if (core.restoring === null) out.push(...hooksOf(release, core).map((phase) => callOf(core, phase)))
  return out
}

/** Those of `next` that `before` did not have. */
export function newDemands(before: readonly Effect[], next: readonly Effect[]): Effect[] {
  const had = new Set(before.map((effect) => JSON.stringify(effect)))
  return next.filter((effect) => !had.has(JSON.stringify(effect)))
}

/** A blue-green switch is checked before it happens, as no traffic proves anything yet. */
export const checkedBefore = (release: ReleasePolicy, core: Progressing): boolean =>
  core.stage === 'Entering' && core.step === 0 && release.strategy === 'BlueGreen'

/** Hooks that the state waits for. */
export function hooksOf(release: ReleasePolicy, core: Core): HookPhase[] {
  return release.hooks.filter((phase) => {
    if (core.phase === 'Preparing') return phase === 'BeforeRelease'
    if (core.phase === 'Promoting') return false
    switch (core.stage) {
      case 'Entering':
        return phase === 'BeforeStep' || (phase === 'BeforePromotion' && checkedBefore(release, core))
      case 'Leaving':
        return phase === 'AfterStep'
      case 'Finishing':
        return phase === 'BeforePromotion' && release.strategy === 'Canary'
      default:
        return false
    }
  })
}

/** Key of a call: the same one is made once, again only when a person resumes after no answer came. */
export const hookKey = (core: Core, phase: HookPhase): string =>
  `${trialOf(core.release)}/${core.phase === 'Progressing' ? core.step + 1 : 0}/${phase}/${core.hookTry}`

const callOf = (core: Core, phase: HookPhase): Effect => ({
  type: 'CallHook',
  key: hookKey(core, phase),
  phase,
  step: core.phase === 'Progressing' ? core.step + 1 : 0,
})

/** Names the checks' results that count in a state; null = none run. */
export function checksOfState(release: ReleasePolicy, core: Core): string | null {
  if (release.checks.length === 0 || core.phase !== 'Progressing') return null
  if (core.stage !== 'Entering') return `${trialOf(core.release)}/${core.mark}`
  if (checkedBefore(release, core)) return `${trialOf(core.release)}/before`
  return core.step === 0 ? null : `${trialOf(core.release)}/${core.mark}`
}

const checksOf = (release: ReleasePolicy, core: Core): Effect => ({
  type: 'RunChecks',
  of: checksOfState(release, core),
  now: core.phase === 'Progressing' && checkedBefore(release, core),
})

/** The hook of an end. */
export const endHook = (ended: Ended): HookPhase => (ended.phase === 'Succeeded' ? 'AfterRelease' : 'OnRollback')
export const endHookKey = (ended: Ended): string => `${trialOf(ended.release)}/end/${endHook(ended)}`

function afterwards(release: ReleasePolicy, ended: Ended): Effect[] {
  const out: Effect[] = []
  const { serving, candidate } = ended.roles
  if (release.workloads) {
    if (ended.undo !== null) out.push({ type: 'ScaleWorkload', variant: candidate, to: { as: serving } })
    else if (ended.scaleDownAtMs === null) out.push({ type: 'ScaleWorkload', variant: candidate, to: 0 })
  }
  if (ended.hookPending) {
    out.push({ type: 'CallHook', key: endHookKey(ended), phase: endHook(ended), step: ended.step })
  }
  return out
}

function workloadsOf(core: Core): Effect[] {
  const { serving, candidate } = core.roles
  const { release } = core
  const out: Effect[] = []
  if (core.restoring !== null) {
    if (core.phase === 'Promoting' && release.promotion === 'Copy') {
      out.push({ type: 'RestoreTemplate', variant: serving, release: release.id })
    }
    out.push({ type: 'ScaleWorkload', variant: serving, to: { as: candidate } })
    return out
  }
  if (core.phase === 'Preparing') {
    if (release.templateOf !== null)
      out.push({ type: 'SetTemplate', variant: candidate, from: { release: release.templateOf } })
    else if (release.image !== null)
      out.push({ type: 'SetTemplate', variant: candidate, from: { image: release.image } })
  }
  out.push({ type: 'ScaleWorkload', variant: candidate, to: { as: serving } })
  if (core.phase === 'Promoting' && release.promotion === 'Copy') {
    out.push({ type: 'SetTemplate', variant: serving, from: { variant: candidate } })
  }
  return out
}
