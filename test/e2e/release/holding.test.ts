import t from 'tap'
import { failing } from '../support/behaviour.ts'
import { heldAt, type Scenario, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

/** Waits until the release stands where it does for `reason`. */
const standsFor = (s: Scenario, reason: string) =>
  s.until(({ release }) => release!.reason === reason || !['Preparing', 'Progressing'].includes(release!.phase))

t.test('no traffic for longer than 30 s holds; with traffic it goes on', { buffered: true }, async (t) => {
  const s = await scenario(t)
  await s.done('start')
  await s.until(({ release }) => release?.step === 1)
  s.load.pause()
  const { release, variants } = await standsFor(s, 'NoTraffic')
  t.match(release, { phase: 'Progressing', step: 1, verdict: 'Undecided', reason: 'NoTraffic' })
  t.equal(variants[1]!.weight, 25, 'the weight stays')
  s.load.resume()
  t.match((await s.over()).release, { phase: 'Succeeded' })
  s.unharmed(t)
})

t.test('both variants fail together: held as SharedFailure, and on when it is over', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    analysis: { confidence: 0.9999 },
    release: {
      steps: [{ weight: 50, minDuration: '3s' }, { weight: 100 }].map((step) => ({ minDuration: '1s', ...step })),
    },
  })
  await s.done('start')
  await s.until(({ release }) => release?.step === 1)
  for (const backend of [s.stable[0]!, s.canary[0]!]) backend.failureRate = 0.3
  const { release } = await standsFor(s, 'SharedFailure')
  t.match(release, { phase: 'Progressing', step: 1, verdict: 'Undecided', reason: 'SharedFailure' })
  await s.load.more(300)
  t.match((await s.gate()).release, { phase: 'Progressing', step: 1 }, 'neither rolled back nor carried forward')
  for (const backend of [s.stable[0]!, s.canary[0]!]) backend.failureRate = 0
  t.match((await s.over()).release, { phase: 'Succeeded' })
})

t.test(
  'serving is broken, the candidate is not: StableBroken, and promote goes forward',
  { buffered: true },
  async (t) => {
    const s = await scenario(t, { release: { steps: heldAt(25) } })
    await s.done('start')
    await s.until(({ release }) => release?.step === 1)
    s.stable[0]!.failureRate = 0.5
    const { release } = await standsFor(s, 'StableBroken')
    t.match(release, { phase: 'Progressing', step: 1, reason: 'StableBroken' })
    await s.done('promote')
    t.match(await s.over(), { serving: 'canary', release: { phase: 'Succeeded' } })
    await s.until(({ variants }) => variants[0]!.inFlight === 0)
    const before = s.load.failed.length
    t.ok(before > 0, 'users saw that serving was broken')
    const nowMs = s.load.nowMs
    await s.load.more(200)
    t.same(
      s.load.failed.filter(({ startedMs }) => startedMs > nowMs),
      [],
      'and see no failure any more',
    )
  },
)

t.test('one bad endpoint of ten is taken out and the release goes on', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    canary: Array.from({ length: 10 }, (_, i) => (i === 3 ? failing(2) : {})),
    // The endpoint is to be found by the judge, not by a row of failures.
    upstream: { outlierEjection: { consecutive5xx: 0 } },
    release: {
      steps: [
        { weight: 50, minDuration: '3s', pause: true },
        { weight: 100, minDuration: '1s' },
      ],
    },
  })
  await s.done('start')
  await s.phase('Paused', 'RolledBack')
  const before = s.canary[3]!.requests
  await s.load.more(300)
  t.equal(s.canary[3]!.requests, before, 'it gets no request any more')
  await s.done('resume')
  t.match(await s.over(), { serving: 'canary', release: { phase: 'Succeeded', harmedRequests: 0 } })
  const { decisions } = await s.record()
  const ejected = decisions.filter(({ reason }) => reason === 'BadEndpoint')
  t.equal(ejected.length, 1)
  t.match(ejected[0]!.message, `127.0.0.1:${s.canary[3]!.port}`)
  s.unharmed(t, 'serving answered what failed on it')
})

t.test('clients that go away are neither success nor failure', { buffered: true }, async (t) => {
  // Every third client gives up at once on what both variants would answer late.
  const s = await scenario(t, {
    analysis: { confidence: 0.9999 },
    load: { path: (n) => (n % 3 === 0 ? '/delay/3000' : '/'), timeoutMs: 1000 },
  })
  await s.done('start')
  const { release, variants } = await s.over()
  t.match(release, { phase: 'Succeeded', harmedRequests: 0, rescuedRequests: 0 })
  t.same(
    variants.map(({ failures }) => failures),
    [0, 0],
  )
  t.ok(s.canary[0]!.aborted > 10, `${s.canary[0]!.aborted} clients of the candidate went away`)
})
