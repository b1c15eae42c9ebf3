import type { GateMeter } from './meter.ts'
import { quantile } from './quantile.ts'

/** What one variant has done over the last 10 complete seconds. */
export interface VariantStats {
  /** Offered requests per second, those shed included. */
  requestsPerSecond: number
  /** Clients' requests that ended, and those of them that failed. */
  ended: number
  failed: number
  /** Percent of the ended requests that failed; 0 where none ended. */
  errorRate: number
  /** Percent of the gate's split requests that this variant got; null where none was split. */
  share: number | null
  /** Durations of clients' requests; null where none ended. */
  latencyMs: { p50: number | null; p95: number | null; p99: number | null }
}

const WINDOW_S = 10

/** The totals at the end of a second, by variant's name. Durations are the same array as long as nothing was added. */
interface Sample {
  /** Seconds of the gate's life that were complete, and the time at which the totals were in truth read. */
  second: number
  atMs: number
  variants: Map<string, VariantSample>
  succeeded: number
}

interface VariantSample {
  offered: number
  split: number
  ended: number
  failed: number
  durations: Float64Array
}

const NOTHING: VariantStats = {
  requestsPerSecond: 0,
  ended: 0,
  failed: 0,
  errorRate: 0,
  share: null,
  latencyMs: { p50: null, p95: null, p99: null },
}

/**
 * Rates of a gate on the monotonic clock. A sample of the totals closes each second; figures are differences between
 * the newest sample and the one ten seconds before it. A tick that comes late closes all seconds that have passed with one
 * sample: nothing is spread over them, and the figures stay true to the time that they cover.
 */
export class GateStats {
  readonly #meter: GateMeter
  readonly #bornMs: number
  #samples: Sample[]
  #downtimeS = 0
  /** Seconds that were asked without any answer yet: down unless the next one has a success. */
  #doubtfulS = 0

  /** `nowMs`: Clock.nowMs. Counts from now on. */
  constructor(meter: GateMeter, nowMs: number) {
    this.#meter = meter
    this.#bornMs = nowMs
    meter.read()
    this.#samples = [this.#sample(0, nowMs)]
  }

  /** Reads the meter and closes the seconds that have passed: call it at least once a second. Returns true when any was closed. */
  tick(nowMs: number): boolean {
    this.#meter.read()
    const second = Math.floor((nowMs - this.#bornMs) / 1000)
    const last = this.#samples.at(-1)!
    if (second <= last.second) return false
    const sample = this.#sample(second, nowMs, last)
    this.#samples.push(sample)
    this.#watchDowntime(last, sample)
    // The window begins at the newest sample that is at least ten seconds old, if there is one.
    while (this.#samples.length > 2 && this.#samples[1]!.second <= second - WINDOW_S) this.#samples.shift()
    return true
  }

  /** Figures of a variant; all zero for one that is not known. */
  stats(variant: string): VariantStats {
    const first = this.#samples[0]!
    const last = this.#samples.at(-1)!
    const now = last.variants.get(variant)
    const seconds = (last.atMs - first.atMs) / 1000
    if (!now || seconds === 0) return NOTHING
    const before = first.variants.get(variant)
    const ended = now.ended - (before?.ended ?? 0)
    const failed = now.failed - (before?.failed ?? 0)
    let splitAll = 0
    for (const [name, each] of last.variants) splitAll += each.split - (first.variants.get(name)?.split ?? 0)
    const split = now.split - (before?.split ?? 0)
    return {
      requestsPerSecond: (now.offered - (before?.offered ?? 0)) / seconds,
      ended,
      failed,
      errorRate: ended === 0 ? 0 : (100 * failed) / ended,
      share: splitAll === 0 ? null : (100 * split) / splitAll,
      latencyMs: latencies(now.durations, before?.durations),
    }
  }

  /**
   * Whole seconds, ever, in which clients asked and got no successful answer. Seconds in which nothing came to an end
   * count when the next one has no success either, so that one slow answer across a second's edge is no downtime.
   */
  get downtimeS(): number {
    return this.#downtimeS
  }

  #watchDowntime(last: Sample, now: Sample): void {
    const seconds = now.second - last.second
    const succeeded = now.succeeded > last.succeeded
    if (!succeeded) this.#downtimeS += this.#doubtfulS
    this.#doubtfulS = 0
    if (succeeded) return
    let asked = false
    let failed = false
    for (const [name, each] of now.variants) {
      const before = last.variants.get(name)
      asked ||= each.offered > (before?.offered ?? 0)
      failed ||= each.failed > (before?.failed ?? 0)
    }
    if (failed) this.#downtimeS += seconds
    else if (asked) this.#doubtfulS = seconds
  }

  #sample(second: number, atMs: number, last?: Sample): Sample {
    const variants = new Map<string, VariantSample>()
    for (const name of this.#meter.names) {
      const totals = this.#meter.variant(name)
      if (!totals) continue
      const { offered, split, ended, failed, durations } = totals
      const before = last?.variants.get(name)
      variants.set(name, {
        offered,
        split,
        ended,
        failed,
        durations: before?.ended === ended ? before.durations : durations.counts.slice(),
      })
    }
    return { second, atMs, variants, succeeded: this.#meter.gate.succeeded }
  }
}

function latencies(now: Float64Array, before: Float64Array | undefined): VariantStats['latencyMs'] {
  const counts = now.map((count, bucket) => count - (before?.[bucket] ?? 0))
  const ms = (q: number): number | null => {
    const us = quantile(counts, q)
    return us === undefined ? null : us / 1000
  }
  return { p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) }
}
