import type { Block } from './block/block.ts'
import { CODE_COUNT, Gate, Variant } from './block/layout.ts'
import { gateAt, variantAt } from './block/rows.ts'
import { emptyGateTotals, emptyVariantTotals, type GateTotals, type Histogram, type VariantTotals } from './totals.ts'

const TWO_32 = 2 ** 32
/** Words of a variant that change whenever a request begins, is tried or ends: where none did, the rest is not read. */
const HEAD = 16
const UNITS_US = 10

/** A block that is still written to, with the counters as they were when it was last read. */
interface Source {
  block: Block
  /** Names of the variants by their index in the block. */
  names: readonly string[]
  gates: Uint32Array
  variants: Uint32Array
}

/**
 * Main thread: the running totals of one gate, all workers together. The workers' words wrap modulo 2^32; each `read`
 * adds the differences to float64 accumulators, so it must be called at least once a second. A gate whose block is
 * replaced (more endpoints, other variants) keeps its totals; the old block is read until its last request has ended.
 */
export class GateMeter {
  readonly gate: GateTotals = emptyGateTotals()
  readonly #totals = new Map<string, VariantTotals>()
  #sources: Source[] = []

  /** `names`: the variants by their index in the block. What the block has counted before is taken as it is. */
  constructor(block: Block, names: readonly string[]) {
    this.adopt(block, names)
  }

  /** The block that requests are counted in now. */
  get block(): Block {
    return this.#sources.at(-1)!.block
  }

  /** Names of the variants, by their index in `block`. */
  get names(): readonly string[] {
    return this.#sources.at(-1)!.names
  }

  /** Goes on with another block, or with other variants; the totals of variants that are no longer named are dropped. */
  adopt(block: Block, names: readonly string[]): void {
    const current = this.#sources.at(-1)
    if (current?.block.ref.buffer === block.ref.buffer) current.names = names
    else this.#sources.push(openSource(block, names))
    for (const name of this.#totals.keys()) if (!names.includes(name)) this.#totals.delete(name)
    for (const name of names) if (!this.#totals.has(name)) this.#totals.set(name, emptyVariantTotals())
  }

  /** Totals of a variant as of the last `read`: the same object every time. undefined: no such variant. */
  variant(name: string): VariantTotals | undefined {
    return this.#totals.get(name)
  }

  /** Brings the totals up to this moment. */
  read(): void {
    for (const totals of this.#totals.values()) totals.inFlight = 0
    this.#sources = this.#sources.filter((source, index) => {
      const inFlight = this.#readSource(source)
      return inFlight !== 0 || index === this.#sources.length - 1
    })
  }

  /** Returns the requests that run in the block. */
  #readSource(source: Source): number {
    const { layout, words, counters } = source.block
    let running = 0
    for (let worker = 0; worker < layout.workers; worker++) {
      addGate(this.gate, counters, gateAt(layout, worker), source.gates, worker * Gate.words)
      for (let v = 0; v < layout.variants; v++) {
        const at = variantAt(layout, worker, v)
        const inFlight = words[at + Variant.inFlight]!
        running += inFlight
        const totals = this.#totals.get(source.names[v] ?? '')
        if (!totals) continue
        totals.inFlight += inFlight
        addVariant(totals, counters, at, source.variants, (worker * layout.variants + v) * Variant.words)
      }
    }
    return running
  }
}

function openSource(block: Block, names: readonly string[]): Source {
  const { workers, variants } = block.layout
  return {
    block,
    names,
    gates: new Uint32Array(workers * Gate.words),
    variants: new Uint32Array(workers * variants * Variant.words),
  }
}

function addGate(totals: GateTotals, now: Uint32Array, at: number, before: Uint32Array, from: number): void {
  totals.rescued += difference(now, at + Gate.rescued, before, from + Gate.rescued)
  totals.harmed += difference(now, at + Gate.harmed, before, from + Gate.harmed)
  totals.mirrored += difference(now, at + Gate.mirrored, before, from + Gate.mirrored)
  totals.mirrorStatusDiffers += difference(now, at + Gate.mirrorStatusDiffers, before, from + Gate.mirrorStatusDiffers)
  totals.mirrorLengthDiffers += difference(now, at + Gate.mirrorLengthDiffers, before, from + Gate.mirrorLengthDiffers)
  totals.mirrorFailed += difference(now, at + Gate.mirrorFailed, before, from + Gate.mirrorFailed)
  totals.retried += difference(now, at + Gate.retried, before, from + Gate.retried)
  totals.succeeded += difference(now, at + Gate.succeeded, before, from + Gate.succeeded)
}

function addVariant(totals: VariantTotals, now: Uint32Array, at: number, before: Uint32Array, from: number): void {
  if (same(now, at, before, from, HEAD)) return
  before[from + Variant.inFlight] = now[at + Variant.inFlight]!
  totals.offered += difference(now, at + Variant.offered, before, from + Variant.offered)
  totals.split += difference(now, at + Variant.split, before, from + Variant.split)
  totals.failed += difference(now, at + Variant.failed, before, from + Variant.failed)
  totals.attempts += difference(now, at + Variant.attempts, before, from + Variant.attempts)
  for (let kind = 0; kind < totals.failures.length; kind++) {
    totals.failures[kind]! += difference(now, at + Variant.failures + kind, before, from + Variant.failures + kind)
  }
  for (let code = 0; code < CODE_COUNT; code++) {
    const ended = difference(now, at + Variant.codes + code, before, from + Variant.codes + code)
    totals.codes[code]! += ended
    totals.ended += ended
  }
  addHistogram(totals.durations, now, at + Variant.durations, before, from + Variant.durations)
  addHistogram(totals.latencies, now, at + Variant.latencies, before, from + Variant.latencies)
  totals.durations.sumUs += sum(now, at, before, from, Variant.durationSum, Variant.durationSumHigh)
  totals.latencies.sumUs += sum(now, at, before, from, Variant.latencySum, Variant.latencySumHigh)
}

function addHistogram(histogram: Histogram, now: Uint32Array, at: number, before: Uint32Array, from: number): void {
  const { counts } = histogram
  for (let i = 0; i < counts.length; i++) counts[i]! += difference(now, at + i, before, from + i)
}

/**
 * A sum has a second word for its carries, which the writer changes last: between the two the sum seems to have fallen.
 * Such a reading is left for the next time, as a counter must never fall.
 */
function sum(now: Uint32Array, at: number, before: Uint32Array, from: number, low: number, high: number): number {
  const highNow = now[at + high]!
  const lowNow = now[at + low]!
  const grown = ((highNow - before[from + high]!) | 0) * TWO_32 + (lowNow - before[from + low]!)
  if (grown < 0) return 0
  before[from + high] = highNow
  before[from + low] = lowNow
  return grown * UNITS_US
}

/** What the word has grown by, modulo 2^32; `before` becomes what it is now. */
function difference(now: Uint32Array, at: number, before: Uint32Array, from: number): number {
  const value = now[at]!
  const grown = (value - before[from]!) >>> 0
  before[from] = value
  return grown
}

function same(now: Uint32Array, at: number, before: Uint32Array, from: number, words: number): boolean {
  for (let i = 0; i < words; i++) if (now[at + i] !== before[from + i]) return false
  return true
}
