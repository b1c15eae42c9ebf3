import { EDGES_US, type VariantTotals } from '../metrics/index.ts'

/** What a variant's requests were like over a while. */
export interface HistoryCounts {
  requests: number
  bad: number
  timed: number
  slow: number
}

interface Minute {
  requests: number
  bad: number
  latencies: Uint32Array
}

/** The judge compares with the last 10 minutes in which the variant had traffic (analysis.md, "While serving has no traffic"). */
const MINUTES = 10
const TICKS_A_MINUTE = 60

/**
 * The last 10 minutes of a variant in which it had traffic, a minute each; seconds without a request leave no trace.
 * Costs 5 kB for a variant with traffic.
 */
export class ServingHistory {
  readonly #minutes: Minute[] = []
  #ticks = 0
  #before: Minute | undefined

  /** Once a second, with the totals of this moment. */
  tick(totals: VariantTotals): void {
    const before = this.#before
    if (before === undefined) {
      this.#before = snapshot(totals)
      return
    }
    if (totals.ended === before.requests) return
    if (this.#minutes.length === 0 || this.#ticks === TICKS_A_MINUTE) {
      this.#minutes.push({ requests: 0, bad: 0, latencies: new Uint32Array(before.latencies.length) })
      if (this.#minutes.length > MINUTES) this.#minutes.shift()
      this.#ticks = 0
    }
    this.#ticks++
    const minute = this.#minutes.at(-1)!
    minute.requests += totals.ended - before.requests
    minute.bad += totals.failed - before.bad
    const { counts } = totals.latencies
    for (let i = 0; i < counts.length; i++) {
      const grown = (counts[i]! - before.latencies[i]!) >>> 0
      minute.latencies[i]! += grown
      before.latencies[i]! += grown
    }
    before.requests = totals.ended
    before.bad = totals.failed
  }

  /** Counts of the whole history; slow: in a bucket above `slowUs`, a bucket's edge (0: none is slow). */
  read(slowUs: number): HistoryCounts {
    const sum: HistoryCounts = { requests: 0, bad: 0, timed: 0, slow: 0 }
    for (const minute of this.#minutes) {
      sum.requests += minute.requests
      sum.bad += minute.bad
      for (let i = 0; i < minute.latencies.length; i++) {
        const count = minute.latencies[i]!
        sum.timed += count
        if (slowUs > 0 && (i >= EDGES_US.length || EDGES_US[i]! > slowUs)) sum.slow += count
      }
    }
    return sum
  }

  /** Latency counts by bucket of the whole history. */
  latencies(): Float64Array {
    const sum = new Float64Array(EDGES_US.length + 1)
    for (const minute of this.#minutes) for (let i = 0; i < sum.length; i++) sum[i]! += minute.latencies[i]!
    return sum
  }
}

function snapshot(totals: VariantTotals): Minute {
  return { requests: totals.ended, bad: totals.failed, latencies: Uint32Array.from(totals.latencies.counts) }
}
