import type { Config } from '../config/load.ts'
import { resolveGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import type { MetricsRegistry } from '../metrics/index.ts'
import type { GateSpec, RouteSpec } from '../proxy/index.ts'
import { Gate, type Place } from './gate.ts'
import { gateSpec } from './gate-spec.ts'

/** Where a variant's URL leads at this moment: one place an address; empty while its name cannot be resolved. */
export type Locate = (url: string) => readonly Place[]

export interface GateDirectoryOptions {
  workers: number
  nowMs: () => number
  locate: Locate
  registry: MetricsRegistry
  /** An endpoint is not used, as its gate's block has no slot left. */
  onOverflow(gate: string, endpoints: readonly string[]): void
}

/** All gates of the program, by `namespace/name`. */
export class GateDirectory {
  readonly #options: GateDirectoryOptions
  #gates = new Map<string, Gate>()

  constructor(options: GateDirectoryOptions) {
    this.#options = options
  }

  get(key: string): Gate | undefined {
    return this.#gates.get(key)
  }

  /** In the order of the configuration. */
  all(): Gate[] {
    return [...this.#gates.values()]
  }

  /** Takes the gates of a configuration. Blocks are new where a gate is new or has other variants: the controller writes their tables next. */
  apply(config: Config): void {
    const { registry, workers, nowMs } = this.#options
    const next = new Map<string, Gate>()
    for (const one of config.gates) {
      const resolved = resolveGate(one)
      const places = this.#places(one)
      let gate = this.#gates.get(resolved.key)
      if (gate === undefined) gate = new Gate(one, resolved, places, workers, nowMs())
      else gate.reconfigure(one, resolved, places)
      next.set(resolved.key, gate)
      registry.addGate({
        key: gate.key,
        namespace: one.metadata.namespace ?? 'default',
        variants: gate.meteredVariants(),
        strategy: one.spec.release?.strategy,
        meter: gate.meter,
        stats: gate.stats,
      })
    }
    for (const key of this.#gates.keys()) if (!next.has(key)) registry.removeGate(key)
    this.#gates = next
  }

  /** Names lead elsewhere: gives endpoints their slots again. */
  relocate(): void {
    for (const gate of this.#gates.values()) {
      const left = gate.place(this.#places(gate.config))
      if (left.length > 0) this.#options.onOverflow(gate.key, left)
    }
  }

  /** At least once a second. */
  tick(): void {
    const now = this.#options.nowMs()
    for (const gate of this.#gates.values()) gate.tick(now)
  }

  /** What workers need of the gates as they are now. */
  specs(): { gates: GateSpec[]; routes: RouteSpec[] } {
    const gates: GateSpec[] = []
    const routes: RouteSpec[] = []
    for (const gate of this.#gates.values()) {
      const index = gates.push(gateSpec(gate.config, gate.resolved, gate.block.ref, gate.endpoints)) - 1
      for (const pathPrefix of gate.config.spec.paths) {
        for (const host of gate.config.spec.hosts ?? [undefined]) {
          routes.push({ ...(host === undefined ? {} : { host: host.toLowerCase() }), pathPrefix, gate: index })
        }
      }
    }
    return { gates, routes }
  }

  #places(config: GateConfig): Place[][] {
    return config.spec.variants.map((variant) => (variant.urls ?? []).flatMap((url) => this.#options.locate(url)))
  }
}
