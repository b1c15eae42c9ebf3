import fc from 'fast-check'
import t from 'tap'
import { createBlock, Endpoint, endpointAt } from '../../../src/metrics/index.ts'
import type { EndpointSpec, UpstreamSpec } from '../../../src/proxy/snapshot.ts'
import { Balancer } from '../../../src/proxy/upstream/balance.ts'
import { RetryBudget } from '../../../src/proxy/upstream/budget.ts'
import { isEjected, MAX_EJECTION_S, OutlierDetector } from '../../../src/proxy/upstream/ejection.ts'
import { seededRandom } from '../../../src/random.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { endpointOf, SPEC } from './upstream-fixture.ts'

function setup(count: number, spec: Partial<UpstreamSpec> = {}, seed = 1) {
  const block = createBlock({ workers: 1, variants: 1, endpoints: count })
  const endpoints: EndpointSpec[] = Array.from({ length: count }, (_, slot) =>
    endpointOf(`http://127.0.0.1:${9000 + slot}`, { slot }),
  )
  const inFlight = new Array<number>(count).fill(0)
  const clock = new ManualClock()
  const all = { ...SPEC, ...spec }
  const balancer = new Balancer({
    block,
    endpoints,
    spec: all,
    recorder: { endpointInFlight: (slot) => inFlight[slot]! },
    clock,
    random: seededRandom(seed),
  })
  const detector = new OutlierDetector(block, endpoints, all, clock)
  const word = (slot: number, name: 'unhealthy' | 'consecutive' | 'ejectedUntilS' | 'ejections') =>
    endpointAt(block.layout, slot) + Endpoint[name]
  return {
    block,
    endpoints,
    inFlight,
    clock,
    balancer,
    detector,
    word,
    setHealthy: (slot: number, healthy: boolean) => {
      block.words[word(slot, 'unhealthy')] = healthy ? 0 : 1
    },
    ejected: (slot: number) => isEjected(block, slot, clock.nowMs() / 1000),
    slotOf: (picked: ReturnType<Balancer['pick']>) => (typeof picked === 'string' ? picked : picked.slot),
    /** Fails until it is ejected. */
    eject: (slot: number) => {
      for (let i = 0; i < 100; i++) if (detector.failure(slot)) return true
      return false
    },
  }
}

t.test('no endpoints: empty', async (t) => {
  const { balancer } = setup(0)
  t.equal(balancer.pick(), 'empty')
  t.equal(balancer.empty, true)
})

t.test('equal endpoints get equal shares', async (t) => {
  for (const loadBalancing of ['LeastRequest', 'RoundRobin'] as const) {
    const { balancer, slotOf } = setup(5, { loadBalancing })
    const counts = new Array<number>(5).fill(0)
    for (let i = 0; i < 10_000; i++) counts[slotOf(balancer.pick()) as number]!++
    // Standard deviation of a share: 40 picks.
    for (const count of counts) t.ok(Math.abs(count - 2000) < 160, `${loadBalancing} ${count}`)
  }
})

t.test('with in-flight counts kept, two choices keep the load flat', async (t) => {
  const { balancer, inFlight, slotOf } = setup(10)
  for (let i = 0; i < 1000; i++) inFlight[slotOf(balancer.pick()) as number]!++
  t.ok(Math.max(...inFlight) - Math.min(...inFlight) <= 6, inFlight.join())
})

t.test('the less busy of two is chosen, always', async (t) => {
  const { balancer, inFlight, slotOf } = setup(2)
  inFlight[0] = 3
  for (let i = 0; i < 100; i++) if (slotOf(balancer.pick()) !== 1) t.fail('the busier one')
  t.pass()
})

t.test('unhealthy endpoints get nothing; all unhealthy is empty', async (t) => {
  for (const loadBalancing of ['LeastRequest', 'RoundRobin'] as const) {
    const { balancer, setHealthy, slotOf } = setup(4, { loadBalancing })
    setHealthy(1, false)
    setHealthy(2, false)
    const seen = new Set(Array.from({ length: 400 }, () => slotOf(balancer.pick())))
    t.same([...seen].sort(), [0, 3])
    t.equal(balancer.empty, false)
    setHealthy(0, false)
    setHealthy(3, false)
    t.equal(balancer.pick(), 'empty')
    t.equal(balancer.empty, true)
  }
})

t.test('shares stay equal beside a dead neighbour', async (t) => {
  const { balancer, setHealthy, slotOf } = setup(4)
  setHealthy(1, false)
  const counts = new Array<number>(4).fill(0)
  for (let i = 0; i < 9000; i++) counts[slotOf(balancer.pick()) as number]!++
  t.equal(counts[1], 0)
  for (const slot of [0, 2, 3]) t.ok(Math.abs(counts[slot]! - 3000) < 200, counts.join())
})

t.test('maxRequests: full endpoints are passed over, all full is overflow', async (t) => {
  const { balancer, inFlight, setHealthy, slotOf } = setup(3, { maxRequests: 2 })
  inFlight[0] = 2
  inFlight[1] = 2
  inFlight[2] = 1
  for (let i = 0; i < 50; i++) t.equal(slotOf(balancer.pick()), 2)
  inFlight[2] = 2
  t.equal(balancer.pick(), 'overflow')
  setHealthy(0, false)
  t.equal(balancer.pick(), 'overflow')
})

t.test('exclude is a wish', async (t) => {
  const { balancer, endpoints, setHealthy, slotOf } = setup(2)
  for (let i = 0; i < 50; i++) if (slotOf(balancer.pick(endpoints[0])) !== 1) t.fail('the excluded one')
  setHealthy(1, false)
  t.equal(slotOf(balancer.pick(endpoints[0])), 0, 'the only one left')
  t.equal(slotOf(setup(1).balancer.pick(endpoints[0])), 0)
})

t.test('ejected endpoints are passed over; all ejected: ejection is ignored', async (t) => {
  const { block, balancer, endpoints, clock, word, slotOf } = setup(2)
  const until = Math.ceil(clock.nowMs() / 1000) + 30
  block.words[word(0, 'ejectedUntilS')] = until
  for (let i = 0; i < 50; i++) if (slotOf(balancer.pick()) !== 1) t.fail('the ejected one')
  t.equal(slotOf(balancer.pick(endpoints[1])), 1, 'a retry rather goes back than to an ejected one')
  block.words[word(1, 'ejectedUntilS')] = until
  t.same([...new Set(Array.from({ length: 100 }, () => slotOf(balancer.pick())))].sort(), [0, 1])
  clock.advance(31_000)
  block.words[word(1, 'ejectedUntilS')] = until + 60
  t.equal(slotOf(balancer.pick()), 0, 'back when its time is over')
})

t.test('property: whatever the state, pick obeys health and maxRequests', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ healthy: fc.boolean(), ejected: fc.boolean(), inFlight: fc.nat(4) }), { maxLength: 6 }),
      fc.constantFrom('LeastRequest' as const, 'RoundRobin' as const),
      fc.nat(4),
      fc.nat(5),
      (states, loadBalancing, maxRequests, excluded) => {
        const { balancer, block, clock, endpoints, inFlight, setHealthy, word } = setup(states.length, {
          loadBalancing,
          maxRequests,
        })
        states.forEach((state, slot) => {
          setHealthy(slot, state.healthy)
          inFlight[slot] = state.inFlight
          if (state.ejected) block.words[word(slot, 'ejectedUntilS')] = clock.nowMs() / 1000 + 5
        })
        const picked = balancer.pick(endpoints[excluded])
        const healthy = states.filter((s) => s.healthy)
        const roomy = healthy.filter((s) => maxRequests === 0 || s.inFlight < maxRequests)
        if (healthy.length === 0) return picked === 'empty'
        if (roomy.length === 0) return picked === 'overflow'
        if (typeof picked === 'string') return false
        const state = states[picked.slot]!
        return roomy.includes(state) && (!state.ejected || roomy.every((s) => s.ejected))
      },
    ),
    { seed: 4, numRuns: 2000 },
  )
  t.pass()
})

t.test('ejection', async (t) => {
  await t.test('after so many failures in a row, for longer each time', async (t) => {
    const { detector, ejected, clock } = setup(3)
    for (let i = 0; i < 4; i++) t.equal(detector.failure(0), false)
    detector.success(0)
    for (let i = 0; i < 4; i++) t.equal(detector.failure(0), false, 'a success starts the count anew')
    t.equal(detector.failure(0), true)
    t.equal(ejected(0), true)
    t.equal(detector.failure(0), false, 'late failures do not eject it again')
    clock.advance(29_000)
    t.equal(ejected(0), true)
    clock.advance(2_000)
    t.equal(ejected(0), false)
    t.equal(detector.failure(0), true, 'one chance')
    clock.advance(59_000)
    t.equal(ejected(0), true)
    clock.advance(2_000)
    t.equal(ejected(0), false)
  })

  await t.test('requests that were running when it was ejected do not eject it twice', async (t) => {
    const { detector, eject, ejected, clock } = setup(10)
    eject(0)
    for (let i = 0; i < 20; i++) t.equal(detector.failure(0), false)
    clock.advance(31_000)
    t.equal(ejected(0), false)
  })

  await t.test('never for longer than the cap', async (t) => {
    const { detector, ejected, clock, block, word } = setup(3)
    for (let i = 0; i < 4; i++) detector.failure(0)
    for (let i = 0; i < 20; i++) {
      t.equal(detector.failure(0), true)
      const untilS = block.words[word(0, 'ejectedUntilS')]!
      t.ok(untilS - clock.nowMs() / 1000 <= MAX_EJECTION_S + 1)
      clock.advance((MAX_EJECTION_S + 1) * 1000)
      t.equal(ejected(0), false)
    }
  })

  await t.test('a success after it came back clears its record; one that was under way does not', async (t) => {
    const { detector, ejected, clock, eject } = setup(3)
    eject(0)
    detector.success(0)
    t.equal(ejected(0), true, 'still out')
    clock.advance(31_000)
    detector.success(0)
    for (let i = 0; i < 4; i++) t.equal(detector.failure(0), false)
    t.equal(detector.failure(0), true)
    clock.advance(31_000)
    t.equal(ejected(0), false, 'the base time again')
  })

  await t.test('maxEjected', async (t) => {
    for (const [count, percent, allowed] of [
      [1, 100, 0],
      [2, 50, 1],
      [2, 0, 1],
      [2, 100, 1],
      [3, 10, 1],
      [10, 50, 5],
      [4, 100, 3],
    ] as const) {
      const { detector, eject } = setup(count, { maxEjectedPercent: percent })
      for (let slot = 0; slot < count; slot++) eject(slot)
      t.equal(detector.ejected(), allowed, `${percent} % of ${count}`)
    }
  })

  await t.test('0 is off', async (t) => {
    const { eject } = setup(3, { consecutive5xx: 0 })
    t.equal(eject(0), false)
  })

  await t.test('workers share their counts', async (t) => {
    const { block, endpoints, clock, ejected } = setup(3)
    const workers = Array.from({ length: 5 }, () => new OutlierDetector(block, endpoints, SPEC, clock))
    const answers = workers.map((worker) => worker.failure(2))
    t.same(answers, [false, false, false, false, true])
    t.equal(ejected(2), true)
  })
})

t.test('retry budget', async (t) => {
  const budget = new RetryBudget(20)
  t.same(
    [1, 2, 3, 4].map(() => budget.take(1)),
    [true, true, true, false],
    'three always may',
  )
  t.equal(budget.take(20), true, '20 % of 20 is 4')
  t.equal(budget.take(20), false)
  t.equal(budget.take(1000), true)
  t.equal(budget.running, 5)
  for (let i = 0; i < 9; i++) budget.release()
  t.equal(budget.running, 0)
  t.same(new RetryBudget(0).take(1_000_000), true)
})
