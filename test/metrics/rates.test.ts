import t from 'tap'
import { BUCKET_COUNT, createBlock, createRecorder, GateMeter, GateStats, quantile } from '../../src/metrics/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

function setUp() {
  const clock = new ManualClock()
  const block = createBlock({ workers: 1, variants: 2, endpoints: 1 })
  const recorder = createRecorder(block, 0, clock)
  const meter = new GateMeter(block, ['stable', 'canary'])
  const stats = new GateStats(meter, clock.nowMs())
  const ask = (count: number, { variant = 0, code = 200, us = 2000 } = {}) => {
    for (let i = 0; i < count; i++) {
      recorder.begin(variant, true)
      recorder.end(variant, code, us, code >= 500)
    }
  }
  const second = (ms = 1000) => {
    clock.advance(ms)
    stats.tick(clock.nowMs())
  }
  return { clock, block, recorder, meter, stats, ask, second }
}

t.test('figures are of the last ten complete seconds', async (t) => {
  const { stats, ask, second } = setUp()
  t.equal(stats.stats('stable').requestsPerSecond, 0)
  t.equal(stats.stats('stable').share, null)
  for (let s = 0; s < 10; s++) {
    ask(90)
    ask(10, { variant: 1, code: s < 5 ? 500 : 200, us: 40_000 })
    second()
  }
  t.equal(stats.stats('stable').requestsPerSecond, 90)
  t.equal(stats.stats('canary').requestsPerSecond, 10)
  t.equal(stats.stats('canary').share, 10)
  t.equal(stats.stats('canary').errorRate, 50)
  t.same(stats.stats('canary').latencyMs, { p50: 40, p95: 40, p99: 40 })
  ask(1000)
  t.equal(stats.stats('stable').requestsPerSecond, 90, 'the second that runs is not in it')
  for (let s = 0; s < 5; s++) second()
  t.equal(stats.stats('canary').errorRate, 0, 'the failures have left the window')
  t.equal(stats.stats('canary').ended, 50)
  for (let s = 0; s < 6; s++) second()
  t.equal(stats.stats('stable').requestsPerSecond, 0)
  t.same(stats.stats('stable').latencyMs, { p50: null, p95: null, p99: null })
})

t.test('a young gate is measured over the seconds that it has lived', async (t) => {
  const { stats, ask, second } = setUp()
  ask(30)
  second()
  t.equal(stats.stats('stable').requestsPerSecond, 30)
})

t.test('a late tick does not change the rate', async (t) => {
  const { stats, ask, second } = setUp()
  for (let s = 0; s < 10; s++) {
    ask(50)
    second()
  }
  ask(150)
  second(3000)
  t.equal(stats.stats('stable').requestsPerSecond, 50)
  ask(35)
  second(700)
  t.equal(stats.tick(0), false, 'a second that is closed stays closed')
  ask(15)
  second(300)
  t.equal(stats.stats('stable').requestsPerSecond, 50)
})

t.test('downtime is seconds that were asked and got no successful answer', async (t) => {
  const { stats, recorder, ask, second } = setUp()
  second()
  t.equal(stats.downtimeS, 0, 'nobody asked')
  ask(5, { code: 502 })
  second()
  t.equal(stats.downtimeS, 1)
  ask(5, { code: 502 })
  ask(1)
  second()
  t.equal(stats.downtimeS, 1, 'one success is enough')
  recorder.begin(0, true)
  second()
  recorder.end(0, 200, 500_000, false)
  second()
  t.equal(stats.downtimeS, 1, "one answer across a second's edge is no downtime")
  for (let s = 0; s < 3; s++) {
    recorder.begin(0, true)
    second()
  }
  second()
  t.equal(stats.downtimeS, 4, 'a variant that accepts and never answers')
  ask(5, { code: 502 })
  second(3000)
  t.equal(stats.downtimeS, 7, 'a late tick closes all seconds that have passed')
})

t.test('a quantile is the upper edge of its bucket', async (t) => {
  const counts = new Float64Array(BUCKET_COUNT)
  t.equal(quantile(counts, 0.5), undefined)
  counts[3] = 99
  counts[20] = 1
  t.equal(quantile(counts, 0.99), 140)
  t.equal(quantile(counts, 0.999), 1000)
  t.equal(quantile(counts, 1), 1000)
  const open = new Float64Array(BUCKET_COUNT)
  open[BUCKET_COUNT - 1] = 1
  t.equal(quantile(open, 0.5), 1e8)
})

t.test('a gate keeps its totals when its block is replaced, and counts what still runs on the old one', async (t) => {
  const { meter, recorder, ask } = setUp()
  ask(3)
  recorder.begin(0, true)
  const next = createBlock({ workers: 1, variants: 2, endpoints: 9 })
  meter.adopt(next, ['stable', 'blue'])
  const successor = createRecorder(next, 0, new ManualClock())
  successor.begin(1, true)
  successor.begin(0, true)
  meter.read()
  t.equal(meter.variant('stable')?.offered, 5)
  t.equal(meter.variant('stable')?.inFlight, 2)
  t.equal(meter.variant('blue')?.offered, 1)
  t.equal(meter.variant('canary'), undefined)
  recorder.end(0, 200, 10, false)
  meter.read()
  t.equal(meter.variant('stable')?.ended, 4)
  t.equal(meter.block, next)
})
