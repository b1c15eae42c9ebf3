import { METRICS, type MetricKey } from './names.ts'
import { RELEASE_PHASES, RELEASE_RESULTS, type ReleaseTelemetry } from './release-telemetry.ts'
import { histogramSeries, type Series, sample } from './series.ts'

/** Buckets in seconds: a release takes minutes to hours, a rollback much less. */
export const RELEASE_BUCKETS_S = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400] as const
export const ROLLBACK_BUCKETS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const

/** Labels are bounded: more tests than there ever will be are a mistake. */
const MAX_TESTS = 16

/** What was told of one gate under one strategy; a change of strategy begins a further one. */
interface StrategyCounts {
  labels: Record<string, string>
  results: Map<string, number>
  releases: Observed
  rollbacks: Observed
}

interface GateReleases {
  labels: Record<string, string>
  phase: string
  downtimeS: number
  evidence: Map<string, number>
  strategies: Map<string, StrategyCounts>
}

/** Holds what the controller tells about releases, and prints it for the gates that are known. */
export class ReleaseSeries implements ReleaseTelemetry {
  readonly #gates = new Map<string, GateReleases>()

  /** A gate with a release appears with all its series at once; one that is known keeps what was counted. */
  add(gate: string, strategy: string): void {
    const known = this.#gates.get(gate) ?? {
      labels: { gate },
      phase: RELEASE_PHASES[0],
      downtimeS: 0,
      evidence: new Map(),
      strategies: new Map(),
    }
    this.#gates.set(gate, known)
    countsOf(known, gate, strategy)
  }

  remove(gate: string): void {
    this.#gates.delete(gate)
  }

  setPhase(gate: string, phase: string): void {
    const known = this.#gates.get(gate)
    if (known) known.phase = phase
  }

  releaseEnded(gate: string, strategy: string, result: string, seconds: number): void {
    const known = this.#gates.get(gate)
    if (!known) return
    const counts = countsOf(known, gate, strategy)
    if (!counts.results.has(result)) return
    counts.results.set(result, counts.results.get(result)! + 1)
    counts.releases.observe(seconds)
  }

  rollbackEnded(gate: string, strategy: string, seconds: number): void {
    const known = this.#gates.get(gate)
    if (known) countsOf(known, gate, strategy).rollbacks.observe(seconds)
  }

  addDowntime(gate: string, seconds: number): void {
    const known = this.#gates.get(gate)
    if (known) known.downtimeS += seconds
  }

  setEvidence(gate: string, test: string, ln: number): void {
    const evidence = this.#gates.get(gate)?.evidence
    if (evidence && (evidence.has(test) || evidence.size < MAX_TESTS)) evidence.set(test, ln)
  }

  /** The samples of one of the release's metrics; undefined for a metric that is not about releases. */
  read(metric: MetricKey): Series[] | undefined {
    const read = READERS[metric]
    return read && Array.from(this.#gates.values()).flatMap(read)
  }
}

const READERS: Partial<Record<MetricKey, (gate: GateReleases) => Series[]>> = {
  phase: ({ labels, phase }) => RELEASE_PHASES.map((each) => sample(labels, each === phase ? 1 : 0, { phase: each })),
  downtime: ({ labels, downtimeS }) => [sample(labels, downtimeS)],
  evidence: ({ labels, evidence }) => Array.from(evidence, ([test, ln]) => sample(labels, ln, { test })),
  releases: ({ strategies }) =>
    Array.from(strategies.values()).flatMap(({ labels, results }) =>
      Array.from(results, ([result, count]) => sample(labels, count, { result })),
    ),
  releaseDuration: ({ strategies }) =>
    Array.from(strategies.values()).flatMap((each) => each.releases.series(METRICS.releaseDuration[0], each.labels)),
  rollbackDuration: ({ strategies }) =>
    Array.from(strategies.values()).flatMap((each) => each.rollbacks.series(METRICS.rollbackDuration[0], each.labels)),
}

function countsOf(known: GateReleases, gate: string, strategy: string): StrategyCounts {
  let counts = known.strategies.get(strategy)
  if (!counts) {
    counts = {
      labels: { gate, strategy },
      results: new Map(RELEASE_RESULTS.map((result) => [result, 0])),
      releases: new Observed(RELEASE_BUCKETS_S),
      rollbacks: new Observed(ROLLBACK_BUCKETS_S),
    }
    known.strategies.set(strategy, counts)
  }
  return counts
}

/** A histogram that is observed now and then. */
class Observed {
  readonly #edges: readonly number[]
  readonly #cumulative: number[]
  #count = 0
  #sum = 0

  constructor(edges: readonly number[]) {
    this.#edges = edges
    this.#cumulative = edges.map(() => 0)
  }

  observe(value: number): void {
    this.#count++
    this.#sum += value
    for (const [i, edge] of this.#edges.entries()) if (value <= edge) this.#cumulative[i]!++
  }

  series(name: string, labels: Record<string, string>): Series[] {
    return histogramSeries(name, labels, this.#edges, this.#cumulative, this.#count, this.#sum)
  }
}
