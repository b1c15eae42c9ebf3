import type { RouteShorthandOptions } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { ActionBody, GateView, ReleaseRecord, ReleaseSummary, type Verb, VersionView } from './views.ts'

/** Schemas of calls: what validates requests and what OpenAPI shows. */

const list = (items: TSchema, description: string) => Type.Object({ items: Type.Array(items) }, { description })

const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String({ description: 'The kind of error.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong and what can be done.' }),
    code: Type.String({ description: 'Kebab-case word for scripts.' }),
  },
  { description: 'An error (RFC 9457).' },
)
const ActionDone = Type.Object(
  { message: Type.String({ description: 'What happened.' }), gate: GateView },
  { description: 'A write was done.' },
)

/** Named shapes, components of the OpenAPI document. */
export const SHARED: Record<string, TSchema> = {
  GateView,
  ReleaseRecord,
  VersionView,
  GateList: list(GateView, 'All gates.'),
  ReleaseList: list(ReleaseSummary, 'History, newest first.'),
  ActionDone,
  Problem,
}

/** 200 with the shape, anything else with a problem. */
export const answer = (shape: string) => ({
  200: { description: String((SHARED[shape] as { description?: string }).description ?? shape), $ref: `${shape}#` },
  default: {
    description: 'An error.',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  },
})

const name = (description: string) => Type.String({ maxLength: 253, description })
const gate = { namespace: name('Namespace of the gate.'), name: name('Name of the gate.') }

export const params = {
  gate: Type.Object(gate),
  release: Type.Object({ ...gate, id: name('Id of the release.') }),
  events: Type.Object({
    gate: Type.Optional(Type.String({ maxLength: 507, description: 'Only this gate: NAMESPACE/NAME.' })),
  }),
}

/** A call that reads. */
export const reads = (operationId: string, summary: string, shape: string, of?: TSchema): RouteShorthandOptions => ({
  schema: { operationId, summary, ...(of ? { params: of } : {}), response: answer(shape) },
})

const { properties } = ActionBody
const closed = { additionalProperties: false }
const Nothing = Type.Object({}, closed)

/** What each verb takes. */
export const ACTION_BODIES: Record<Verb, TSchema> = {
  start: ActionBody,
  pause: Nothing,
  resume: Nothing,
  skip: Nothing,
  promote: Nothing,
  abort: Nothing,
  rollback: Type.Object({ revision: properties.revision }, closed),
  retry: Nothing,
}

export const DESCRIPTIONS: Record<Verb, string> = {
  start: 'Start a release',
  pause: 'Hold the release where it is',
  resume: 'Go on',
  skip: 'Go to the next step without its proof',
  promote: 'Skip all steps: the candidate becomes what serves',
  abort: 'End the release: all traffic to serving',
  rollback: 'All traffic back to what served before, or to a recorded revision',
  retry: 'Start the last release again',
}

export const EVENTS_TEXT =
  'Server-sent events. `gate`: a GateView, at first of every gate, then of each that changes, at most 5 a second per gate. ' +
  '`decision`: a decision with namespace, name and release. `removed`: a gate (namespace, name) that is gone. ' +
  'A comment every 15 s keeps the stream alive. A client that does not read is dropped.'
