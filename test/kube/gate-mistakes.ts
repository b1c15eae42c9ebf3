/** Specs that no Gate may have, and what is wrong with them: for the validation of files, and for an API server with our CRD. */
export interface GateMistake {
  what: string
  spec: object
  /** Part of what the API server answers; undefined: its schema cannot say it, the Gate's condition does. */
  cluster?: RegExp
}

const stable = { name: 'stable', service: { name: 'web', port: 80 } }
const canary = { name: 'canary', service: { name: 'web-canary', port: 'http' } }
const two = [stable, canary]
const release = { serving: 'stable', candidate: 'canary' }
const steps = (...weights: number[]) => ({
  variants: two,
  release: { ...release, steps: weights.map((weight) => ({ weight })) },
})
const check = { name: 'c', webhook: { url: 'http://h/' } }
const prometheus = { url: 'http://p/', query: 'up' }

/** A spec that is fine, with most that there is. */
export const FINE: object = {
  hosts: ['shop.example.com', '*.shop.example.com'],
  paths: ['/', '/api'],
  variants: [
    { ...stable, weight: 99.75 },
    { ...canary, weight: 0.25, workload: { name: 'web' } },
  ],
  release: { ...release, steps: [{ weight: 0.5 }, { weight: 30.3, minDuration: '1.5m' }, { weight: 100 }] },
  analysis: {
    confidence: 0.95,
    checks: [check, { name: 'd', prometheus: { ...prometheus, min: 0.5, max: 1 } }],
    latency: { max: '0s' },
  },
  sticky: { by: 'Cookie', ttl: '1h', name: 'sg' },
  overrides: [{ header: { name: 'x-variant', value: 'canary' }, variant: 'canary' }],
  mirror: { percent: 10, maxBodyBytes: 1024 },
  rescue: { maxBodyBytes: '16Ki' },
  upstream: { healthCheck: {}, timeouts: { connect: '250ms' }, retries: { on: ['5xx'] } },
  hooks: [{ phase: 'BeforeStep', url: 'http://gate/check' }],
}

export const GATE_MISTAKES: readonly GateMistake[] = [
  { what: 'no variants', spec: { variants: [] }, cluster: /should have at least 1 items|at least 1/ },
  { what: 'neither urls nor service', spec: { variants: [{ name: 'a' }] }, cluster: /needs either urls or service/ },
  {
    what: 'urls and service',
    spec: { variants: [{ ...stable, urls: ['http://h:1'] }] },
    cluster: /needs either urls or service/,
  },
  { what: 'a variant twice', spec: { variants: [stable, stable] }, cluster: /[Dd]uplicate/ },
  { what: 'weights sum to 90', spec: { variants: [{ ...stable, weight: 90 }] }, cluster: /weights must sum to 100/ },
  {
    what: 'weights sum to 100.01',
    spec: {
      variants: [
        { ...stable, weight: 90.01 },
        { ...canary, weight: 10 },
      ],
    },
    cluster: /weights must sum to 100/,
  },
  {
    what: 'a weight of three decimals',
    spec: { variants: [{ ...stable, weight: 99.999 }] },
    cluster: /at most two decimals/,
  },
  { what: 'a release of one variant', spec: { variants: [stable], release }, cluster: /must be two or more variants/ },
  {
    what: 'serving is no variant',
    spec: { variants: two, release: { serving: 'x', candidate: 'canary' } },
    cluster: /release\.serving must be the name of a variant/,
  },
  {
    what: 'candidate is no variant',
    spec: { variants: two, release: { serving: 'stable', candidate: 'x' } },
    cluster: /release\.candidate must be the name of a variant/,
  },
  {
    what: 'serving is the candidate',
    spec: { variants: two, release: { serving: 'stable', candidate: 'stable' } },
    cluster: /must be another variant than serving/,
  },
  { what: 'steps that fall', spec: steps(20, 10, 100), cluster: /weights must rise from step to step/ },
  { what: 'steps that stand', spec: steps(20, 20, 100), cluster: /weights must rise from step to step/ },
  { what: 'a last step below 100', spec: steps(20, 50), cluster: /last step must have weight 100/ },
  { what: 'a step of 0', spec: steps(0, 100), cluster: /should be greater than 0|greater than 0/ },
  {
    what: 'two steps of blue-green',
    spec: { variants: two, release: { ...release, strategy: 'BlueGreen', steps: [{ weight: 10 }, { weight: 100 }] } },
    cluster: /one step of weight 100/,
  },
  {
    what: 'a mirror without a release',
    spec: { variants: two, mirror: { percent: 1 } },
    cluster: /names the candidate/,
  },
  { what: 'a header without a name', spec: { variants: two, sticky: { by: 'Header' } }, cluster: /name is required/ },
  {
    what: 'a name with ClientIP',
    spec: { variants: two, sticky: { by: 'ClientIP', name: 'x' } },
    cluster: /name is only for/,
  },
  {
    what: 'a ttl with a header',
    spec: { variants: two, sticky: { by: 'Header', name: 'x', ttl: '1h' } },
    cluster: /ttl is only for/,
  },
  {
    what: 'an override of nothing',
    spec: { variants: two, overrides: [{ variant: 'canary' }] },
    cluster: /needs either header or cookie/,
  },
  {
    what: 'an override to no variant',
    spec: { variants: two, overrides: [{ cookie: { name: 'a', value: 'b' }, variant: 'x' }] },
    cluster: /every override must name a variant/,
  },
  {
    what: 'a check of nothing',
    spec: { variants: two, analysis: { checks: [{ name: 'c' }] } },
    cluster: /needs either webhook or prometheus/,
  },
  { what: 'a check twice', spec: { variants: two, analysis: { checks: [check, check] } }, cluster: /[Dd]uplicate/ },
  {
    what: 'a query without limits',
    spec: { variants: two, analysis: { checks: [{ name: 'c', prometheus }] } },
    cluster: /needs min or max or both/,
  },
  {
    what: 'min above max',
    spec: { variants: two, analysis: { checks: [{ name: 'c', prometheus: { ...prometheus, min: 2, max: 1 } }] } },
    cluster: /min must be at most max/,
  },
  { what: 'a path without a slash', spec: { variants: two, paths: ['x'] }, cluster: /should match/ },
  { what: 'a host with a port', spec: { variants: two, hosts: ['a.example:80'] }, cluster: /should match/ },
  {
    what: 'a duration without a unit',
    spec: { variants: two, upstream: { timeouts: { response: '30' } } },
    cluster: /should match/,
  },
  {
    what: 'a connect time-out of 0',
    spec: { variants: two, upstream: { timeouts: { connect: '0s' } } },
    cluster: /should match/,
  },
  {
    what: 'a size in words',
    spec: { variants: two, mirror: { maxBodyBytes: '64 KB' } },
    cluster: /should match/,
  },
  {
    what: 'a negative size',
    spec: { variants: two, mirror: { maxBodyBytes: -1 } },
    cluster: /greater than or equal to 0/,
  },
  { what: 'a confidence of 1', spec: { variants: two, analysis: { confidence: 1 } }, cluster: /should be less than 1/ },
  {
    what: 'an unknown word',
    spec: { variants: two, release: { ...release, strategy: 'Rolling' } },
    cluster: /Unsupported value: "Rolling"/,
  },
  {
    what: 'a port out of range',
    spec: { variants: [{ name: 'a', service: { name: 's', port: 70_000 } }] },
    cluster: /65535/,
  },
  { what: 'a URL with a password', spec: { variants: [{ name: 'a', urls: ['http://u:p@h:1'] }] } },
  { what: 'a duration of a year', spec: { variants: two, release: { ...release, bake: '9000h' } } },
]
