import type { JudgePolicy } from '../../src/controller/analysis/index.ts'
import { seededRandom } from '../../src/random.ts'
import { type Scenario, scenario } from '../../src/simulate/scenario.ts'
import { runTrial, type TrialResult } from '../../src/simulate/trial.ts'
import { TICK_MS } from '../../src/simulate/world.ts'

/** Both variants are equally good, something else is wrong: at most 1 % of the runs may roll back. */
export interface Situation {
  name: string
  scenario: Scenario
  shares: readonly number[]
  /** Time between two looks; default: the controller's. */
  tickMs?: number
}

const BOTH = [0.05, 0.5] as const

const equal = (failing: number, part: { failureSeconds?: number; successSeconds?: number } = {}) => ({
  serving: { failing, ...part },
  candidate: { failing, ...part },
})

const situation = (
  name: string,
  part: Parameters<typeof scenario>[0],
  shares: readonly number[] = BOTH,
): Situation => ({
  name,
  scenario: scenario({ name, ...part }),
  shares,
})

/** 100 requests/s where nothing else is said: 150,000 requests are 25 minutes. */
export const SITUATIONS: readonly Situation[] = [
  situation('equal, 0.1 %', equal(0.1)),
  situation('equal, 1 %', equal(1)),
  situation('equal, 3 %', equal(3)),
  situation('failures fast, successes take 5 s, 1 %', equal(1, { successSeconds: 5 })),
  situation('failures fast, successes take 20 s, 1 %', equal(1, { successSeconds: 20 })),
  situation('failures fast, successes take 20 s, 3 %', equal(3, { successSeconds: 20 })),
  situation('0.01 % against 0.09 % for 10 minutes, then a shared outage of 20 % for a minute', {
    serving: { failing: 0.01 },
    candidate: { failing: 0.09 },
    outages: [{ fromSeconds: 600, toSeconds: 660, failing: 20 }],
  }),
  situation('a shared outage of 20 % for a minute', {
    ...equal(0.1),
    outages: [{ fromSeconds: 300, toSeconds: 360, failing: 20 }],
  }),
  situation('a page of two calls, one of which fails 2 %', { ...equal(0), page: [0, 2] }, [0.25, 0.5]),
  situation('sticky users, heavy-tailed, 1 % of them always half-broken', {
    ...equal(0),
    sticky: { count: 5000, skew: 1.2, broken: { percent: 1, failing: 50 } },
  }),
  situation('sticky users, heavy-tailed, 1 % of them always half-broken, the others 0.1 %', {
    ...equal(0.1),
    sticky: { count: 5000, skew: 1.2, broken: { percent: 1, failing: 50 } },
  }),
  // A reset of a reused connection is replayed and nobody's failure: what is left is the extra time of the replay.
  situation('connections reset on reuse: 1 % of the requests of both are replayed', {
    serving: { failing: 0.1, slow: 2 },
    candidate: { failing: 0.1, slow: 2 },
  }),
  situation('failures take 30 s, successes nothing, the load falls tenfold, 1 %', {
    ...equal(1, { failureSeconds: 30 }),
    requestsPerSecond: [
      [0, 200],
      [300, 20],
      [600, 200],
      [900, 20],
      [1200, 200],
    ],
  }),
  situation('failures take 30 s, successes nothing, the load falls tenfold, 3 %', {
    ...equal(3, { failureSeconds: 30 }),
    requestsPerSecond: [
      [0, 200],
      [300, 20],
      [600, 200],
      [900, 20],
      [1200, 200],
    ],
  }),
  situation("a shared outage of 20 %: the candidate's failures are fast, serving's take 30 s", {
    ...equal(0.1),
    outages: [{ fromSeconds: 300, toSeconds: 360, failing: 20, servingFailureSeconds: 30 }],
  }),
  {
    // What the proxy sees of serving is 20-40 ms old (its p99, then a sweep): looks as fine as that.
    ...situation('the same at 1000 requests/s', {
      ...equal(0.1),
      requestsPerSecond: 1000,
      outages: [{ fromSeconds: 30, toSeconds: 90, failing: 20, servingFailureSeconds: 30 }],
    }),
    tickMs: 20,
  },
  situation('a total shared outage of 20 seconds', {
    ...equal(0.1),
    outages: [{ fromSeconds: 300, toSeconds: 320, failing: 100 }],
  }),
]

export function runSituation(
  policy: JudgePolicy,
  { scenario: world, tickMs = TICK_MS }: Situation,
  share: number,
  seed: number,
  maxRequests: number,
): TrialResult {
  return runTrial(policy, world, seededRandom(seed), { share, maxRequests, tickMs })
}
