import type { Finding } from '../../src/controller/analysis/finding.ts'
import type { Command } from '../../src/controller/release/commands.ts'
import { decide } from '../../src/controller/release/decide.ts'
import { demands } from '../../src/controller/release/demands.ts'
import type { CheckResult, HookAnswer, Observation, Readiness } from '../../src/controller/release/observation.ts'
import type { Outcome } from '../../src/controller/release/outcome.ts'
import type { Policy, ReleasePolicy } from '../../src/controller/release/plan.ts'
import { idle } from '../../src/controller/release/policy.ts'
import type { State } from '../../src/controller/release/state.ts'

/** A policy with short steps; anything can be overridden. */
export function policyWith(release: Partial<ReleasePolicy> = {}, variants = ['stable', 'canary']): Policy {
  return {
    variants,
    startBps: Object.fromEntries(variants.map((name, index) => [name, index === 0 ? 10_000 : 0])),
    release: {
      strategy: 'Canary',
      roles: { serving: 'stable', candidate: 'canary' },
      steps: [5, 25, 100].map((percent) => ({
        weightBps: percent * 100,
        minDurationMs: 1000,
        minRequests: 0,
        pause: false,
      })),
      promotion: 'Swap',
      trigger: 'Auto',
      workloads: false,
      readyTimeoutMs: 60_000,
      stepTimeoutMs: 0,
      bakeMs: 2000,
      suspend: false,
      scaleDownDelayMs: 5000,
      maxErrorRate: 0.05,
      harmBudget: undefined,
      noTraffic: 'Hold',
      noTrafficAfterMs: 30_000,
      checks: [],
      hooks: [],
      ...release,
    },
  }
}

export const finding = (changes: Partial<Finding> = {}): Finding => ({
  fine: false,
  requestsNeeded: 60,
  evidence: { worse: 0, aboveMax: 0, slowWorse: 0, slowMax: 0, total: 0, threshold: 4.6, fine: 0 },
  ...changes,
})

export const convicted = (): Finding =>
  finding({
    convicted: { reason: 'ErrorRate', test: 'worse', historical: false },
    evidence: { worse: 5.1, aboveMax: 0, slowWorse: 0, slowMax: 0, total: 5.1, threshold: 4.6, fine: 0 },
  })

const WALL = Date.UTC(2026, 0, 1)

/** A state machine with the world around it: it resets counters and answers hooks as the effects ask. */
export class World {
  readonly policy: Policy
  state: State
  nowMs = 1000
  of: Observation['of'] = null
  finding: Finding = finding()
  requests = 0
  lastMs: number | null = null
  candidate: Readiness = { ready: 1, total: 1 }
  serving: Readiness = { ready: 1, total: 1 }
  servingFailing = false
  harmLeft: number | null = null
  revision: string | null = null
  hooks: Record<string, HookAnswer> = {}
  checks: readonly CheckResult[] = []
  readonly log: { observation: Observation; nowMs: number; outcome: Outcome }[] = []

  constructor(policy: Policy, state: State = idle(policy)) {
    this.policy = policy
    this.state = state
  }

  observe(command?: Command): Observation {
    const demanded = demands(this.policy, this.state)
    const running = demanded.find((effect) => effect.type === 'RunChecks')
    const of = running?.type === 'RunChecks' ? running.of : null
    return {
      wallMs: WALL + this.nowMs,
      of: this.of,
      finding: this.finding,
      traffic: { requests: this.requests, lastMs: this.lastMs },
      figures: { candidate: { requests: 41, bad: 6, slow: 0 }, serving: { requests: 780, bad: 0, slow: 0 } },
      candidate: this.candidate,
      serving: this.serving,
      servingFailing: this.servingFailing,
      harmLeft: this.harmLeft,
      hooks: this.hooks,
      checks: { of: of ?? '', results: this.checks },
      revision: this.revision,
      ...(command === undefined ? {} : { command }),
    }
  }

  /** One call of decide; effects on counters are performed. */
  look(command?: Command): Outcome {
    const observation = this.observe(command)
    const outcome = decide(this.policy, this.state, observation, this.nowMs)
    this.log.push({ observation, nowMs: this.nowMs, outcome })
    this.state = outcome.state
    for (const effect of outcome.effects) {
      if (effect.type !== 'ResetCounters') continue
      if (this.of?.trial !== effect.trial) this.finding = finding()
      this.of = { trial: effect.trial, mark: effect.mark }
      this.requests = 0
      this.lastMs = null
    }
    return outcome
  }

  /** Looks until nothing changes any more at this moment. */
  settle(command?: Command): Outcome {
    const first = this.look(command)
    let last = first
    for (let i = 0; i < 20 && last.state !== undefined; i++) {
      const before = this.state
      last = this.look()
      if (this.state === before) break
    }
    return first
  }

  /** Healthy traffic for `ms`: a request each look of 100 ms, and evidence that all is fine. */
  flow(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += 100
      this.requests += 10
      this.lastMs = this.nowMs
      this.finding = finding({ fine: true, requestsNeeded: 0 })
      this.settle()
    }
  }
}
