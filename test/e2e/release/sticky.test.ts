import type { IncomingHttpHeaders } from 'node:http'
import t, { type Test } from 'tap'
import { PER_SECOND, type Scenario, type ScenarioOptions, scenario } from '../support/scenario.ts'

t.setTimeout(240_000)
t.jobs = 2

const USERS = 200
const STEPS = [
  { weight: 25, minDuration: '1s', pause: true },
  { weight: 50, minDuration: '1s', pause: true },
  { weight: 100, minDuration: '1s' },
]

/** Each user's variants in the order of the requests, repetitions left out. */
function paths(s: Scenario, userOf: (n: number) => number): Map<number, string[]> {
  const byUser = new Map<number, string[]>()
  for (const { n, variant } of [...s.load.seen].sort((a, b) => a.startedMs - b.startedMs)) {
    const path = byUser.get(userOf(n)) ?? []
    if (path.at(-1) !== variant) path.push(variant)
    byUser.set(userOf(n), path)
  }
  return byUser
}

/** Users whose last answer was the candidate's. */
const onCanary = (s: Scenario, userOf: (n: number) => number): Set<number> =>
  new Set([...paths(s, userOf)].filter(([, path]) => path.at(-1) === 'canary').map(([user]) => user))

async function wholeRelease(t: Test, options: ScenarioOptions, userOf: (n: number) => number): Promise<void> {
  const s = await scenario(t, { release: { steps: STEPS }, ...options })
  await s.done('start')
  const round = 2 * USERS
  for (const { weight } of STEPS.filter(({ pause }) => pause)) {
    await s.until(({ release, variants }) => release?.phase === 'Paused' && variants[1]!.weight === weight)
    await s.load.more(round)
    const before = onCanary(s, userOf)
    // Six standard deviations: once in far more than 10,000 runs.
    const expected = (USERS * weight) / 100
    const allowed = 6 * Math.sqrt((USERS * weight * (100 - weight)) / 10_000)
    t.ok(Math.abs(before.size - expected) < allowed, `${before.size} of ${USERS} users at ${weight} %`)
    await s.load.more(round)
    t.same(onCanary(s, userOf), before, `the same users ${round / PER_SECOND} s later`)
    await s.done('resume')
  }
  t.match((await s.over()).release, { phase: 'Succeeded' })
  await s.load.more(round)
  s.unharmed(t)
  const back = [...paths(s, userOf)].filter(([, path]) => path.length > 2 || path.indexOf('canary') === 0)
  t.same(
    back.filter(([, path]) => path.lastIndexOf('stable') > path.indexOf('canary')),
    [],
    'no user went back',
  )
  t.equal(onCanary(s, userOf).size, USERS, 'all users have moved')
}

t.test('sticky by header: no user flips back and forth, the share does not creep', { buffered: true }, (t) =>
  wholeRelease(
    t,
    {
      sticky: { by: 'Header', name: 'x-user' },
      load: { headers: (n) => ({ 'x-user': `user-${n % USERS}` }) },
    },
    (n) => n % USERS,
  ),
)

t.test('sticky by cookie: no user flips back and forth, the share does not creep', { buffered: true }, (t) => {
  // A browser that has no cookie yet waits for its first answer before it asks again: a user without one comes again later.
  const jar = new Map<number, string>()
  const asked = new Map<number, number>()
  const first = new Set<number>()
  let next = 0
  return wholeRelease(
    t,
    {
      sticky: { by: 'Cookie' },
      load: {
        headers(n): Record<string, string> {
          while (first.has(next % USERS) && !jar.has(next % USERS)) next++
          const user = next++ % USERS
          first.add(user)
          asked.set(n, user)
          const cookie = jar.get(user)
          return cookie === undefined ? {} : { cookie }
        },
        onAnswer(n: number, headers: IncomingHttpHeaders) {
          const cookie = headers['set-cookie']?.[0]?.split(';')[0]
          if (cookie !== undefined) jar.set(asked.get(n)!, cookie)
        },
      },
    },
    (n) => asked.get(n)!,
  )
})
