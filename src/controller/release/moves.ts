import type { Command } from './commands.ts'
import { checkedBefore } from './demands.ts'
import { endpoints, percent } from './figures.ts'
import type { Observation } from './observation.ts'
import type { PlannedStep, Policy, ReleasePolicy } from './plan.ts'
import {
  type Core,
  coreOf,
  type Ended,
  type Paused,
  type Preparing,
  type Progressing,
  type Promoting,
  type Release,
  type Running,
  type State,
  standingOf,
  stepOf,
  type Why,
} from './state.ts'
import { ALL_BPS, candidateBps, sharedBps, splitBps } from './table.ts'

/** The ways from one state to the next: each gives the new state and says why. */
export interface Move {
  state: State
  why: Why
}

const forward = (reason: Why['reason'], message: string): Why => ({ verdict: 'Undecided', reason, message })

const fresh = { mark: 0, hookTry: 0, outSinceMs: null, outMs: 0, restoring: null, overruled: false, noted: [] }

/** What a release is begun with. */
export interface Beginning {
  kind: Release['kind']
  revision: string | undefined
  image: string | undefined
  templateOf: string | null
  readyTimeoutMs: number | undefined
  minDurationMs: number | undefined
  who: string
  message?: string
}

/** A release begins: all that both share is on serving, the candidate is made ready. */
export function begin(
  policy: ReleasePolicy,
  state: State,
  from: Beginning,
  observation: Observation,
  nowMs: number,
): Move {
  const standing = standingOf(state)
  const id = String(standing.releases + 1)
  const revision = from.revision ?? from.image ?? observation.revision ?? `release ${id}`
  const plan: readonly PlannedStep[] =
    from.kind === 'Rollback'
      ? [{ weightBps: ALL_BPS, minDurationMs: 0, minRequests: 0, pause: false }]
      : policy.steps.map((step) => ({ ...step, minDurationMs: from.minDurationMs ?? step.minDurationMs }))
  const release: Release = {
    id,
    kind: from.kind,
    revision,
    seen: null,
    image: from.image ?? null,
    templateOf: from.templateOf,
    strategy: policy.strategy,
    promotion: policy.promotion,
    roles: standing.roles,
    steps: plan,
    readyTimeoutMs: from.readyTimeoutMs ?? null,
    startedAt: new Date(observation.wallMs).toISOString(),
    startedBy: from.who,
    attempt: 1,
    ejected: null,
  }
  const next: Preparing = {
    ...standing,
    ...fresh,
    phase: 'Preparing',
    restBps: splitBps(standing, 0),
    releases: standing.releases + 1,
    revisionSeen: observation.revision ?? standing.revisionSeen,
    release,
    sinceMs: nowMs,
  }
  const { candidate } = standing.roles
  const message =
    from.message ??
    `${from.who} began release ${id} of ${revision}: ${candidate} has ${endpoints(observation.candidate)}`
  return { state: next, why: forward('Started', message) }
}

/** Another revision appeared: weight 0, fresh evidence, from the first step. */
export function restart(core: Core, revision: string, nowMs: number): Move {
  const release: Release = {
    ...core.release,
    attempt: core.release.attempt + 1,
    revision,
    seen: null,
    image: null,
    ejected: null,
  }
  const state: Preparing = {
    ...runningOf(core),
    ...fresh,
    phase: 'Preparing',
    release,
    revisionSeen: revision,
    sinceMs: nowMs,
  }
  const message = `${core.roles.candidate} changed from ${core.release.revision} to ${revision}: weight 0, from the first step`
  return { state, why: forward('NewRevision', message) }
}

/** Towards step `step`: its hooks first, or at once where nothing is asked. */
export function enter(policy: ReleasePolicy, core: Core, step: number, why: Why, nowMs: number): Move {
  const since = core.phase === 'Progressing' ? core.weightSinceMs : nowMs
  const entering: Progressing = {
    ...runningOf(core),
    phase: 'Progressing',
    step,
    stage: 'Entering',
    sinceMs: nowMs,
    weightSinceMs: since,
    undecidedSinceMs: nowMs,
    approved: false,
  }
  const asks =
    policy.hooks.includes('BeforeStep') ||
    (checkedBefore(policy, entering) &&
      (policy.hooks.includes('BeforePromotion') || policy.checks.some(({ dryRun }) => !dryRun)))
  return asks ? { state: entering, why } : watch(entering, why, nowMs)
}

/** The step's weight comes into force. */
export function watch(core: Progressing, why: Why, nowMs: number): Move {
  const state: Progressing = {
    ...core,
    stage: 'Watching',
    mark: core.mark + 1,
    outMs: 0,
    noted: [],
    sinceMs: nowMs,
    weightSinceMs: nowMs,
    undecidedSinceMs: nowMs,
  }
  return { state, why }
}

/** After a step that is over: the next one, or the bake, or what comes after it. */
export function afterStep(policy: ReleasePolicy, core: Progressing, why: Why, nowMs: number): Move {
  if (core.step + 1 < core.release.steps.length) return enter(policy, core, core.step + 1, why, nowMs)
  if (policy.bakeMs === 0) return finish(policy, core, why, nowMs)
  return {
    state: { ...core, stage: 'Baking', sinceMs: nowMs },
    why: { ...why, reason: why.reason === 'Manual' ? 'Manual' : 'Baking' },
  }
}

/** After the bake: BeforePromotion is asked, or the promotion begins. */
export function finish(policy: ReleasePolicy, core: Progressing, why: Why, nowMs: number): Move {
  if (policy.strategy === 'Canary' && policy.hooks.includes('BeforePromotion')) {
    return { state: { ...core, stage: 'Finishing', sinceMs: nowMs }, why }
  }
  return promote(core, why, nowMs)
}

export function promote(core: Core, why: Why, nowMs: number): Move {
  const state: Promoting = {
    ...runningOf(core),
    phase: 'Promoting',
    // A weight that traffic was not seen at yet is judged with counters of its own.
    mark: candidateBps(core) === sharedBps(core) ? core.mark : core.mark + 1,
    restoring: null,
    step: stepOf(core),
    sinceMs: nowMs,
  }
  return { state, why }
}

export function pause(core: Preparing | Progressing, cause: Paused['cause'], why: Why, nowMs: number): Move {
  return { state: { phase: 'Paused', within: core, cause, message: why.message, sinceMs: nowMs, byHandBps: null }, why }
}

/** All traffic is on the new version and stays there. */
export function succeed(policy: Policy, core: Promoting, observation: Observation, nowMs: number): Move {
  const { serving, candidate } = core.roles
  const swaps = core.release.promotion === 'Swap'
  const roles = swaps ? { serving: candidate, candidate: serving } : core.roles
  const shared = sharedBps(core)
  const message = swaps
    ? `${core.release.revision} is promoted: ${candidate} is serving now`
    : `${core.release.revision} is promoted: ${serving} has it and the traffic`
  const state: Ended = {
    ...ended(policy, core, 'Succeeded', { verdict: 'Healthy', reason: 'Promoted', message }, observation, nowMs),
    roles,
    restBps: { ...core.restBps, [roles.serving]: shared, [roles.candidate]: 0 },
    // After a swap the candidate is another workload: what it has is no news.
    revisionSeen: swaps ? null : (core.release.seen ?? core.revisionSeen),
  }
  return { state, why: { verdict: 'Healthy', reason: 'Promoted', message } }
}

/** Whether serving may get the candidate's traffic: never switch to nothing. */
export function canTake(policy: ReleasePolicy, state: State, { serving }: Observation, nowMs: number): boolean {
  const core = coreOf(state)
  if (core === undefined || candidateBps(state) === 0) return true
  if (core.phase === 'Promoting' && core.release.promotion === 'Copy') {
    // Serving is being changed: it gets its template back first, and is complete again.
    const restored = core.restoring !== null && core.restoring.sinceMs < nowMs
    return restored && serving.settled !== false && serving.ready > 0 && serving.ready >= serving.total
  }
  const most = candidateBps(state) * 2 > sharedBps(standingOf(state))
  if (policy.workloads && most) return serving.ready > 0 && serving.ready * 4 >= serving.total * 3
  return serving.ready > 0
}

/** Back to serving: weight 0 at the next request, or as soon as serving can take it. undefined: that is under way. */
export function goBack(
  policy: Policy,
  state: State,
  end: 'RolledBack' | 'Aborted',
  why: Why,
  observation: Observation,
  nowMs: number,
): Move | undefined {
  const core = coreOf(state)
  if (core === undefined || policy.release === undefined) return undefined
  if (canTake(policy.release, state, observation, nowMs)) {
    return { state: ended(policy, core, end, why, observation, nowMs), why }
  }
  if (core.restoring !== null) return undefined
  const { serving, candidate } = core.roles
  const message = `${why.message}. ${serving} has ${endpoints(observation.serving)}, so ${percent(candidateBps(state))} stays on ${candidate} until ${serving} can take it`
  const restoring = { ...why, end, sinceMs: nowMs }
  const next = state.phase === 'Paused' ? { ...state, within: { ...state.within, restoring } } : { ...core, restoring }
  return { state: next, why: { ...why, message } }
}

function ended(
  policy: Policy,
  core: Core,
  end: Ended['phase'],
  why: Why,
  observation: Observation,
  nowMs: number,
): Ended {
  const release = policy.release
  const hook = end === 'Succeeded' ? 'AfterRelease' : 'OnRollback'
  return {
    ...standingOf(core),
    revisionSeen: core.release.seen ?? core.revisionSeen,
    phase: end,
    release: core.release,
    step: stepOf(core),
    ...why,
    endedAt: new Date(observation.wallMs).toISOString(),
    sinceMs: nowMs,
    hookPending: release?.hooks.includes(hook) === true,
    scaleDownAtMs: release?.workloads === true ? nowMs + release.scaleDownDelayMs : null,
    undo: null,
  }
}

/** The last promotion by Swap is undone: the variants exchange roles again. */
export function swapBack(policy: Policy, state: Ended, who: string, observation: Observation, nowMs: number): Move {
  const { serving, candidate } = state.roles
  const message = `${who} rolled back ${state.release.revision}: ${candidate} has the traffic again`
  const why: Why = { verdict: state.verdict, reason: 'Manual', message }
  const shared = sharedBps(state)
  const next: Ended = {
    ...state,
    ...why,
    phase: 'RolledBack',
    roles: { serving: candidate, candidate: serving },
    restBps: { ...state.restBps, [candidate]: shared, [serving]: 0 },
    revisionSeen: null,
    endedAt: new Date(observation.wallMs).toISOString(),
    sinceMs: nowMs,
    hookPending: policy.release?.hooks.includes('OnRollback') === true,
    scaleDownAtMs: policy.release?.workloads === true ? nowMs + policy.release.scaleDownDelayMs : null,
    undo: null,
  }
  return { state: next, why }
}

/** Weights by hand while nothing runs. */
export function rest(state: State, weightsBps: Record<string, number>, who: string): Move {
  const why = forward('ManualWeights', `${who} set the weights`)
  if (state.phase === 'Idle') return { state: { ...state, restBps: weightsBps }, why }
  return {
    state: { ...(state as Ended), restBps: weightsBps, undo: null },
    why: { ...why, verdict: (state as Ended).verdict },
  }
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
  return { state: paused, why: forward('ManualWeights', message) }
}

/** The fields that every running phase has. */
function runningOf(core: Core): Running {
  const { release, sinceMs, mark, hookTry, outSinceMs, outMs, restoring, overruled, noted } = core
  return { ...standingOf(core), release, sinceMs, mark, hookTry, outSinceMs, outMs, restoring, overruled, noted }
}
