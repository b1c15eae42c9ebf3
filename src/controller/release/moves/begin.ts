import { endpoints } from '../figures.ts'
import type { Observation } from '../observation.ts'
import type { PlannedStep, ReleasePolicy } from '../plan.ts'
import { type Core, type Preparing, type Release, type State, standingOf } from '../state.ts'
import { ALL_BPS, splitBps } from '../table.ts'
import { fresh, type Move, runningOf, undecided } from './move.ts'

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
  return { state: next, why: undecided('Started', message) }
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
  return { state, why: undecided('NewRevision', message) }
}
