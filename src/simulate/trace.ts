import { type Scenario, type Schedule, scenario } from './scenario.ts'

/**
 * A recorded access log as a scenario: its rate of requests second by second, and each variant's share of failed and
 * slow requests over time. What a request would have met on the other variant is not in any log, so outcomes are drawn
 * again from these shares; a variant that is not in the log fares like the other one.
 */
export interface TraceOptions {
  /** `namespace/name` of the gate whose requests count. */
  gate: string
  serving: string
  candidate: string
  /** Slow is slower than this quantile (0-1) of serving's. */
  quantile: number
}

interface Seen {
  atMs: number
  side: 'serving' | 'candidate'
  failed: boolean
  ms: number
}

/** Shares are taken over at least so many requests. */
const LEAST_REQUESTS = 200
const CLIENT_WENT_AWAY = 499
const RESCUED = 'streamgate.rescued'

/** Collects lines; `scenario()` at the end. Lines that are not of the gate's split traffic are counted as skipped. */
export class Trace {
  lines = 0
  skipped = 0
  readonly #options: TraceOptions
  readonly #seen: Seen[] = []

  constructor(options: TraceOptions) {
    this.#options = options
  }

  add(line: string): void {
    if (line.trim() === '') return
    this.lines++
    const seen = this.#read(line)
    if (seen) this.#seen.push(seen)
    else this.skipped++
  }

  #read(line: string): Seen | undefined {
    let entry: Record<string, unknown>
    try {
      entry = JSON.parse(line)
    } catch {
      return undefined
    }
    if (typeof entry !== 'object' || entry === null) return undefined
    const { gate, serving, candidate } = this.#options
    const variant = entry['streamgate.variant']
    const reason = entry['streamgate.variant_reason']
    const status = Number(entry['http.response.status_code'])
    const atMs = Date.parse(String(entry['@timestamp']))
    const ms = Number(entry['streamgate.upstream_ms'] ?? Number(entry['event.duration']) / 1e6)
    if (entry['streamgate.gate'] !== gate || (variant !== serving && variant !== candidate)) return undefined
    if (reason === 'override' || !Number.isFinite(status) || !Number.isFinite(atMs) || !Number.isFinite(ms)) {
      return undefined
    }
    const failed = status >= 500 || (variant === candidate && entry[RESCUED] === true)
    if (status === CLIENT_WENT_AWAY) return undefined
    return { atMs, side: variant === candidate ? 'candidate' : 'serving', failed, ms }
  }

  /** Throws a RangeError where no line was of the gate. */
  scenario(name: string): Scenario {
    const seen = this.#seen.sort((a, b) => a.atMs - b.atMs)
    const first = seen[0]
    if (!first) throw new RangeError(`no request of gate ${this.#options.gate} in ${this.lines} lines`)
    const of = (side: Seen['side']) => seen.filter((request) => request.side === side)
    const some = (side: Seen['side'], other: Seen['side']) => (of(side).length > 0 ? of(side) : of(other))
    const serving = some('serving', 'candidate')
    const candidate = some('candidate', 'serving')
    const sorted = serving.map(({ ms }) => ms).sort((a, b) => a - b)
    const slowMs = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * this.#options.quantile))]!
    const behaviour = (requests: readonly Seen[]) => ({
      failing: shares(requests, first.atMs, ({ failed }) => failed),
      slow: shares(requests, first.atMs, ({ failed, ms }) => !failed && ms > slowMs),
    })
    return scenario({
      name,
      description: `${seen.length} requests of a recorded trace`,
      requestsPerSecond: rates(seen, first.atMs),
      serving: behaviour(serving),
      candidate: behaviour(candidate),
      servingP99Ms: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!,
    })
  }
}

/** Requests of each second. After the last one the trace's mean goes on, so that a release can come to its end. */
function rates(seen: readonly Seen[], firstMs: number): Schedule {
  const counts: number[] = []
  for (const { atMs } of seen) {
    const second = Math.floor((atMs - firstMs) / 1000)
    counts[second] = (counts[second] ?? 0) + 1
  }
  const out: [number, number][] = []
  for (let second = 0; second < counts.length; second++) {
    const count = counts[second] ?? 0
    if (out.at(-1)?.[1] !== count) out.push([second, count])
  }
  out.push([counts.length, seen.length / counts.length])
  return out
}

/** Percent of the requests that `match`, over runs of at least LEAST_REQUESTS. */
function shares(requests: readonly Seen[], firstMs: number, match: (request: Seen) => boolean): Schedule {
  const out: [number, number][] = []
  for (let from = 0; from < requests.length; ) {
    const rest = requests.length - from
    const count = rest < 2 * LEAST_REQUESTS ? rest : LEAST_REQUESTS
    const run = requests.slice(from, from + count)
    const since = from === 0 ? 0 : (run[0]!.atMs - firstMs) / 1000
    out.push([since, (100 * run.filter(match).length) / count])
    from += count
  }
  return out
}
