import type { IncomingHttpHeaders } from 'node:http'
import t, { type Test } from 'tap'
import { type Scenario, type ScenarioOptions, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

const USERS = 200
const STEPS = [
  { weight: 25, minDuration: '1s', pause: true },
  { weight: 50, minDuration: '1s', pause: true },
  { weight: 100, minDuration: '1s' },
]

type UserOf = (n: number) => number

/** Waits until every user was answered who asked after this moment, and says which of them the candidate answered. */
async function everybody(s: Scenario, userOf: UserOf): Promise<Set<number>> {
  const fromMs = s.load.nowMs
  const variants = new Map<number, string>()
  while (variants.size < USERS) {
    await s.load.more(50)
    for (const { n, startedMs, variant } of s.load.seen) if (startedMs > fromMs) variants.set(userOf(n), variant)
  }
  return new Set([...variants].filter(([, variant]) => variant === 'canary').map(([user]) => user))
}

/** Users whom serving answered when they asked after the candidate had answered them. */
function wentBack(s: Scenario, userOf: UserOf): number[] {
  const movedMs = new Map<number, number>()
  for (const { n, variant, startedMs, tookMs } of s.load.seen) {
    if (variant === 'canary')
      movedMs.set(userOf(n), Math.min(startedMs + tookMs, movedMs.get(userOf(n)) ?? Number.POSITIVE_INFINITY))
  }
  return s.load.seen
    .filter(({ n, variant, startedMs }) => variant === 'stable' && startedMs > (movedMs.get(userOf(n)) ?? startedMs))
    .map(({ n }) => userOf(n))
}

async function wholeRelease(t: Test, options: ScenarioOptions, userOf: UserOf): Promise<void> {
  const s = await scenario(t, { release: { steps: STEPS }, ...options })
  await s.done('start')
  for (const { weight } of STEPS.filter(({ pause }) => pause)) {
    await s.until(({ release, variants }) => release?.phase === 'Paused' && variants[1]!.weight === weight)
    const moved = await everybody(s, userOf)
    // Six standard deviations: once in far more than 10,000 runs.
    const allowed = 6 * Math.sqrt((USERS * weight * (100 - weight)) / 10_000)
    t.ok(Math.abs(moved.size - (USERS * weight) / 100) < allowed, `${moved.size} of ${USERS} users at ${weight} %`)
    t.same(await everybody(s, userOf), moved, 'the same users when they come again')
    await s.done('resume')
  }
  t.match((await s.over()).release, { phase: 'Succeeded' })
  t.equal((await everybody(s, userOf)).size, USERS, 'all users have moved')
  t.same(wentBack(s, userOf), [], 'no user went back')
  s.unharmed(t)
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
