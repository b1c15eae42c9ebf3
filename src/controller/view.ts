import type { Decision, Status } from './release/outcome.ts'
import { type Ended, type Release, releaseOf, type State, stepOf } from './release/state.ts'
import type { ArchivedRelease, Tally } from './store/records.ts'
import type { ReleaseRecord, ReleaseSummary, ReleaseView } from './views.ts'

/** The end of a release's state, where it has one. */
const endOf = (state: State): Ended | undefined =>
  state.phase === 'Succeeded' || state.phase === 'RolledBack' || state.phase === 'Aborted' ? state : undefined

/** The release part of a gate's view; null before the first release. */
export function releaseView(
  state: State,
  status: Status,
  tally: Tally,
  evidence: Decision['evidence'],
): ReleaseView | null {
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
