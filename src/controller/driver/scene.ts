import type { Clock } from '../../clock.ts'
import { resolveGate } from '../../config/resolve.ts'
import type { GateConfig } from '../../config/schema.ts'
import type { Environment, GateEnvironment } from '../environment.ts'
import type { HookCaller } from '../hooks/caller.ts'
import type { Ledger } from '../ledger.ts'
import type { Policy } from '../release/plan.ts'
import { policyOf, withoutWorkloads } from '../release/policy.ts'
import type { ControlEvent } from '../views.ts'

/** What of a driver's surroundings is shared by all gates. */
export interface Surroundings {
  environment: Environment
  ledger: Ledger
  hooks: HookCaller
  publish(event: ControlEvent): void
}

/** One gate as it is configured at the moment, and the world around it: what all parts of its driver share. */
export class Scene {
  /** `namespace/name`. */
  readonly key: string
  readonly env: GateEnvironment
  readonly around: Surroundings
  config: GateConfig
  policy: Policy

  constructor(config: GateConfig, env: GateEnvironment, around: Surroundings) {
    this.key = resolveGate(config).key
    this.env = env
    this.around = around
    this.config = config
    this.policy = this.#policyOf(config)
  }

  /** The gate's configuration, new or again. */
  configure(config: GateConfig): void {
    this.config = config
    this.policy = this.#policyOf(config)
  }

  /** A Gate may name workloads where there is no cluster to change them in: it is released without. */
  #policyOf(config: GateConfig): Policy {
    const policy = policyOf(config, resolveGate(config))
    return this.env.perform === undefined ? withoutWorkloads(policy) : policy
  }

  get clock(): Clock {
    return this.around.environment.clock
  }

  /** A variant's index in the configuration; -1 where there is none of that name. */
  index(variant: string): number {
    return this.policy.variants.indexOf(variant)
  }
}
