import type { ResolvedGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import { type Block, createBlock, GateMeter, GateStats, type MeteredVariant } from '../metrics/index.ts'
import type { EndpointSpec } from '../proxy/index.ts'
import { ServingHistory } from './serving-history.ts'
import { Slots } from './slots.ts'

/** An endpoint before it has a slot. */
export type Place = Omit<EndpointSpec, 'slot'>

/** Endpoint slots that a new block has at least; four times the endpoints of the moment, so that they may change. */
const MIN_SLOTS = 16

/** A gate as the main thread knows it: its configuration, its shared memory, its endpoints and its numbers. */
export class Gate {
  readonly key: string
  config: GateConfig
  resolved: ResolvedGate
  block: Block
  readonly meter: GateMeter
  readonly stats: GateStats
  /** By variant's index. */
  endpoints: EndpointSpec[][] = []
  history: ServingHistory[]
  #slots: Slots

  constructor(
    config: GateConfig,
    resolved: ResolvedGate,
    places: readonly (readonly Place[])[],
    workers: number,
    nowMs: number,
  ) {
    this.key = resolved.key
    this.config = config
    this.resolved = resolved
    this.block = newBlock(workers, places)
    this.#slots = new Slots(this.block)
    this.meter = new GateMeter(this.block, this.names)
    this.stats = new GateStats(this.meter, nowMs)
    this.history = this.names.map(() => new ServingHistory())
    this.place(places)
  }

  get names(): string[] {
    return this.config.spec.variants.map(({ name }) => name)
  }

  /** Takes a changed configuration. Returns true when the gate has another block now: its table must be written anew. */
  reconfigure(config: GateConfig, resolved: ResolvedGate, places: readonly (readonly Place[])[]): boolean {
    const before = this.names.join()
    const kept = new Map(this.names.map((name, index) => [name, this.history[index]!]))
    this.config = config
    this.resolved = resolved
    const same = this.names.join() === before && !this.#full(places)
    if (!same) {
      this.block = newBlock(this.block.layout.workers, places)
      this.#slots = new Slots(this.block)
      this.meter.adopt(this.block, this.names)
      this.history = this.names.map((name) => kept.get(name) ?? new ServingHistory())
    }
    this.place(places)
    return !same
  }

  /** Gives the endpoints of the moment their slots; those for which no slot is left are not used, and are returned. */
  place(places: readonly (readonly Place[])[]): string[] {
    const id = (variant: number, place: Place) =>
      `${variant} ${place.origin}${place.basePath} ${place.serverName ?? ''}`
    const slots = this.#slots.assign(places.flatMap((some, variant) => some.map((place) => id(variant, place))))
    const left: string[] = []
    this.endpoints = places.map((some, variant) =>
      some.flatMap((place) => {
        const slot = slots.get(id(variant, place))
        if (slot !== undefined) return [{ ...place, slot }]
        left.push(place.name)
        return []
      }),
    )
    return left
  }

  /** Once a second: closes the second that has passed. */
  tick(nowMs: number): void {
    if (!this.stats.tick(nowMs)) return
    this.names.forEach((name, index) => {
      const totals = this.meter.variant(name)
      if (totals !== undefined) this.history[index]!.tick(totals)
    })
  }

  meteredVariants(): MeteredVariant[] {
    return this.config.spec.variants.map((variant, index) => ({
      name: variant.name,
      service: variant.service?.name ?? variant.name,
      slots: () => (this.endpoints[index] ?? []).map(({ slot }) => slot),
    }))
  }

  #full(places: readonly (readonly Place[])[]): boolean {
    return places.reduce((sum, some) => sum + some.length, 0) > this.block.layout.endpoints
  }
}

function newBlock(workers: number, places: readonly (readonly Place[])[]): Block {
  const endpoints = places.reduce((sum, some) => sum + some.length, 0)
  return createBlock({ workers, variants: places.length, endpoints: Math.max(MIN_SLOTS, endpoints * 4) })
}
