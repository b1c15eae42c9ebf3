import Type from 'typebox'
import { POSITIVE_DURATION } from '../units.ts'
import { AnalysisSpec, Hook, ReleaseSpec } from './release.ts'
import {
  API_VERSION,
  DurationText,
  duration,
  flag,
  GateMetadata,
  HOST,
  integer,
  METHOD,
  name,
  object,
  oneOf,
  PATH,
  PATH_PREFIX,
  percent,
  positive,
  section,
  size,
  TOKEN,
  text,
  URL_PREFIX,
} from './terms.ts'

const Variant = object({
  name: name('Name of the variant, a label of its metrics.'),
  weight: Type.Optional(
    percent(
      'Percent where traffic starts; all sum to 100, unset beside others is 0; default: all on release.serving, else the first; 0 = no traffic.',
    ),
  ),
  whenEmpty: oneOf('No endpoint: Fail (503 for its share) or Spill (to the others).', ['Fail', 'Spill'], 'Fail'),
  urls: Type.Optional(
    Type.Array(Type.String({ pattern: URL_PREFIX, maxLength: 2048 }), {
      minItems: 1,
      maxItems: 256,
      description: 'Standalone: one endpoint per URL.',
    }),
  ),
  service: Type.Optional(
    object(
      {
        name: name('Service.'),
        port: Type.Union([Type.Integer({ minimum: 1, maximum: 65535 }), Type.String({ minLength: 1, maxLength: 15 })], {
          description: 'Port, by number or name.',
        }),
      },
      { description: 'Cluster: ready endpoints from EndpointSlices.' },
    ),
  ),
  workload: Type.Optional(
    object(
      {
        kind: oneOf('Kind.', ['Deployment'], 'Deployment'),
        name: name('Name.'),
        container: Type.Optional(name('Container that gets the image; default: the first.')),
      },
      { description: 'Cluster: what a deploy changes and scales.' },
    ),
  ),
})

const Override = object({
  header: Type.Optional(
    object(
      { name: text('Header.'), value: text('Its exact value.') },
      { description: 'The header that chooses; either it or cookie.' },
    ),
  ),
  cookie: Type.Optional(
    object(
      { name: text('Cookie.'), value: text('Its exact value.') },
      { description: 'The cookie that chooses; either it or header.' },
    ),
  ),
  variant: name('Where such requests go.'),
})

/** How requests reach the variants. */
export const UpstreamSpec = section('Towards the variants.', {
  timeouts: section('Timeouts.', {
    connect: positive('TCP and TLS.', '2s'),
    response: duration('From the end of the request to the response head; 0s = none.', '30s'),
    idle: duration('A body without progress; an idle pooled connection; 0s = none.', '60s'),
  }),
  retries: section('Extra attempts, within one variant.', {
    attempts: integer('Extra attempts; 0 = none.', 1, { maximum: 10 }),
    on: Type.Array(oneOf('Cause.', ['connect', 'reused-reset', 'reset', 'timeout', '5xx']), {
      maxItems: 5,
      description: 'After what; all but connect and reused-reset only for idempotent requests.',
      default: ['connect', 'reused-reset'],
    }),
    budget: percent('Percent of active requests that may be retries (3 always may); 0 = only those 3.', {
      default: 20,
    }),
  }),
  loadBalancing: oneOf('LeastRequest: power of two choices.', ['LeastRequest', 'RoundRobin'], 'LeastRequest'),
  healthCheck: Type.Optional(
    object(
      {
        path: Type.String({ pattern: PATH, description: 'Path; 2xx and 3xx are healthy.', default: '/' }),
        interval: positive('How often.', '5s'),
        timeout: positive('Answer by then.', '1s'),
        healthy: integer('Passes in a row.', 2, { minimum: 1 }),
        unhealthy: integer('Failures in a row.', 3, { minimum: 1 }),
      },
      { description: 'Active health checks; default: none.' },
    ),
  ),
  outlierEjection: section('Endpoints that fail in a row get no requests for a while.', {
    consecutive5xx: integer('Failures in a row; 0 = off.', 5),
    baseEjection: positive('First ejection; grows with each.', '30s'),
    maxEjected: percent('Percent of the endpoints that may be out; 0 = one, if there are two or more.', {
      default: 50,
    }),
  }),
  maxRequests: integer('In flight per endpoint; over it 503 at once; 0 = no limit.', 1024),
  protocol: oneOf('HTTP2: h2c, or ALPN with https; gRPC needs it.', ['HTTP1', 'HTTP2'], 'HTTP1'),
  tls: section('For https URLs; verified always.', {
    caFile: Type.Optional(text('PEM file of the CA of the upstreams; default: the public ones.')),
    serverName: Type.Optional(text('Name to verify and send.')),
  }),
})

/** A Gate without its envelope: the spec of the custom resource too. */
export const GateSpec = object(
  {
    hosts: Type.Optional(
      Type.Array(Type.String({ pattern: HOST }), {
        minItems: 1,
        maxItems: 64,
        description: 'Host names, `*.` for any labels; default: any.',
      }),
    ),
    paths: Type.Array(Type.String({ pattern: PATH_PREFIX, maxLength: 1024 }), {
      minItems: 1,
      maxItems: 64,
      description: 'Path prefixes, on segment boundaries.',
      default: ['/'],
    }),
    variants: Type.Array(Variant, { minItems: 1, maxItems: 16, description: 'One or more; `release` needs two.' }),
    release: Type.Optional(ReleaseSpec),
    analysis: AnalysisSpec,
    rescue: section('A request that failed on the candidate is answered by serving.', {
      enabled: flag('Rescue.', true),
      methods: Type.Array(Type.String({ pattern: METHOD }), {
        maxItems: 16,
        description: 'Idempotent methods.',
        default: ['GET', 'HEAD', 'OPTIONS'],
      }),
      maxBodyBytes: size('Request bodies up to this size are kept for it; 0 = only without a body.', 0),
      budget: percent("Percent of serving's requests in flight; 0 = no rescue.", { default: 100 }),
    }),
    sticky: Type.Optional(
      object(
        {
          by: oneOf('What makes a user.', ['Cookie', 'Header', 'ClientIP'], 'Cookie'),
          name: Type.Optional(
            Type.String({
              pattern: TOKEN,
              description: 'Cookie (default sg_bucket) or header.',
            }),
          ),
          ttl: Type.Optional(
            DurationText({
              pattern: POSITIVE_DURATION,
              description: 'Max-Age of the cookie; default: until the browser closes.',
            }),
          ),
          secretFile: Type.Optional(text('File of the key that signs the cookie.')),
        },
        { description: 'Users stay on their variant.' },
      ),
    ),
    overrides: Type.Array(Override, {
      maxItems: 32,
      description: 'Requests that choose their variant; kept out of the analysis.',
      default: [],
    }),
    mirror: section('Copies of serving requests to the candidate, answers compared and discarded.', {
      percent: percent('Percent of serving requests; 0 = off.', { default: 0 }),
      maxBodyBytes: size('Requests with a larger body are not mirrored; 0 = only those without a body.', '64Ki'),
    }),
    upstream: UpstreamSpec,
    hooks: Type.Array(Hook, { maxItems: 32, description: 'Called at phases of a release; 2xx = go on.', default: [] }),
  },
  { description: 'A traffic gate: who comes in, which variants answer, how a new one is released.' },
)

/** The Gate document, not decoded. */
export const GateDocument = object({
  apiVersion: Type.Literal(API_VERSION),
  kind: Type.Literal('Gate'),
  metadata: GateMetadata,
  spec: GateSpec,
})
