import t from 'tap'
import { runSituation, SITUATIONS } from '../../bench/judge/situations.ts'
import { seededRandom } from '../../src/random.ts'
import { scenario } from '../../src/simulate/scenario.ts'
import { runTrial } from '../../src/simulate/trial.ts'
import { policy } from './support.ts'

// The short form of the false-rollback lists (`npm run bench:judge` has 2,000 seeds of 150,000 requests each). Seeds are fixed.

const RUNS = 60
/** With a true chance of 1 %, more than 3 of 60 happen once in 300 times; the chance is much smaller than that. */
const MOST = 3

for (const [name, serving, candidate] of [
  ['at the limit of worse: 1.25 times as often', 1, 1.25],
  ['at the limit of negligible: 0.1 % against nothing', 0, 0.1],
  ['at the limit of maxErrorRate', 5, 5],
] as const) {
  t.test(`a null hypothesis at its edge, ${name}: convicted in 1 % of the runs at most`, async (t) => {
    let convicted = 0
    for (let seed = 1; seed <= RUNS; seed++) {
      const world = scenario({
        requestsPerSecond: 1000,
        serving: { failing: serving },
        candidate: { failing: candidate },
      })
      if (runTrial(policy, world, seededRandom(seed), { share: 0.5, maxRequests: 40_000 }).convicted) convicted++
    }
    t.ok(convicted <= MOST, `${convicted} of ${RUNS}`)
  })
}

const SHORT = 45_000
const SEEDS = 4
for (const name of [
  'a page of two calls, one of which fails 2 %',
  'sticky users, heavy-tailed, 1 % of them always half-broken',
  "a shared outage of 20 %: the candidate's failures are fast, serving's take 30 s",
  'a total shared outage of 20 seconds',
  'failures take 30 s, successes nothing, the load falls tenfold, 1 %',
]) {
  const situation = SITUATIONS.find((one) => one.name === name)!
  for (const share of situation.shares) {
    t.test(`${name}, ${share * 100} % share: nobody is convicted`, async (t) => {
      const seeds = Array.from({ length: SEEDS }, (_, k) => k + 1)
      t.same(
        seeds.filter((seed) => runSituation(policy, situation, share, seed, SHORT).convicted),
        [],
      )
    })
  }
}
