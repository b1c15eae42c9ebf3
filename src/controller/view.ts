import type { Evidence } from './release/observation.ts'
import type { Decision, Status } from './release/outcome.ts'
import type { Policy } from './release/plan.ts'
import { coreOf, type Ended, type Release, releaseOf, type State, standingOf, stepOf } from './release/state.ts'
import { percentages, weightsBps } from './release/table.ts'
import type { ArchivedRelease, Tally } from './store/records.ts'
import type { ControlView, ReleaseRecord, ReleaseSummary, ReleaseView } from './views.ts'

/** The end of a release's state, where it has one. */
const endOf = (state: State): Ended | undefined =>
  state.phase === 'Succeeded' || state.phase === 'RolledBack' || state.phase === 'Aborted' ? state : undefined

/** A gate as people see it. `evidence`: of the trial that runs; `healthy`: false while nothing can be recorded. */
export function gateView(
  key: string,
  policy: Policy,
  { state, decisions, tally }: ArchivedRelease,
  status: Status,
  { evidence, healthy }: { evidence: Evidence | undefined; healthy: boolean },
): ControlView {
  const { roles } = standingOf(state)
  const blocked = !healthy && coreOf(state) !== undefined
  const message = blocked ? `${status.message}; nothing can be recorded: nothing advances` : status.message
  const last = decisions.findLast((decision) => decision.evidence !== null)?.evidence
  return {
    key,
    strategy: policy.release?.strategy ?? null,
    serving: roles.serving,
    candidate: policy.release === undefined ? null : roles.candidate,
    weights: percentages(weightsBps(state)),
    phase: state.phase,
    release: releaseView(state, { ...status, message }, tally, evidence ?? last ?? null),
  }
}

/** The release part of a gate's view; null before the first release. */
function releaseView(state: State, status: Status, tally: Tally, evidence: Decision['evidence']): ReleaseView | null {
  const release = releaseOf(state)
  if (release === undefined) return null
  return {
    id: release.id,
    revision: release.revision,
    phase: state.phase,
    step: stepOf(state),
    steps: release.steps.length,
    stepWeights: release.steps.map(({ weightBps }) => weightBps / 100),
    startedAt: release.startedAt,
    finishedAt: endOf(state)?.endedAt ?? null,
    ...status,
    harmedRequests: tally.harmed,
    rescuedRequests: tally.rescued,
    evidence,
  }
}

/** A release of the history, with its decisions; undefined before the first one. */
export function recordOf({ state, decisions, tally }: ArchivedRelease): ReleaseRecord | undefined {
  const release = releaseOf(state)
  return release && { ...summaryOf(state, release, decisions, tally), decisions: [...decisions] }
}

export function summaryOf(
  state: State,
  release: Release,
  decisions: readonly Decision[],
  tally: Tally,
): ReleaseSummary {
  const last = decisions.at(-1)
  const end = endOf(state)
  return {
    id: release.id,
    revision: release.revision,
    ...(release.image === null ? {} : { image: release.image }),
    strategy: release.strategy,
    phase: state.phase,
    startedAt: release.startedAt,
    finishedAt: end?.endedAt ?? null,
    reason: end?.reason ?? last?.reason ?? '',
    message: end?.message ?? last?.message ?? '',
    harmedRequests: tally.harmed,
    rescuedRequests: tally.rescued,
  }
}
