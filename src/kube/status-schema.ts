import Type, { type Static } from 'typebox'

/** The status of a Gate: one source of its type and of the custom resource's schema. */

const text = (description: string, maxLength = 253) => Type.String({ maxLength, description })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const oneOf = <const T extends string[]>(description: string, values: [...T]) => Type.Enum(values, { description })
const maybe = Type.Optional

const phase = () =>
  oneOf('Phase of the release.', [
    'Idle',
    'Preparing',
    'Progressing',
    'Paused',
    'Promoting',
    'Succeeded',
    'RolledBack',
    'Aborted',
  ])
const percent = (description: string) => Type.Number({ minimum: 0, maximum: 100, description })

const GateCondition = Type.Object({
  type: Type.String({
    maxLength: 316,
    description:
      'Ready: in force, and the serving variant has endpoints. Progressing: a release runs. Degraded: a release failed, or a change of the Gate is refused.',
  }),
  status: oneOf('True, False or Unknown.', ['True', 'False', 'Unknown']),
  observedGeneration: maybe(count('Generation of the spec that this is about.')),
  lastTransitionTime: Type.String({ format: 'date-time', description: 'When status changed last.' }),
  reason: Type.String({ minLength: 1, maxLength: 1024, description: 'CamelCase word.' }),
  message: text('A sentence for a person.', 32_768),
})

const ReleaseStatus = Type.Object(
  {
    id: text('Id of the release.'),
    revision: text('What is released: an image, a template hash or a word given by who started it.', 1024),
    step: count('Step from 1; 0 before the first.'),
    steps: count('Number of steps.'),
    startedAt: Type.String({ format: 'date-time', description: 'When it began.' }),
    finishedAt: maybe(Type.String({ format: 'date-time', description: 'When it ended; absent while it runs.' })),
    reason: text('Why it stands where it stands, a CamelCase word.'),
    message: text('The same for a person.', 4096),
    requestsNeeded: maybe(count('About how many more candidate requests the verdict needs.')),
    harmedRequests: count('Failed answers that users got from the candidate.'),
    rescuedRequests: count('Requests that failed on the candidate and were answered by serving.'),
  },
  { description: 'The release that runs or ended last.' },
)

const Store = Type.Object(
  {
    record: maybe(text('State and decisions of the release (JSON).', 1_000_000)),
    checkpoint: maybe(text('Evidence, harm and totals of the peers at the last checkpoint (JSON).', 500_000)),
  },
  {
    // Text, not objects: in these a null means something, and Kubernetes takes a null for nothing.
    description: 'What the controller needs to go on after a restart; not for people, and not to be edited.',
  },
)

export const GateStatus = Type.Object(
  {
    observedGeneration: maybe(count('Generation of the spec that this status is about.')),
    conditions: maybe(Type.Array(GateCondition, { maxItems: 16, description: 'Ready, Progressing and Degraded.' })),
    phase: maybe(phase()),
    step: maybe(text('Step of the release, such as 2/5.')),
    verdict: maybe(oneOf('What the evidence says.', ['Healthy', 'Undecided', 'Degraded'])),
    serving: maybe(text('The variant that has the traffic outside of a release.')),
    candidate: maybe(text('The variant that is released.')),
    weight: maybe(percent("The candidate's weight in percent.")),
    weights: maybe(
      Type.Record(Type.String(), percent('Weight.'), {
        description: 'Weights in force, percent by variant; every replica applies them.',
      }),
    ),
    decision: maybe(
      count('Number of decisions ever taken; a writer that knows a larger one than its own no longer leads.'),
    ),
    release: maybe(ReleaseStatus),
    store: maybe(Store),
  },
  { description: 'What StreamGate made of the Gate; written by StreamGate alone.' },
)
export type GateStatus = Static<typeof GateStatus>
export type GateCondition = Static<typeof GateCondition>
