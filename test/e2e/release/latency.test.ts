import t from 'tap'
import { coldStart, silent } from '../support/behaviour.ts'
import { heldAt, type ScenarioOptions, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

/** Slow is slower than nine in ten of serving's answers: a machine that pauses now and then does not hide what is slow always. */
const SLOW: ScenarioOptions = { analysis: { latency: { quantile: 0.9 } }, warm: 700 }

t.test('a version that is slower by 800 ms is rolled back for Latency', { buffered: true }, async (t) => {
  const s = await scenario(t, { ...SLOW, release: { steps: heldAt(25) } })
  s.canary[0]!.delayMs = 800
  await s.done('start')
  const { release } = await s.over()
  t.match(release, { phase: 'RolledBack', verdict: 'Degraded', reason: 'Latency', harmedRequests: 0 })
  await s.quiet(t, 'canary')
  s.unharmed(t, 'slow is not failed')
})

t.test('a version that is slow in its first requests alone is not convicted', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    canary: [coldStart(15, 800)],
    analysis: { confidence: 0.9999, latency: { quantile: 0.9 } },
    warm: 700,
    // Weight 100 has no serving to be compared with at the same moment: this scenario ends before it.
    release: {
      steps: [{ weight: 25, minDuration: '3s' }, { weight: 50, minDuration: '3s', pause: true }, { weight: 100 }],
    },
  })
  await s.done('start')
  const { release } = await s.phase('Paused', 'RolledBack')
  t.match(release, { phase: 'Paused', reason: 'StepPause', verdict: 'Healthy' })
  const late = s.load.seen.filter(({ variant, tookMs }) => variant === 'canary' && tookMs >= 700)
  t.ok(late.length >= 15, `${late.length} of its answers were slow`)
  s.unharmed(t)
})

t.test('a version that never answers: clients give up after 3 s', { buffered: true }, async (t) => {
  const s = await scenario(t, { ...SLOW, canary: [silent], release: { steps: heldAt(25) }, load: { timeoutMs: 3000 } })
  await s.done('start')
  const { release } = await s.over()
  const decidedMs = s.load.nowMs
  t.match(release, { phase: 'RolledBack', verdict: 'Degraded' })
  t.match(release!.reason, /^(Latency|ErrorRate)$/)
  await s.quiet(t, 'canary')
  t.ok(
    s.load.failed.every(({ startedMs }) => startedMs < decidedMs),
    'no client waited in vain that asked after the decision',
  )
})

t.test('a version that never answers: clients wait, the proxy gives up after 2 s', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    ...SLOW,
    canary: [silent],
    release: { steps: heldAt(25) },
    upstream: { timeouts: { response: '2s' } },
  })
  await s.done('start')
  const { release } = await s.over()
  t.match(release, { phase: 'RolledBack', verdict: 'Degraded' })
  t.match(release!.reason, /^(Latency|ErrorRate)$/)
  await s.quiet(t, 'canary')
  s.unharmed(t, 'serving answered every one of them in the end')
})
