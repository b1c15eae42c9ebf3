import {
  createJudge,
  type Finding,
  type JudgePolicy,
  type JudgeState,
  judge,
  onStep,
} from '../controller/analysis/index.ts'
import { decide } from '../controller/release/decide.ts'
import type { Effect } from '../controller/release/effects.ts'
import type { Observation } from '../controller/release/observation.ts'
import type { Decision } from '../controller/release/outcome.ts'
import type { Policy } from '../controller/release/plan.ts'
import { idle } from '../controller/release/policy.ts'
import type { State } from '../controller/release/state.ts'
import type { Random } from '../random.ts'
import { binomial } from './sample.ts'
import type { Scenario } from './scenario.ts'
import { TICK_MS, World } from './world.ts'

/** A Gate's policy as it is tried: the same objects that drive a live release. */
export interface TriedPolicy {
  release: Policy
  judge: JudgePolicy
  /** False: no failed request is rescued. */
  rescue: boolean
}

export interface ReleaseResult {
  /** Where it ended, or where it stood when the time was over. */
  phase: State['phase']
  reason: string
  decisions: Decision[]
  seconds: number
  requests: number
  candidateRequests: number
  /** Candidate requests that failed, those answered by serving, and those that users saw. */
  failed: number
  rescued: number
  harmed: number
  /** When the candidate was convicted. */
  convictedAtSeconds: number | null
}

export interface ReleaseOptions {
  /** The simulation is over after this much virtual time. */
  maxSeconds: number
  /** Keep the decisions' inputs; without them a thousand releases fit into memory. */
  decisions: boolean
  tickMs?: number
}

/** Without news the controller's view changes by time alone, in seconds. */
const LOOK_MS = 1000
const ENDS: ReadonlySet<State['phase']> = new Set(['Succeeded', 'RolledBack', 'Aborted'])

/** One whole release in virtual time: the world, the judge, and decide() as the controller runs it. */
export function runRelease(
  policy: TriedPolicy,
  scenario: Scenario,
  random: Random,
  { maxSeconds, decisions, tickMs = TICK_MS }: ReleaseOptions,
): ReleaseResult {
  const run = new Run(policy, new World(scenario, random, tickMs), scenario, random)
  run.start()
  let looked = 0
  const { world } = run
  while (!ENDS.has(run.state.phase) && world.nowMs < maxSeconds * 1000) {
    run.tick()
    if (!world.stirred && world.nowMs - looked < LOOK_MS) continue
    looked = world.nowMs
    run.look()
  }
  return run.result(decisions)
}

class Run {
  state: State
  readonly world: World
  readonly #policy: TriedPolicy
  readonly #scenario: Scenario
  readonly #random: Random
  readonly #decisions: Decision[] = []
  #share = 0
  #observed = false
  #judge: JudgeState
  #finding: Finding | undefined
  #trial = ''
  #of: Observation['of'] = null
  /** Candidate requests before the step, and when the last one started. */
  #before = 0
  #requests = 0
  #lastMs: number | null = null
  #failed = 0
  #harmed = 0
  #convictedAtMs: number | null = null

  constructor(policy: TriedPolicy, world: World, scenario: Scenario, random: Random) {
    this.#policy = policy
    this.world = world
    this.#scenario = scenario
    this.#random = random
    this.state = idle(policy.release)
    this.#judge = createJudge(policy.judge)
  }

  start(): void {
    this.#settle({ who: 'simulate', verb: 'start' })
  }

  tick(): void {
    this.world.tick(this.#share)
    const { candidate, seenFailed, nowMs } = this.world
    if (candidate.requests > this.#requests) {
      this.#requests = candidate.requests
      this.#lastMs = nowMs
    }
    if (seenFailed > this.#failed) {
      const rescuable = this.#policy.rescue ? this.#scenario.rescuable / 100 : 0
      this.#harmed += binomial(this.#random, seenFailed - this.#failed, 1 - rescuable)
      this.#failed = seenFailed
    }
  }

  look(): void {
    if (this.#observed) {
      const { state, finding } = judge(this.#policy.judge, this.#judge, this.world.input())
      this.#judge = state
      this.#finding = finding
      if (finding.convicted && this.#convictedAtMs === null) this.#convictedAtMs = this.world.nowMs
    }
    this.#settle()
  }

  /** decide() until nothing changes, effects performed as they come. */
  #settle(command?: Observation['command']): void {
    for (let asked = command; ; asked = undefined) {
      const observation = this.#observe(asked)
      const outcome = decide(this.#policy.release, this.state, observation, this.world.nowMs)
      if (outcome.refusal) throw new Error(`${outcome.refusal.code}: ${outcome.refusal.detail}`)
      if (outcome.state === this.state) return
      this.state = outcome.state
      if (outcome.decision) this.#decisions.push(outcome.decision)
      for (const effect of outcome.effects) this.#perform(effect)
    }
  }

  #observe(command: Observation['command']): Observation {
    const { candidate, serving, nowMs, seenFailed } = this.world
    const { requests, bad } = this.world.input().servingRecent
    const max = this.#policy.judge.maxErrorRate
    const budget = this.#policy.release.release?.harmBudget
    return {
      wallMs: nowMs,
      of: this.#of,
      ...(this.#finding && { finding: this.#finding }),
      traffic: { requests: candidate.requests - this.#before, lastMs: this.#lastMs },
      figures: {
        candidate: { requests: candidate.requests, bad: seenFailed, slow: this.world.slow.candidate },
        serving: { requests: serving.requests, bad: this.world.servingBad, slow: this.world.slow.serving },
      },
      candidate: { ready: 1, total: 1 },
      serving: { ready: 1, total: 1 },
      servingFailing: max > 0 && requests > 0 && bad / requests > max,
      harmLeft: budget === undefined ? null : Math.max(0, budget - this.#harmed),
      hooks: {},
      checks: { of: '', results: [] },
      revision: null,
      ...(command && { command }),
    } as Observation
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'SetWeights': {
        const { weightsBps, roles, observed } = effect
        const candidate = weightsBps[roles?.candidate ?? ''] ?? 0
        const serving = weightsBps[roles?.serving ?? ''] ?? 0
        this.#share = candidate + serving > 0 ? candidate / (candidate + serving) : 0
        this.#observed = observed
        return
      }
      case 'ResetCounters':
        this.#judge = this.#trial === effect.trial ? onStep(this.#judge) : createJudge(this.#policy.judge)
        this.#trial = effect.trial
        this.#of = { trial: effect.trial, mark: effect.mark }
        this.#before = this.world.candidate.requests
        this.#lastMs = null
        this.#finding = undefined
        this.world.startStep()
        return
      case 'EjectEndpoint':
        this.world.eject(effect.endpoint)
        return
      default:
      // Workloads, hooks and checks are not simulated; the tried policy has none of them.
    }
  }

  result(decisions: boolean): ReleaseResult {
    const last = this.#decisions.at(-1)
    return {
      phase: this.state.phase,
      reason: last?.reason ?? '',
      decisions: decisions ? this.#decisions : [],
      seconds: this.world.nowMs / 1000,
      requests: this.world.candidate.requests + this.world.serving.requests,
      candidateRequests: this.world.candidate.requests,
      failed: this.#failed,
      rescued: this.#failed - this.#harmed,
      harmed: this.#harmed,
      convictedAtSeconds: this.#convictedAtMs === null ? null : this.#convictedAtMs / 1000,
    }
  }
}
