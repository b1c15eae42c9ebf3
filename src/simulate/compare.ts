import { seededRandom } from '../random.ts'
import { createLoop, LOOPS, type LoopPolicy } from './loop.ts'
import { type ReleaseResult, runRelease, type TriedPolicy } from './release.ts'
import { binomial } from './sample.ts'
import type { Scenario } from './scenario.ts'
import { TICK_MS, World } from './world.ts'

/** What one way of judging made of a scenario, over all runs. */
export interface Summary {
  policy: string
  runs: number
  promoted: number
  rolledBack: number
  /** Neither: held or paused when the time was over. */
  undecided: number
  /** Means over the runs. */
  failed: number
  harmed: number
  seconds: number
  /** 95 % of the runs had at most so many failed candidate requests. */
  failedP95: number
}

export interface Comparison {
  scenario: string
  description: string
  /** The first run in full. */
  first: ReleaseResult
  summaries: Summary[]
}

/** A release that is held is given up after this much virtual time. */
const MAX_SECONDS = 4 * 3600

/** Runs the Gate's policy and the threshold loops on a scenario. The same seed gives the same runs. */
export function compare(policy: TriedPolicy, scenario: Scenario, runs: number, tickMs = TICK_MS): Comparison {
  let first: ReleaseResult | undefined
  const results = Array.from({ length: runs }, (_, seed) => {
    const options = { maxSeconds: MAX_SECONDS, decisions: seed === 0, tickMs }
    const result = runRelease(policy, scenario, seededRandom(seed + 1), options)
    first ??= result
    return result
  })
  const ours = results.map(({ phase, failed, harmed, seconds }) => ({ end: phase as string, failed, harmed, seconds }))
  return {
    scenario: scenario.name,
    description: scenario.description,
    first: first!,
    summaries: [
      summarise('streamgate', ours),
      ...LOOPS.map((loop) => {
        const name = `loop, ${loop.intervalMs / 1000} s, ${loop.failedChecks} failed checks below ${loop.minSuccess} %`
        const ends = Array.from({ length: runs }, (_, seed) => loopRelease(policy, loop, scenario, seed + 1))
        return summarise(name, ends)
      }),
    ],
  }
}

interface End {
  end: string
  failed: number
  harmed: number
  seconds: number
}

/** The same steps and rescue under the loop: a step is over when its time is. */
function loopRelease(policy: TriedPolicy, loop: LoopPolicy, scenario: Scenario, seed: number): End {
  const random = seededRandom(seed)
  const world = new World(scenario, random)
  const check = createLoop(loop)
  const { steps, bakeMs } = policy.release.release!
  const rescuable = policy.rescue ? scenario.rescuable / 100 : 0
  const end = (how: string): End => {
    const failed = world.seenFailed
    return { end: how, failed, harmed: binomial(random, failed, 1 - rescuable), seconds: world.nowMs / 1000 }
  }
  const last = steps.length - 1
  for (const [k, { weightBps, minDurationMs }] of steps.entries()) {
    // Every step has one check at least, whatever its time is.
    const untilMs = world.nowMs + Math.max(minDurationMs, loop.intervalMs) + (k === last ? bakeMs : 0)
    world.startStep()
    while (world.nowMs < untilMs) {
      world.tick(weightBps / 10_000)
      if (check(world.nowMs, world.candidate.requests, world.seenFailed)) return end('RolledBack')
    }
  }
  return end('Succeeded')
}

function summarise(policy: string, ends: readonly End[]): Summary {
  const mean = (value: (end: End) => number) => ends.reduce((sum, end) => sum + value(end), 0) / ends.length
  const sorted = ends.map(({ failed }) => failed).sort((a, b) => a - b)
  const promoted = ends.filter(({ end }) => end === 'Succeeded').length
  const rolledBack = ends.filter(({ end }) => end === 'RolledBack').length
  return {
    policy,
    runs: ends.length,
    promoted,
    rolledBack,
    undecided: ends.length - promoted - rolledBack,
    failed: mean(({ failed }) => failed),
    harmed: mean(({ harmed }) => harmed),
    seconds: mean(({ seconds }) => seconds),
    failedP95: sorted[Math.ceil(0.95 * sorted.length) - 1]!,
  }
}
