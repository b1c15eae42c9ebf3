import t from 'tap'
import { scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

t.test('a healthy release goes through its steps, is promoted, and no user notices', { buffered: true }, async (t) => {
  const s = await scenario(t, {
    release: {
      steps: [
        { weight: 25, minDuration: '1s', pause: true },
        { weight: 50, minDuration: '1s' },
        { weight: 100, minDuration: '1s' },
      ],
    },
    // A version like the other is convicted by mistake in at most one of 10,000 runs.
    analysis: { confidence: 0.9999 },
  })
  await s.done('start', { revision: 'v2' })
  await s.phase('Paused')
  const fromMs = s.load.nowMs
  await s.load.more(400)
  const toMs = s.load.nowMs
  await s.done('resume')
  const { release, serving } = await s.over()
  t.match(release, { phase: 'Succeeded', verdict: 'Healthy', reason: 'Promoted', revision: 'v2', harmedRequests: 0 })
  t.equal(serving, 'canary', 'the variants have exchanged roles')
  await s.quiet(t, 'stable')
  s.unharmed(t, 'no request failed')

  const held = s.load.seen.filter(({ startedMs, tookMs }) => startedMs > fromMs && startedMs + tookMs < toMs)
  const canary = held.filter(({ variant }) => variant === 'canary').length
  // Four standard deviations of a coin; the splitter is far more exact than that.
  const allowed = 4 * Math.sqrt(held.length * 0.25 * 0.75)
  t.ok(Math.abs(canary - held.length * 0.25) < allowed, `${canary} of ${held.length} at 25 %`)

  const { decisions } = await s.record()
  const weights = decisions.map(({ weights }) => weights.canary!)
  t.same(
    weights,
    [...weights].sort((a, b) => a - b),
    'the candidate never lost weight',
  )
  t.same([...new Set(weights)], [0, 25, 50, 100], 'every step was taken')
})

t.test('one error in the first two requests, then clean: goes on to the end', { buffered: true }, async (t) => {
  let n = 0
  const s = await scenario(t, {
    canary: [
      {
        handle: (_request, response) => {
          if (++n !== 2) return false
          response.statusCode = 500
          response.end()
          return true
        },
      },
    ],
  })
  await s.done('start')
  const { release } = await s.over()
  t.match(release, { phase: 'Succeeded', rescuedRequests: 1, harmedRequests: 0 })
  s.unharmed(t, 'serving answered that one')
})
