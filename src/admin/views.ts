import Type, { type Static } from 'typebox'

/**
 * The shapes that the admin API speaks: types for the program, schemas for OpenAPI. Percentages are 0-100, times
 * are RFC 3339 in UTC. Clients must expect further keys; none is ever taken away within `/v1`.
 */

const object = <P extends Parameters<typeof Type.Object>[0]>(properties: P, options: object = {}) =>
  Type.Object(properties, { ...options })
const text = (description: string) => Type.String({ description })
const time = (description: string) => Type.String({ description, format: 'date-time' })
const number = (description: string, options: object = {}) => Type.Number({ description, ...options })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const percent = (description: string) => Type.Number({ minimum: 0, maximum: 100, description })
const oneOf = <const T extends string[]>(description: string, values: [...T]) => Type.Enum(values, { description })
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** Phases of a release, in the order of its life. */
export const PHASES = [
  'Idle',
  'Preparing',
  'Progressing',
  'Paused',
  'Promoting',
  'Succeeded',
  'RolledBack',
  'Aborted',
] as const
/** Phases in which nothing happens any more unless somebody asks. */
export const ENDED: readonly Phase[] = ['Idle', 'Succeeded', 'RolledBack', 'Aborted']
/** Verdicts of the judge. */
export const VERDICTS = ['Healthy', 'Undecided', 'Degraded'] as const
/** What can be done to a release. */
export const VERBS = ['start', 'pause', 'resume', 'skip', 'promote', 'abort', 'rollback', 'retry'] as const

export type Phase = (typeof PHASES)[number]
export type Verdict = (typeof VERDICTS)[number]
export type Verb = (typeof VERBS)[number]

const phase = oneOf('Phase of the release.', [...PHASES])
const verdict = oneOf('What the evidence says.', [...VERDICTS])
const strategy = oneOf('How traffic moves.', ['Canary', 'BlueGreen'])
const weights = Type.Record(Type.String(), percent('Weight.'), { description: 'Weights by variant, in percent.' })

/** Natural logarithms of the evidence: `total` convicts when it reaches `threshold`; the rest are its parts. */
export const Evidence = object(
  {
    total: number('Natural log of the evidence against the candidate; may be negative.'),
    threshold: number('What convicts.'),
    fine: Type.Optional(number('Evidence that the candidate is fine.')),
    worse: Type.Optional(number('Part of "worse than serving".')),
    aboveMax: Type.Optional(number('Part of "above maxErrorRate".')),
    slowWorse: Type.Optional(number('Part of "slower than serving".')),
    slowMax: Type.Optional(number('Part of "slower than latency.max".')),
  },
  { description: 'Evidence against the candidate, natural logarithms.' },
)
export type Evidence = Static<typeof Evidence>

export const Decision = object(
  {
    time: time('When it was taken.'),
    phase,
    step: count('Step from 1; 0 before the first.'),
    weights,
    verdict,
    reason: text('CamelCase word: ErrorRate, Latency, HarmBudget, NotReady, NoTraffic, Manual, ...'),
    message: text('A sentence for a person.'),
    evidence: orNull(Evidence),
    inputs: Type.Optional(Type.Unknown({ description: 'What the decision was made of.' })),
  },
  { description: 'A change of phase, step or weight.' },
)
export type Decision = Static<typeof Decision>

export const ReleaseView = object(
  {
    id: text('Id of the release.'),
    revision: text('What is released: an image, a template hash or a word given by who started it.'),
    phase,
    step: count('Step from 1; 0 before the first.'),
    steps: count('Number of steps.'),
    stepWeights: Type.Array(percent('Weight.'), { description: "The candidate's weight in each step." }),
    startedAt: time('When it began.'),
    finishedAt: orNull(time('When it ended.')),
    verdict,
    reason: text('Why it stands where it stands, a CamelCase word.'),
    message: text('The same for a person.'),
    requestsNeeded: orNull(count('About how many more candidate requests the verdict needs; null: not known.')),
    harmedRequests: count('Failed answers that users got from the candidate.'),
    rescuedRequests: count('Requests that failed on the candidate and were answered by serving.'),
    evidence: orNull(Evidence),
  },
  { description: 'A release, now.' },
)
export type ReleaseView = Static<typeof ReleaseView>

export const VariantView = object(
  {
    name: text('Name of the variant.'),
    weight: percent('Weight that is set.'),
    share: percent('Share of requests measured over the last 10 s.'),
    requestsPerSecond: number('Over the last 10 complete seconds.', { minimum: 0 }),
    errorRate: percent('Percent of failed requests over the last 10 s.'),
    latencyMs: object(
      {
        p50: orNull(number('Median.')),
        p95: orNull(number('95 % are faster.')),
        p99: orNull(number('99 % are faster.')),
      },
      { description: 'Over the last 10 s; null without requests.' },
    ),
    inFlight: count('Requests that are running.'),
    requests: count('Requests since the start of the program.'),
    failures: count('Failed ones of them.'),
    endpoints: object({ ready: count('Usable ones.'), total: count('All.') }),
  },
  { description: 'A variant, now.' },
)
export type VariantView = Static<typeof VariantView>

export const GateView = object(
  {
    namespace: text('Namespace.'),
    name: text('Name.'),
    strategy: orNull(strategy),
    serving: text('The variant that has the traffic outside of a release.'),
    candidate: orNull(text('The variant that is released; null: the gate has no release section.')),
    variants: Type.Array(VariantView),
    release: orNull(ReleaseView),
  },
  { description: 'A gate, now.' },
)
export type GateView = Static<typeof GateView>

const summary = {
  id: text('Id of the release.'),
  revision: text('What was released.'),
  image: Type.Optional(text('Its image, where one is known.')),
  strategy,
  phase,
  startedAt: time('When it began.'),
  finishedAt: orNull(time('When it ended; null: it runs.')),
  reason: text('Why it stands where it stands.'),
  message: text('The same for a person.'),
  harmedRequests: count('Failed answers that users got from the candidate.'),
  rescuedRequests: count('Requests answered by serving instead.'),
}
export const ReleaseSummary = object(summary, { description: 'A release of the history.' })
export type ReleaseSummary = Static<typeof ReleaseSummary>
export const ReleaseRecord = object(
  { ...summary, decisions: Type.Array(Decision, { description: 'Oldest first.' }) },
  { description: 'A release with all its decisions.' },
)
export type ReleaseRecord = Static<typeof ReleaseRecord>

/** What `start` and `rollback` take; the other verbs take nothing. */
export const ActionBody = Type.Object(
  {
    image: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, pattern: '^\\S+$', description: 'start: image of the candidate.' }),
    ),
    revision: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'start: name of what is released. rollback: revision or id of a recorded release to go back to.',
      }),
    ),
    readyTimeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'start: readiness limit of each rollout.' }),
    ),
    stepSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 86_400, description: "start: each step's least duration." }),
    ),
  },
  { additionalProperties: false },
)
export type ActionBody = Static<typeof ActionBody>

export const WeightsBody = Type.Object(
  {
    weights: Type.Record(Type.String({ maxLength: 63 }), Type.Number({ minimum: 0, maximum: 100 }), {
      minProperties: 1,
      maxProperties: 16,
      description: 'Percent by variant, up to two decimals, 100 in all; a variant that is not named gets 0.',
    }),
    force: Type.Optional(Type.Boolean({ description: 'Pause a running release instead of answering 409.' })),
  },
  { additionalProperties: false },
)
export type WeightsBody = Static<typeof WeightsBody>

export const VersionView = object(
  { version: text('Version of StreamGate.'), node: text('Version of Node.') },
  { description: 'Versions.' },
)
export type VersionView = Static<typeof VersionView>
