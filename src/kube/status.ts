import type { ControlView } from '../controller/index.ts'
import type { ServicePlaces } from './endpoints.ts'
import type { AdmittedGate } from './gates.ts'
import type { GateCondition, GateStatus } from './status-schema.ts'

export type { GateCondition, GateStatus }

/** What a Gate's status is made of. */
export interface StatusInput {
  gate: AdmittedGate
  /** What the controller knows of it; undefined: it is not in force. */
  view: ControlView | undefined
  /** Endpoints by variant. */
  places: Readonly<Record<string, Pick<ServicePlaces, 'places' | 'problem'>>>
  /** Number of decisions ever taken for this Gate. */
  decision: number
  /** What the controller keeps in the status; undefined: leave what is there. */
  store: GateStatus['store']
  /** RFC 3339. */
  now: string
}

/**
 * The status of a Gate. Pure. What is not known is left as it is: server-side apply takes away what is not named, and the
 * state of a release must outlive a change of the Gate that is refused.
 */
export function statusOf(input: StatusInput): GateStatus {
  const { gate, view, store } = input
  const before = (gate.resource.status ?? {}) as GateStatus
  const { generation } = gate.resource.metadata
  const status: GateStatus = { ...before, conditions: conditionsOf(input, before.conditions ?? []) }
  if (generation !== undefined) status.observedGeneration = generation
  if (store !== undefined) status.store = store
  if (view === undefined) return status
  const { release } = view
  return {
    ...status,
    decision: input.decision,
    phase: view.phase,
    serving: view.serving,
    weights: view.weights,
    ...(view.candidate === null ? {} : { candidate: view.candidate, weight: view.weights[view.candidate] ?? 0 }),
    ...(release === null
      ? {}
      : {
          step: `${release.step}/${release.steps}`,
          verdict: release.verdict,
          release: {
            id: release.id,
            revision: release.revision,
            step: release.step,
            steps: release.steps,
            startedAt: release.startedAt,
            ...(release.finishedAt === null ? {} : { finishedAt: release.finishedAt }),
            reason: release.reason,
            message: release.message.slice(0, 4096),
            ...(release.requestsNeeded === null ? {} : { requestsNeeded: release.requestsNeeded }),
            harmedRequests: release.harmedRequests,
            rescuedRequests: release.rescuedRequests,
          },
        }),
  }
}

type Reading = Pick<GateCondition, 'status' | 'reason' | 'message'>

function conditionsOf(input: StatusInput, before: readonly GateCondition[]): GateCondition[] {
  const { generation } = input.gate.resource.metadata
  const readings = { Ready: ready(input), Progressing: progressing(input), Degraded: degraded(input) }
  return Object.entries(readings).map(([type, reading]) => {
    const last = before.find((one) => one.type === type)
    return {
      type,
      ...reading,
      message: reading.message.slice(0, 32_768),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: last?.status === reading.status ? last.lastTransitionTime : input.now,
    }
  })
}

/** The Gate is in force as it is written, and its traffic has somewhere to go. */
function ready({ gate, view, places }: StatusInput): Reading {
  if (gate.problem !== undefined) return { status: 'False', ...gate.problem }
  if (view === undefined) return { status: 'Unknown', reason: 'Pending', message: 'not taken up yet' }
  const served = Object.entries(view.weights).filter(([, percent]) => percent > 0)
  const without = served.filter(([name]) => (places[name]?.places.length ?? 0) === 0)
  if (without.length === 0)
    return { status: 'True', reason: 'Serving', message: `traffic: ${weightsText(view.weights)}` }
  const why = without.map(([name]) => `${name}: ${places[name]?.problem ?? 'no ready endpoint'}`)
  return { status: 'False', reason: 'NoEndpoints', message: why.join('; ') }
}

/** A release runs. Its figures stand in the release, not here: a condition is not for what changes every second. */
function progressing({ view }: StatusInput): Reading {
  const release = view?.release
  if (view === undefined || !release) return { status: 'False', reason: 'Idle', message: 'no release was made yet' }
  const where = `release ${release.id}, step ${release.step} of ${release.steps}`
  switch (view.phase) {
    case 'Preparing':
    case 'Progressing':
    case 'Promoting':
      return { status: 'True', reason: view.phase, message: `${where}: ${weightsText(view.weights)}` }
    case 'Paused':
      return { status: 'Unknown', reason: 'Paused', message: `${where}: ${release.reason}` }
    default:
      return { status: 'False', reason: view.phase, message: `${where}: ${release.reason}` }
  }
}

/** Something is wrong that a person should know, though traffic may be well. */
function degraded({ gate, view }: StatusInput): Reading {
  if (gate.problem !== undefined) {
    const last = gate.config === undefined ? '' : 'the last valid configuration stays in force: '
    return { status: 'True', reason: gate.problem.reason, message: last + gate.problem.message }
  }
  if (gate.weightsProblem !== undefined) return { status: 'True', reason: 'Invalid', message: gate.weightsProblem }
  const release = view?.release
  if (release && (view.phase === 'RolledBack' || release.verdict === 'Degraded')) {
    return { status: 'True', reason: release.reason || 'RolledBack', message: release.message }
  }
  return { status: 'False', reason: 'AsExpected', message: '' }
}

const weightsText = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .map(([name, percent]) => `${name} ${percent} %`)
    .join(', ')

/** How far two statuses differ: `figures` that grow by themselves are worth a write only now and then. */
export function statusChange(before: GateStatus | undefined, after: GateStatus): 'none' | 'figures' | 'real' {
  if (before === undefined || canonical(coarse(before)) !== canonical(coarse(after))) return 'real'
  return canonical(before) === canonical(after) ? 'none' : 'figures'
}

function coarse({ release, store, conditions, ...rest }: GateStatus): object {
  const {
    requestsNeeded: _needed,
    harmedRequests: _harmed,
    rescuedRequests: _rescued,
    message: _message,
    ...kept
  } = release ?? ({} as Partial<NonNullable<GateStatus['release']>>)
  return {
    ...rest,
    conditions: conditions?.map(({ message: _, ...condition }) => condition),
    release: kept,
    record: store?.record,
  }
}

/** JSON with sorted keys: the API server gives maps back in an order of its own. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
