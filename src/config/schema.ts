import Type, { type StaticDecode } from 'typebox'
import {
  type Bytes,
  DURATION,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  MAX_SIZE_BYTES,
  type Milliseconds,
  POSITIVE_DURATION,
  parseDuration,
  parseSize,
  SIZE,
} from './units.ts'

/**
 * The one source of the documents' types, validation, defaults and descriptions, and of the custom resource's schema.
 * Decoding turns durations into milliseconds and sizes into bytes; names stay the contract's.
 */

const DurationText = (options: object) =>
  Type.Codec(
    Type.Refine(Type.String({ pattern: DURATION, unit: 'duration', ...options }), shortEnough, () => 'too long'),
  )
    .Decode((text): Milliseconds => parseDuration(text))
    .Encode((ms) => formatDuration(ms))
const shortEnough = (text: string): boolean => !RegExp(DURATION).test(text) || parseDuration(text) <= MAX_DURATION_MS
/** What 0 means stands in the description. */
const duration = (description: string, byDefault: string) => DurationText({ description, default: byDefault })
/** A duration that cannot be 0. */
const positive = (description: string, byDefault: string) =>
  DurationText({ pattern: POSITIVE_DURATION, description, default: byDefault })

const size = (description: string, byDefault: string | number) =>
  Type.Codec(
    Type.Refine(
      Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: SIZE })], {
        unit: 'size',
        description,
        default: byDefault,
      }),
      (value) => !RegExp(SIZE).test(String(value)) || parseSize(value) <= MAX_SIZE_BYTES,
      () => 'too large',
    ),
  )
    .Decode((value): Bytes => parseSize(value))
    .Encode((bytes) => formatSize(bytes))

/** A number 0-100 with up to two decimals. */
const percent = (description: string, options: object = {}) =>
  Type.Number({ minimum: 0, maximum: 100, multipleOf: 0.01, description, ...options })
const integer = (description: string, byDefault: number, options: object = {}) =>
  Type.Integer({ minimum: 0, maximum: 2_147_483_647, description, default: byDefault, ...options })
const oneOf = <const T extends string[]>(description: string, values: [...T], byDefault?: T[number]) =>
  Type.Enum(values, byDefault === undefined ? { description } : { description, default: byDefault })
const flag = (description: string, byDefault: boolean) => Type.Boolean({ description, default: byDefault })

/** An object without unknown keys. */
const object = <P extends Parameters<typeof Type.Object>[0]>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options })
/** An object that may be left out: its defaults apply. */
const section = <P extends Parameters<typeof Type.Object>[0]>(description: string, properties: P) =>
  object(properties, { description, default: {} })

/** The patterns of texts; what each means in words stands in words.ts. */
export const NAME = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'
export const URL_PREFIX = '^https?://[^/?#\\s]+(/[^?#\\s]*)?$'
export const URL_ANY = '^https?://\\S+$'
export const HOST = '^(\\*\\.)?[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$'
export const PATH_PREFIX = '^/[^?#\\s]*$'
export const PATH = '^/[^\\s]*$'
export const METHOD = '^[A-Z]{1,20}$'
export const TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"
const name = (description: string) => Type.String({ pattern: NAME, description })
const text = (description: string, options: object = {}) =>
  Type.String({ minLength: 1, maxLength: 4096, description, ...options })

const notes = {
  labels: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Labels; not used by StreamGate.' })),
  annotations: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: 'Annotations; `streamgate.dev/weights` sets weights by hand in a cluster.',
    }),
  ),
}
const ProxyMetadata = object({ name: name('Name, a DNS label.'), ...notes })
const GateMetadata = object({
  name: name('Name, a DNS label.'),
  namespace: Type.String({ pattern: NAME, description: 'Namespace.', default: 'default' }),
  ...notes,
})

// --- Proxy

export const Listener = object({
  name: name('Name of the listener.'),
  host: Type.Optional(text('Address to listen on; default: all addresses.')),
  port: Type.Integer({ minimum: 0, maximum: 65535, description: 'TCP port; 0 = any free one.' }),
  protocol: oneOf('What is spoken; HTTPS offers HTTP/2 by ALPN.', ['HTTP', 'HTTPS'], 'HTTP'),
  redirect: Type.Optional(Type.Literal('https', { description: 'https: every request is redirected to https.' })),
  proxyProtocol: flag('Expect a PROXY protocol header from trusted proxies.', false),
  tls: Type.Optional(
    object(
      {
        certificates: Type.Array(
          object({
            certFile: Type.Optional(text('PEM file of the certificate and its chain.')),
            keyFile: Type.Optional(text('PEM file of the private key.')),
            secretRef: Type.Optional(
              object(
                {
                  name: text('Name of a kubernetes.io/tls Secret.'),
                  namespace: Type.Optional(text('Its namespace.')),
                },
                { description: 'Cluster: instead of the two files.' },
              ),
            ),
          }),
          { minItems: 1, maxItems: 64, description: 'Certificates; chosen by SNI, the first one without.' },
        ),
      },
      { description: 'Required with HTTPS, only there.' },
    ),
  ),
})

const AdminToken = object({
  name: name('Who this is, in the audit log.'),
  tokenFile: text('File that holds the bearer token, 16 characters or more.'),
  role: oneOf('viewer: reads. operator: reads and acts.', ['viewer', 'operator'], 'viewer'),
})

export const ProxySpec = section('The proxy itself.', {
  listeners: Type.Array(Listener, {
    minItems: 1,
    maxItems: 64,
    description: 'Where clients connect.',
    default: [{ name: 'http', port: 8080, protocol: 'HTTP' }],
  }),
  workers: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 64 })], {
    description: 'Worker threads; auto = available cores.',
    default: 'auto',
  }),
  trustedProxies: Type.Array(text('A CIDR.'), {
    maxItems: 256,
    description: 'CIDRs whose X-Forwarded-* are believed.',
    default: [],
  }),
  limits: section('Limits on what clients may send.', {
    maxHeaderBytes: size('Request head; 0 = no limit.', '16Ki'),
    maxHeaders: integer('Header fields of a request; 0 = no limit.', 100),
    maxBodyBytes: size('Request body; 0 = no limit.', 0),
    maxConnections: integer('Open client connections; 0 = no limit.', 10_000),
    maxConnectionsPerClient: integer('Open connections of one client address; 0 = no limit.', 0),
  }),
  timeouts: section('Timeouts towards clients.', {
    header: duration('From the first byte of a request to the end of its head; 0s = none.', '10s'),
    idle: duration('A kept-alive connection without a request; a body without progress; 0s = none.', '75s'),
    maxConnectionAge: duration('A connection older than this is closed after its request; 0s = none.', '0s'),
    drain: duration('How long running requests may take after SIGTERM; 0s = they are cut off.', '30s'),
  }),
  accessLog: section('One JSON line a request.', {
    enabled: flag('Write the access log.', true),
    sample: percent('Percent of requests that are logged; failed ones always are; 0 = only those.', { default: 100 }),
  }),
  admin: section('The admin API.', {
    host: text('Address; one that is not loopback needs tokens.', { default: '127.0.0.1' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port; 0 = any free one.', default: 8081 }),
    tokens: Type.Array(AdminToken, { maxItems: 64, description: 'Who may call it.', default: [] }),
    tls: Type.Optional(
      object(
        {
          certFile: text('PEM file of the certificate.'),
          keyFile: text('PEM file of the key.'),
          clientCAFile: Type.Optional(text('PEM file of the CA of client certificates; set: they are required.')),
        },
        { description: 'The admin API speaks HTTPS.' },
      ),
    ),
  }),
  metrics: section('/metrics, /livez and /readyz.', {
    host: text('Address.', { default: '0.0.0.0' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port; 0 = any free one.', default: 9464 }),
  }),
  state: section('Where releases and weights survive a restart (standalone).', {
    dir: text('Folder; relative to the configuration.', { default: './.streamgate' }),
  }),
})

const API_VERSION = 'streamgate.dev/v1alpha1'
export const ProxyDocument = object({
  apiVersion: Type.Literal(API_VERSION),
  kind: Type.Literal('Proxy'),
  metadata: ProxyMetadata,
  spec: ProxySpec,
})

// --- Gate

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

const Step = object({
  weight: percent("The candidate's weight.", { exclusiveMinimum: 0, minimum: undefined }),
  minDuration: duration('Least time at this weight; 0s = none.', '60s'),
  minRequests: integer('Least candidate requests at this weight; 0 = none.', 0),
  pause: flag('Wait here for a person.', false),
})

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
const Check = object({
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

export const HOOK_PHASES = [
  'BeforeRelease',
  'BeforeStep',
  'AfterStep',
  'BeforePromotion',
  'AfterRelease',
  'OnRollback',
  'OnEvent',
] as const
const Hook = object({
  phase: oneOf('When.', [...HOOK_PHASES]),
  ...External,
  timeout: positive('Answer by then.', '10s'),
  retries: integer('Extra tries; 0 = none.', 2, { maximum: 10 }),
  secretFile: Type.Optional(text('File of the key that signs the body (HMAC-SHA256).')),
  format: oneOf('Shape of the body.', ['Json', 'Slack'], 'Json'),
})

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

export const GateDocument = object({
  apiVersion: Type.Literal(API_VERSION),
  kind: Type.Literal('Gate'),
  metadata: GateMetadata,
  spec: GateSpec,
})

/** Decoded documents, all defaults filled in. */
export type ProxyConfig = StaticDecode<typeof ProxyDocument>
export type GateConfig = StaticDecode<typeof GateDocument>
export type ListenerConfig = StaticDecode<typeof Listener>
export type ReleaseConfig = StaticDecode<typeof ReleaseSpec>
export type AnalysisConfig = StaticDecode<typeof AnalysisSpec>
export type StepConfig = StaticDecode<typeof Step>
export type HookConfig = StaticDecode<typeof Hook>
export type CheckConfig = StaticDecode<typeof Check>
