import t from 'tap'
import { heldAt, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

t.test(
  'the candidate crashes in mid-step: weight 0 at once, and rolled back when it does not return',
  { buffered: true },
  async (t) => {
    const s = await scenario(t, {
      release: { steps: heldAt(5), readyTimeout: '3s' },
      upstream: { healthCheck: { interval: '50ms', timeout: '5s', unhealthy: 1, healthy: 1 } },
      // A handful of refused connections must not convict it before it is known to be gone.
      analysis: { confidence: 0.999999 },
    })
    await s.done('start')
    await s.until(({ release }) => release?.step === 1)
    await s.load.more(100)
    await s.canary[0]!.close()
    const { variants, release } = await s.until(({ variants }) => variants[1]!.weight === 0)
    t.match(variants[1], { weight: 0, endpoints: { ready: 0, total: 1 } })
    t.match(release, { phase: 'Progressing', step: 1, reason: 'NotReady' })
    const end = await s.over()
    t.match(end, { serving: 'stable', release: { phase: 'RolledBack', verdict: 'Degraded', reason: 'NotReady' } })
    await s.load.more(100)
    s.unharmed(t, 'no user saw an error, a 503 least of all')
  },
)

t.test('a candidate that comes back in time goes on from its step', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    release: { steps: heldAt(5), readyTimeout: '120s' },
    upstream: { healthCheck: { interval: '50ms', timeout: '5s', unhealthy: 1, healthy: 1 } },
    analysis: { confidence: 0.999999 },
  })
  await s.done('start')
  await s.until(({ release }) => release?.step === 1)
  const { port } = s.canary[0]!
  await s.canary[0]!.close()
  await s.until(({ variants }) => variants[1]!.weight === 0)
  s.canary[0] = await s.backend('canary', { port })
  const { release } = await s.until(({ variants }) => variants[1]!.weight === 5)
  t.match(release, { phase: 'Progressing', step: 1 })
  const before = s.arrived('canary')
  await s.load.more(200)
  t.ok(s.arrived('canary') > before, 'it gets its share again')
  s.unharmed(t)
})
