import t from 'tap'
import { advanceEpoch, type Block, createBlock, type WeightTable } from '../../../src/metrics/index.ts'
import { signer } from '../../../src/proxy/signature.ts'
import { type Assigner, type AssignerOptions, createAssigner } from '../../../src/proxy/split/assign.ts'
import { positionOf } from '../../../src/proxy/split/bucket.ts'
import { stickyCookie } from '../../../src/proxy/split/sticky.ts'
import { seededRandom } from '../../../src/random.ts'

const variant = (name: string, whenEmpty: 'Fail' | 'Spill' = 'Fail') => ({ name, whenEmpty, endpoints: [] })
const STABLE = 0
const CANARY = 1

interface Bench {
  block: Block
  assigner: Assigner
  /** Indexes of variants without an endpoint. */
  empty: Set<number>
  set(table: Partial<WeightTable>): number
}

function bench(gate: Partial<AssignerOptions['gate']> = {}, more: Partial<AssignerOptions> = {}): Bench {
  const variants = gate.variants ?? [variant('stable'), variant('canary')]
  const block = createBlock({ workers: 1, variants: variants.length, endpoints: 0 })
  const empty = new Set<number>()
  const assigner = createAssigner({
    gate: { overrides: [], ...gate, variants },
    block,
    usable: (v) => !empty.has(v),
    random: seededRandom(1),
    ...more,
  })
  return {
    block,
    assigner,
    empty,
    set: (table) =>
      advanceEpoch(block, {
        weightsBps: [9000, 1000],
        observed: true,
        candidate: CANARY,
        serving: STABLE,
        salt: 5,
        ...table,
      }),
  }
}

/** How many of `n` requests each variant gets, and the reasons. */
function count(b: Bench, epoch: number, n: number, shut = false, raw: string[] = []) {
  const variants: Record<number, number> = {}
  const reasons: Record<string, number> = {}
  for (let i = 0; i < n; i++) {
    const { variant, reason } = b.assigner.assign(epoch, shut, raw, '')
    variants[variant] = (variants[variant] ?? 0) + 1
    reasons[reason] = (reasons[reason] ?? 0) + 1
  }
  return { variants, reasons }
}

t.test('by weight, exactly, and a new table at the next request', async (t) => {
  const b = bench()
  const first = b.set({})
  t.same(count(b, first, 1000), { variants: { 0: 900, 1: 100 }, reasons: { weight: 1000 } })
  const second = b.set({ weightsBps: [10_000, 0] })
  t.same(count(b, second, 1000).variants, { 0: 1000 })
  t.same(count(b, first, 100).variants, { 0: 90, 1: 10 }, 'a request that began in the epoch before keeps its table')
  t.match(b.assigner.assign(second, false, [], ''), { bucket: -1, setBucket: false, split: true, observable: true })
})

t.test('the same object each time', async (t) => {
  const b = bench()
  const epoch = b.set({})
  t.equal(b.assigner.assign(epoch, false, [], ''), b.assigner.assign(epoch, false, [], ''))
})

t.test("the splitter of an assigner before keeps the share exact over snapshots' changes", async (t) => {
  const calls: number[] = []
  const splitter = { next: (_: ArrayLike<number>, __: number, first?: number) => calls.push(first ?? -1) % 2 }
  const b = bench({}, { splitter })
  const epoch = b.set({ candidate: 0, serving: 1 })
  b.assigner.assign(epoch, false, [], '')
  b.assigner.assign(b.set({ candidate: -1 }), false, [], '')
  t.same(calls, [0, 1], 'the candidate is sampled first, without one the last variant')
})

t.test('overrides', async (t) => {
  const b = bench({
    overrides: [
      { kind: 'header', name: 'x-variant', value: 'canary', variant: CANARY },
      { kind: 'cookie', name: 'variant', value: 'stable', variant: STABLE },
    ],
    sticky: { by: 'Cookie', name: 'sg_bucket', ttlS: 0 },
  })
  const epoch = b.set({ weightsBps: [0, 10_000] })
  const ask = (...raw: string[]) => ({ ...b.assigner.assign(epoch, true, raw, '') })
  const override = { reason: 'override', bucket: -1, setBucket: false, split: false, observable: false }
  t.same(ask('X-Variant', 'canary'), { variant: CANARY, ...override }, 'even of a candidate that is shut')
  t.same(ask('Cookie', 'a=b; variant=stable'), { variant: STABLE, ...override }, 'even of weight 0')
  t.equal(ask('X-Variant', 'canary', 'Cookie', 'variant=stable').variant, CANARY, 'the first one wins')
  t.equal(ask('X-Variant', 'stable', 'X-Variant', 'canary').variant, CANARY)
  t.not(ask('X-Variant', 'Canary').reason, 'override', 'values match exactly')
  b.empty.add(CANARY)
  t.same(ask('X-Variant', 'canary').variant, CANARY, 'an empty variant is not hidden from who asks for it')
  t.match(ask('Accept', '*/*'), { split: true, observable: false, setBucket: true }, 'fell back')
  b.empty.clear()
  ask('X-Variant', 'canary')
  const next = b.assigner.assign(epoch, false, [], '')
  t.match(next, { reason: 'weight', split: true, observable: true, setBucket: true }, 'nothing is left of an override')
})

t.test('a shut candidate gets nothing, by weight or by bucket', async (t) => {
  const b = bench({ sticky: { by: 'Header', name: 'X-User', ttlS: 0 } })
  const epoch = b.set({ weightsBps: [5000, 5000] })
  t.same(count(b, epoch, 1000, true), { variants: { 0: 1000 }, reasons: { weight: 500, fallback: 500 } })
  for (let i = 0; i < 200; i++) t.equal(b.assigner.assign(epoch, true, ['x-user', `u${i}`], '').variant, STABLE)
  t.same(count(b, epoch, 1000, false).variants, { 0: 500, 1: 500 }, 'open again')
})

t.test('in a release the share of an empty candidate goes to serving, whatever whenEmpty says', async (t) => {
  const b = bench()
  const epoch = b.set({ weightsBps: [5000, 5000] })
  b.empty.add(CANARY)
  t.same(count(b, epoch, 100), { variants: { 0: 100 }, reasons: { weight: 50, fallback: 50 } })
  const idle = b.set({ weightsBps: [5000, 5000], observed: false })
  t.same(count(b, idle, 100).variants, { 0: 50, 1: 50 }, 'outside one whenEmpty: Fail is 503 for its share')
})

t.test('Fail keeps its share, Spill gives it to the others by weight', async (t) => {
  const b = bench({ variants: [variant('a', 'Spill'), variant('b'), variant('c'), variant('d')] })
  const epoch = b.set({ weightsBps: [6000, 3000, 1000, 0], observed: false, candidate: -1, serving: -1 })
  b.empty.add(0)
  const { variants, reasons } = count(b, epoch, 10_000)
  t.equal(reasons.fallback, 6000)
  t.equal(variants[0], undefined)
  t.equal(variants[3], undefined, 'never to a variant of weight 0')
  // 6,000 by chance at 3:1: sd 34.
  t.ok(Math.abs(variants[1]! - 7500) < 170, `${variants[1]}`)
  b.empty.add(1)
  t.equal(count(b, epoch, 10_000).variants[1], 3000, 'Fail')
  b.empty.add(2)
  t.equal(count(b, epoch, 10_000).variants[0], 6000, 'nobody to spill to')
})

t.test('serving never spills to a candidate that is shut', async (t) => {
  const b = bench({ variants: [variant('stable', 'Spill'), variant('canary')] })
  const epoch = b.set({ weightsBps: [5000, 5000] })
  b.empty.add(STABLE)
  t.same(count(b, epoch, 100, true).variants, { 0: 100 })
  t.same(count(b, epoch, 100, false).variants, { 1: 100 })
})

t.test('sticky by cookie: a new user is split exactly and gets a bucket of that variant', async (t) => {
  const b = bench({ sticky: { by: 'Cookie', name: 'sg_bucket', ttlS: 0 } })
  const epoch = b.set({ weightsBps: [8000, 2000] })
  const seen = new Set<number>()
  let canary = 0
  for (let i = 0; i < 1000; i++) {
    const { variant, reason, bucket, setBucket } = b.assigner.assign(epoch, false, [], '')
    t.equal(reason, 'weight')
    t.ok(setBucket)
    if (variant === CANARY) canary++
    seen.add(bucket)
    const again = b.assigner.assign(epoch, false, ['Cookie', `sg_bucket=${bucket}`], '')
    if (again.variant !== variant || again.setBucket || again.reason !== 'sticky') t.fail(`bucket ${bucket}`)
  }
  t.equal(canary, 200)
  t.ok(seen.size > 900, 'users are spread over the buckets')
})

t.test('sticky users through a release: only from serving to the candidate, and all back at 0', async (t) => {
  const b = bench({ sticky: { by: 'Cookie', name: 'sg_bucket', ttlS: 0 } })
  const users = Array.from({ length: 500 }, (_, i) => ['Cookie', `sg_bucket=${i * 20}`])
  let before = users.map(() => STABLE)
  for (const weight of [500, 1000, 2500, 5000, 10_000]) {
    const epoch = b.set({ weightsBps: [10_000 - weight, weight] })
    const now = users.map((raw) => b.assigner.assign(epoch, false, raw, '').variant)
    t.ok(before.every((v, i) => v === STABLE || now[i] === CANARY))
    before = now
  }
  t.ok(before.every((v) => v === CANARY))
  const epoch = b.set({ weightsBps: [10_000, 0] })
  t.ok(users.every((raw) => b.assigner.assign(epoch, false, raw, '').variant === STABLE))
})

t.test('sticky by header and by address; without either by weight', async (t) => {
  const byHeader = bench({ sticky: { by: 'Header', name: 'X-User', ttlS: 0 } })
  const epoch = byHeader.set({})
  const first = { ...byHeader.assigner.assign(epoch, false, ['x-user', 'ann'], '') }
  t.match(first, { reason: 'sticky', setBucket: false })
  t.equal(first.variant, positionOf(first.bucket, 5) < 1000 ? CANARY : STABLE)
  t.same(byHeader.assigner.assign(epoch, false, ['X-USER', 'ann'], ''), first)
  t.match(byHeader.assigner.assign(epoch, false, ['x-user', ''], ''), {
    reason: 'weight',
    bucket: -1,
    setBucket: false,
  })
  const byAddress = bench({ sticky: { by: 'ClientIP', name: '', ttlS: 0 } })
  const other = byAddress.set({})
  t.match(byAddress.assigner.assign(other, false, [], '10.0.0.1'), { reason: 'sticky', setBucket: false })
  t.match(byAddress.assigner.assign(other, false, [], ''), { reason: 'weight', setBucket: false })
})

t.test('a secret needs a signer, and then only signed cookies count', async (t) => {
  const sticky = { by: 'Cookie', name: 'sg_bucket', ttlS: 0, secret: 'k' } as const
  t.throws(() => bench({ sticky }), TypeError)
  const sign = signer('k')
  const b = bench({ sticky }, { sign })
  const epoch = b.set({})
  t.match(b.assigner.assign(epoch, false, ['Cookie', 'sg_bucket=5'], ''), { reason: 'weight', setBucket: true })
  const cookie = stickyCookie(sticky, 5, false, sign).split(';')[0]!
  t.match(b.assigner.assign(epoch, false, ['Cookie', cookie], ''), { reason: 'sticky', bucket: 5, setBucket: false })
})
