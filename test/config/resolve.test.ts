import t from 'tap'
import { resolveGate } from '../../src/config/resolve.ts'
import type { GateConfig } from '../../src/config/schema.ts'
import { validateDocument } from '../../src/config/validate.ts'

function gate(spec: object): GateConfig {
  const { decoded, findings } = validateDocument({
    apiVersion: 'streamgate.dev/v1alpha1',
    kind: 'Gate',
    metadata: { name: 'shop' },
    spec,
  })
  if (decoded?.kind !== 'Gate') throw new Error(JSON.stringify(findings))
  return decoded.document
}

const urls = ['http://h:1']
const two = [
  { name: 'blue', urls },
  { name: 'green', urls },
]
const deployed = two.map((variant) => ({ ...variant, workload: { name: variant.name } }))
const release = { serving: 'green', candidate: 'blue' }

t.test('without a release the first variant has all traffic', async (t) => {
  t.strictSame(resolveGate(gate({ variants: two })), {
    key: 'default/shop',
    serving: 0,
    weightsBps: [10_000, 0],
    steps: [],
  })
})

t.test('with a release its serving variant has all traffic', async (t) => {
  const resolved = resolveGate(gate({ variants: two, release }))
  t.match(resolved, { serving: 1, candidate: 0, weightsBps: [0, 10_000], promotion: 'Swap' })
  t.strictSame(
    resolved.steps,
    [500, 1000, 2500, 5000, 10_000].map((weightBps) => ({
      weightBps,
      minDurationMs: 60_000,
      minRequests: 0,
      pause: false,
    })),
  )
})

t.test('given weights and steps are taken in basis points', async (t) => {
  const variants = two.map((variant, index) => ({ ...variant, weight: [99.71, 0.29][index] }))
  const steps = [
    { weight: 0.07, pause: true },
    { weight: 100, minDuration: '5m', minRequests: 10 },
  ]
  const resolved = resolveGate(gate({ variants, release: { ...release, steps } }))
  t.strictSame(resolved.weightsBps, [9971, 29])
  t.strictSame(resolved.steps, [
    { weightBps: 7, minDurationMs: 60_000, minRequests: 0, pause: true },
    { weightBps: 10_000, minDurationMs: 300_000, minRequests: 10, pause: false },
  ])
})

t.test('a variant without a weight beside one of 100 has none', async (t) => {
  const variants = [two[0], { ...two[1], weight: 100 }]
  t.strictSame(resolveGate(gate({ variants })).weightsBps, [0, 10_000])
})

t.test('blue-green moves all at once', async (t) => {
  const resolved = resolveGate(gate({ variants: deployed, release: { ...release, strategy: 'BlueGreen' } }))
  t.strictSame(
    resolved.steps.map(({ weightBps }) => weightBps),
    [10_000],
  )
  t.equal(resolved.promotion, 'Swap')
})

t.test('without workloads promotion is always a swap, whatever the document says', async (t) => {
  const variants = [
    { name: 'a', urls: ['http://a:1'] },
    { name: 'b', urls: ['http://b:1'] },
  ]
  t.equal(
    resolveGate(gate({ variants, release: { serving: 'a', candidate: 'b', promotion: 'Copy' } })).promotion,
    'Swap',
  )
})

t.test('a canary with workloads is promoted by copy, unless told otherwise', async (t) => {
  t.equal(resolveGate(gate({ variants: deployed, release })).promotion, 'Copy')
  t.equal(resolveGate(gate({ variants: deployed, release: { ...release, promotion: 'Swap' } })).promotion, 'Swap')
  const half = [two[0], deployed[1]]
  t.equal(resolveGate(gate({ variants: half, release })).promotion, 'Swap')
})

t.test('name of the sticky cookie', async (t) => {
  t.equal(resolveGate(gate({ variants: two, sticky: {} })).stickyName, 'sg_bucket')
  t.equal(resolveGate(gate({ variants: two, sticky: { name: 'mine' } })).stickyName, 'mine')
  t.equal(resolveGate(gate({ variants: two, sticky: { by: 'ClientIP' } })).stickyName, undefined)
})
