import t from 'tap'
import { ServingHistory } from '../../src/app/serving-history.ts'
import { bucketOf, EDGES_US, emptyVariantTotals } from '../../src/metrics/index.ts'

t.test('only seconds with requests count, at most ten minutes of them', async (t) => {
  const totals = emptyVariantTotals()
  const history = new ServingHistory()
  history.tick(totals)
  t.same(history.read(0), { requests: 0, bad: 0, timed: 0, slow: 0 })
  const second = (requests: number, bad: number, us: number) => {
    totals.ended += requests
    totals.failed += bad
    totals.latencies.counts[bucketOf(us)]! += requests
    history.tick(totals)
  }
  for (let i = 0; i < 60; i++) second(10, 1, 1000)
  for (let i = 0; i < 5000; i++) history.tick(totals)
  t.same(history.read(0), { requests: 600, bad: 60, timed: 600, slow: 0 }, 'an hour of silence changes nothing')
  for (let i = 0; i < 600; i++) second(1, 0, 50_000)
  t.same(history.read(0), { requests: 600, bad: 0, timed: 600, slow: 0 }, 'the first minute has left')
  const edge = EDGES_US[bucketOf(2000)]!
  t.equal(history.read(edge).slow, 600)
  t.equal(history.read(EDGES_US[bucketOf(50_000)]!).slow, 0, 'a request in the bucket of the threshold is not slow')
})
