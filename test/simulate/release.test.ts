import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { seededRandom } from '../../src/random.ts'
import { BUILTIN } from '../../src/simulate/builtin.ts'
import { compare } from '../../src/simulate/compare.ts'
import { triedPolicy } from '../../src/simulate/policy.ts'
import { runRelease } from '../../src/simulate/release.ts'

const loaded = loadConfig([new URL('../../examples/shop.yaml', import.meta.url).pathname])
if (!loaded.ok) throw new Error('examples/shop.yaml is broken')
const policy = triedPolicy(loaded.config.gates[0]!)
const named = (name: string) => BUILTIN.find((scenario) => scenario.name === name)!
const release = (name: string, seed = 1) =>
  runRelease(policy, named(name), seededRandom(seed), { maxSeconds: 3600, decisions: true })

t.test('a healthy release goes through all its steps', async (t) => {
  const { phase, decisions, harmed, seconds } = release('healthy')
  t.equal(phase, 'Succeeded')
  const weights = decisions.map(({ weights }) => weights.canary)
  t.same([...new Set(weights)], [0, 5, 25, 100])
  t.ok(seconds >= 240 && seconds < 300, `${seconds} s`)
  t.equal(harmed, 0)
})

for (const [name, reason, most] of [
  ['fails-50', 'ErrorRate', 6],
  ['fails-5', 'ErrorRate', 15],
  ['fails-2', 'ErrorRate', 30],
  ['slow', 'Latency', 5],
  ['late-fault', 'ErrorRate', 20],
] as const) {
  t.test(`${name} is rolled back for ${reason}`, async (t) => {
    const { phase, reason: said, failed, convictedAtSeconds, seconds } = release(name)
    t.equal(phase, 'RolledBack')
    t.equal(said, reason)
    t.ok(failed <= most, `${failed} failed`)
    t.equal(convictedAtSeconds, seconds, 'at the look that convicts')
  })
}

t.test('a shared outage holds and then goes on', async (t) => {
  const { phase, decisions } = release('shared-outage')
  t.equal(phase, 'Succeeded')
  t.ok(decisions.some(({ reason }) => reason === 'SharedFailure' || reason === 'StableBroken'))
})

t.test('no traffic holds and then goes on', async (t) => {
  const { phase, decisions, seconds } = release('no-traffic')
  t.equal(phase, 'Succeeded')
  t.ok(decisions.some(({ reason }) => reason === 'NoTraffic'))
  t.ok(seconds > 330)
})

t.test('a bad endpoint is ejected and the release goes on', async (t) => {
  const runs = Array.from({ length: 10 }, (_, seed) => release('bad-endpoint', seed + 1))
  const ejected = runs.filter(({ decisions }) => decisions.some(({ reason }) => reason === 'BadEndpoint'))
  t.ok(ejected.length >= 7, `${ejected.length} of 10`)
  t.ok(ejected.every(({ phase }) => phase === 'Succeeded'))
})

t.test('without rescue users see the failures', async (t) => {
  const bare = { ...policy, rescue: false }
  const options = { maxSeconds: 3600, decisions: false }
  const { harmed, failed, rescued } = runRelease(bare, named('fails-50'), seededRandom(1), options)
  t.ok(failed > 0)
  t.equal(harmed, failed)
  t.equal(rescued, 0)
})

t.test('a harm budget ends a release', async (t) => {
  const { release: plan } = policy.release
  const strict = { ...policy, rescue: false, release: { ...policy.release, release: { ...plan!, harmBudget: 1 } } }
  const result = runRelease(strict, named('fails-50'), seededRandom(1), { maxSeconds: 3600, decisions: false })
  t.match(result, { phase: 'RolledBack', reason: 'HarmBudget' })
})

t.test('the same seed gives the same comparison, and the loop is slower', async (t) => {
  const once = compare(policy, named('fails-50'), 3)
  t.same(once, compare(policy, named('fails-50'), 3))
  const [ours, loop] = once.summaries
  t.equal(ours!.rolledBack, 3)
  t.equal(loop!.rolledBack, 3)
  t.ok(loop!.failed > 8 * ours!.failed)
  const quiet = compare(policy, named('no-traffic'), 2)
  t.equal(quiet.summaries[0]!.promoted, 2)
  t.equal(quiet.summaries[1]!.rolledBack, 2, 'the loop rolls back for want of traffic')
})
