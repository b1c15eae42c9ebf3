import { CODE_MIN, EDGES_US, FAILURE_KINDS } from './block/layout.ts'
import type { MeteredGate, MeteredVariant } from './metered-gate.ts'
import { METRICS, type MetricKey } from './names.ts'
import { countEndpoints, ENDPOINT_STATES, effectiveWeights } from './reader.ts'
import { histogramSeries, type Series, sample } from './series.ts'
import type { Histogram } from './totals.ts'

/** Buckets of the exported histogram in seconds: edges of the inner one, so that nothing is interpolated. */
export const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 100] as const
const DURATION_EDGES = DURATION_BUCKETS_S.map((s) => EDGES_US.indexOf(Math.round(s * 1e6)))

/** A gate with its labels, made once, when it is added. */
export interface LabelledGate {
  gate: MeteredGate
  labels: Record<string, string>
  variants: { variant: MeteredVariant; labels: Record<string, string>; rateLabels: Record<string, string> }[]
}

/** Names a gate's labels. */
export function labelGate(gate: MeteredGate): LabelledGate {
  return {
    gate,
    labels: { gate: gate.key },
    variants: gate.variants.map((variant) => {
      const labels = { gate: gate.key, variant: variant.name }
      return { variant, labels, rateLabels: { ...labels, gate_namespace: gate.namespace, service: variant.service } }
    }),
  }
}

/** How the samples of each metric are read off a gate; `nowMs` is Clock.nowMs. The meter has been read before. */
export const GATE_SERIES: Partial<Record<MetricKey, (gate: LabelledGate, nowMs: number) => Series[]>> = {
  requests: ({ gate, variants }) =>
    variants.flatMap(({ variant, labels }) => {
      const series: Series[] = []
      gate.meter.variant(variant.name)?.codes.forEach((count, index) => {
        if (count > 0) series.push(sample(labels, count, { code: String(CODE_MIN + index) }))
      })
      return series
    }),
  duration: ({ gate, variants }) =>
    variants.flatMap(({ variant, labels }) => {
      const totals = gate.meter.variant(variant.name)
      return totals ? durations(labels, totals.durations) : []
    }),
  failures: ({ gate, variants }) =>
    variants.flatMap(({ variant, labels }) => {
      const failures = gate.meter.variant(variant.name)?.failures
      return FAILURE_KINDS.map((kind, index) => sample(labels, failures?.[index] ?? 0, { kind }))
    }),
  rescued: ({ gate, labels }) => [sample(labels, gate.meter.gate.rescued)],
  harmed: ({ gate, labels }) => [sample(labels, gate.meter.gate.harmed)],
  inFlight: ({ gate, variants }) =>
    variants.map(({ variant, labels }) => sample(labels, gate.meter.variant(variant.name)?.inFlight ?? 0)),
  endpoints: ({ gate, variants }, nowMs) =>
    variants.flatMap(({ variant, labels }) => {
      const counts = countEndpoints(gate.meter.block, variant.slots(), nowMs)
      return ENDPOINT_STATES.map((state) => sample(labels, counts[state], { state }))
    }),
  rate: ({ gate, variants }) =>
    variants.map(({ variant, rateLabels }) => sample(rateLabels, gate.stats.stats(variant.name).requestsPerSecond)),
  weight: ({ gate, variants }) => {
    const weights = effectiveWeights(gate.meter.block)
    return variants.map(({ variant, labels }) => {
      return sample(labels, (weights[gate.meter.names.indexOf(variant.name)] ?? 0) / 10_000)
    })
  },
  share: ({ gate, variants }) =>
    variants.flatMap(({ variant, labels }) => {
      const { share } = gate.stats.stats(variant.name)
      return share === null ? [] : [sample(labels, share / 100)]
    }),
}

function durations(labels: Record<string, string>, { counts, sumUs }: Histogram): Series[] {
  const cumulative: number[] = []
  let seen = 0
  let next = 0
  for (const edge of DURATION_EDGES) {
    for (; next <= edge; next++) seen += counts[next]!
    cumulative.push(seen)
  }
  for (; next < counts.length; next++) seen += counts[next]!
  return histogramSeries(METRICS.duration[0], labels, DURATION_BUCKETS_S, cumulative, seen, sumUs / 1e6)
}
