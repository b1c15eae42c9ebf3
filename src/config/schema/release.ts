import Type from 'typebox'
import { duration, flag, integer, name, object, oneOf, percent, positive, section, text, URL_ANY } from './terms.ts'

/** A step of a release. */
export const Step = object({
  weight: percent("The candidate's weight.", { exclusiveMinimum: 0, minimum: undefined }),
  minDuration: duration('Least time at this weight; 0s = none.', '60s'),
  minRequests: integer('Least candidate requests at this weight; 0 = none.', 0),
  pause: flag('Wait here for a person.', false),
})

/** How a new version is released. */
export const ReleaseSpec = object(
  {
    strategy: oneOf('How traffic moves.', ['Canary', 'BlueGreen'], 'Canary'),
    serving: name('The variant that has the traffic before the first release.'),
    candidate: name('The variant that is released.'),
    steps: Type.Optional(
      Type.Array(Step, {
        minItems: 1,
        maxItems: 100,
        description: 'Canary: default 5, 10, 25, 50, 100. BlueGreen: default 100.',
      }),
    ),
    promotion: Type.Optional(
      oneOf(
        'Copy: serving gets the template, then the traffic back. Swap: the roles are exchanged. Default Copy for Canary with workloads, else Swap.',
        ['Copy', 'Swap'],
      ),
    ),
    trigger: oneOf(
      'Auto: a changed pod template of the candidate starts a release. Manual: only a command does.',
      ['Auto', 'Manual'],
      'Auto',
    ),
    readyTimeout: positive('Pods not ready by then: rolled back.', '300s'),
    stepTimeout: duration('Undecided by then: paused with reason StepTimeout; 0s = none.', '0s'),
    bake: duration('After the last step, still watched; 0s = none.', '60s'),
    suspend: flag('Starts and advances nothing, serves as it is.', false),
    scaleDownDelay: duration(
      'How long the losing workload keeps its pods for a rollback; 0s = scaled down at once.',
      '300s',
    ),
  },
  { description: 'How a new version is released; needs two variants.' },
)

const External = {
  url: Type.String({ pattern: URL_ANY, maxLength: 2048, description: 'Address.' }),
}
/** An external gate. */
export const Check = object({
  name: name('Name of the check.'),
  webhook: Type.Optional(
    object(
      {
        ...External,
        timeout: positive('Answer by then.', '10s'),
        secretFile: Type.Optional(text('File of the key that signs the body (HMAC-SHA256).')),
      },
      { description: 'Passes on 2xx.' },
    ),
  ),
  prometheus: Type.Optional(
    object(
      {
        ...External,
        query: text('PromQL; one number.'),
        min: Type.Optional(Type.Number({ description: 'Fails below.' })),
        max: Type.Optional(Type.Number({ description: 'Fails above.' })),
        timeout: positive('Answer by then.', '10s'),
        caFile: Type.Optional(text('PEM file of the CA of the server.')),
        tokenFile: Type.Optional(text('File of a bearer token.')),
      },
      { description: 'Passes while the query gives a number within the limits; min or max is required.' },
    ),
  ),
  interval: positive('How often.', '10s'),
  failureLimit: integer('Failures in a row that are tolerated; the next one rolls back; 0 = none is tolerated.', 1),
  dryRun: flag('Report only.', false),
})

/** How a release is judged. */
export const AnalysisSpec = section('How a release is judged; all optional.', {
  confidence: Type.Number({
    minimum: 0.5,
    exclusiveMaximum: 1,
    description: 'Chance that a healthy release is not rolled back by mistake, over the whole release.',
    default: 0.99,
  }),
  maxErrorRate: percent('Above it with confidence: rolled back, unless serving breaks it too; 0 = off.', {
    default: 5,
  }),
  errorTolerance: section('Worse than ratio x serving AND above floor percent: rolled back.', {
    ratio: Type.Number({ minimum: 1.01, maximum: 100, description: 'Times the rate of serving.', default: 1.25 }),
    floor: percent('Percent below which a rate is negligible.', { default: 0.1, minimum: 0.01 }),
  }),
  latency: section('The same two tests on the share of slow requests.', {
    quantile: Type.Number({
      minimum: 0.5,
      maximum: 0.999,
      description: "Slow is slower than this quantile of serving's.",
      default: 0.99,
    }),
    ratio: Type.Number({ minimum: 1.01, maximum: 100, description: 'Times the slow share of serving.', default: 1.5 }),
    floor: percent('Percent of slow requests that is negligible.', { default: 1, minimum: 0.01 }),
    max: duration('Absolute limit; 0s = off.', '0s'),
  }),
  failureOn: Type.Array(oneOf('Kind.', ['5xx', 'grpc', 'connect', 'reset', 'timeout', 'overflow', 'unavailable']), {
    maxItems: 7,
    description: 'What counts as a failed request.',
    default: ['5xx', 'grpc', 'connect', 'reset', 'timeout', 'overflow', 'unavailable'],
  }),
  harmBudget: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description: 'Failed answers that users may see before an unconditional rollback; unset: none.',
    }),
  ),
  noTraffic: oneOf('Hold, or pass on minDuration alone.', ['Hold', 'Pass'], 'Hold'),
  checks: Type.Array(Check, { maxItems: 16, description: 'External gates.', default: [] }),
})

/** When hooks are called. */
export const HOOK_PHASES = [
  'BeforeRelease',
  'BeforeStep',
  'AfterStep',
  'BeforePromotion',
  'AfterRelease',
  'OnRollback',
  'OnEvent',
] as const
/** A call at phases of a release. */
export const Hook = object({
  phase: oneOf('When.', [...HOOK_PHASES]),
  ...External,
  timeout: positive('Answer by then.', '10s'),
  retries: integer('Extra tries; 0 = none.', 2, { maximum: 10 }),
  secretFile: Type.Optional(text('File of the key that signs the body (HMAC-SHA256).')),
  format: oneOf('Shape of the body.', ['Json', 'Slack'], 'Json'),
})
