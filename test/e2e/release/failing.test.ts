import t from 'tap'
import type { BackendOptions } from '../../support/backend.ts'
import { failing } from '../support/behaviour.ts'
import { heldAt, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

/** Every other, twentieth, fiftieth request; `most` is several times the 95 % column of analysis.md, for a busy machine. */
const VERSIONS: { fails: string; weight: number; canary: BackendOptions; most: number }[] = [
  { fails: '50 %', weight: 5, canary: failing(2), most: 40 },
  { fails: '5 %', weight: 50, canary: failing(20), most: 60 },
  { fails: '2 %', weight: 50, canary: failing(50), most: 80 },
]
for (const { fails, weight, canary, most } of VERSIONS) {
  t.test(`a version that fails ${fails} is rolled back and no user sees a failure`, { buffered: true }, async (t) => {
    const s = await scenario(t, {
      canary: [canary],
      release: { steps: heldAt(weight) },
    })
    await s.done('start', { revision: 'bad' })
    const { release, serving } = await s.over()
    t.match(release, { phase: 'RolledBack', verdict: 'Degraded', reason: 'ErrorRate', harmedRequests: 0 })
    t.equal(serving, 'stable')
    await s.quiet(t, 'canary')
    s.unharmed(t, 'serving answered all that failed on it')
    const { rescuedRequests } = await s.record()
    t.ok(rescuedRequests > 1 && rescuedRequests < most, `${rescuedRequests} requests failed on it`)
  })
}

t.test('without rescue users see the failures of the candidate alone, and few', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    canary: [failing(2)],
    release: { steps: heldAt(25) },
    rescue: { enabled: false },
  })
  await s.done('start')
  t.match((await s.over()).release, { phase: 'RolledBack', reason: 'ErrorRate', rescuedRequests: 0 })
  const decidedMs = s.load.nowMs
  await s.quiet(t, 'canary')
  t.ok(s.load.failed.length > 1 && s.load.failed.length < 60, `${s.load.failed.length} failures`)
  t.ok(
    s.load.failed.every(({ variant, startedMs }) => variant === 'canary' && startedMs < decidedMs),
    'none after the decision',
  )
  t.equal((await s.record()).harmedRequests, s.load.failed.length, 'the record says how many')
})

t.test('a fault that begins at 50 % is found there', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    release: {
      steps: [{ weight: 25, minDuration: '1s' }, ...heldAt(50)],
    },
  })
  await s.done('start')
  await s.until(({ release }) => release?.step === 2)
  await s.load.more(100)
  s.canary[0]!.failureRate = 0.3
  const { release } = await s.over()
  t.match(release, { phase: 'RolledBack', reason: 'ErrorRate', step: 2, harmedRequests: 0 })
  t.ok(release!.rescuedRequests < 80, `${release!.rescuedRequests} requests failed on it`)
  await s.quiet(t, 'canary')
  s.unharmed(t)
})

t.test('blue-green: 4 % where serving failed 0.1 % is found after the switch', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    stable: [failing(1000)],
    canary: [failing(25)],
    release: { strategy: 'BlueGreen', steps: [{ weight: 100, minDuration: '1s' }], bake: '300s' },
    warm: 1500,
    load: { perSecond: 200 },
  })
  await s.done('start')
  const { release } = await s.over()
  t.match(release, { phase: 'RolledBack', reason: 'ErrorRate' })
  const { decisions } = await s.record()
  t.ok(
    decisions.some(({ weights }) => weights.canary === 100),
    'it had all the traffic',
  )
  t.match(decisions.at(-1)!.message, /compared with stable's last 10 minutes of traffic/)
  t.ok(release!.rescuedRequests < 100, `${release!.rescuedRequests} requests failed on it`)
  await s.quiet(t, 'canary')
  // Serving may fail what it answers in the candidate's place, as it fails one request of 1,000.
  t.ok(s.load.failed.length <= 3, `${s.load.failed.length} users saw a failure`)
})

t.test('retries: attempts are judged, not what clients see in the end', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    canary: [failing(2)],
    release: { steps: heldAt(25) },
    rescue: { enabled: false },
    upstream: { retries: { attempts: 3, on: ['connect', 'reused-reset', '5xx'], budget: 100 } },
  })
  await s.done('start')
  t.match((await s.over()).release, { phase: 'RolledBack', reason: 'ErrorRate' })
  const failed = Number(/canary failed (\d+) of/.exec((await s.record()).message)?.[1])
  await s.quiet(t, 'canary')
  t.ok(failed > 1, `${failed} requests failed in their first attempt`)
  t.ok(s.load.failed.length * 2 < failed, `${s.load.failed.length} of them for clients`)
})

t.test('harmBudget without rescue: rolled back when users saw so many failures', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    canary: [failing(1)],
    release: { steps: heldAt(50) },
    analysis: { harmBudget: 2 },
    rescue: { enabled: false },
  })
  await s.done('start')
  t.match((await s.over()).release, { phase: 'RolledBack', reason: 'HarmBudget' })
  await s.quiet(t, 'canary')
  const ends = s.load.failed.map(({ startedMs, tookMs }) => startedMs + tookMs).sort((a, b) => a - b)
  t.ok(ends.length >= 2, `${ends.length} users saw a failure`)
  const beyond = s.load.failed.filter(({ startedMs }) => startedMs > ends[1]!)
  t.same(beyond, [], 'beyond the budget only what was running when it was used up')
})
