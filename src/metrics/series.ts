/** One sample as prom-client prints it. `sharedLabels` is printed once and remembered by identity: keep the object. */
export interface Series {
  labels: Record<string, string>
  sharedLabels: Record<string, string>
  value: number
  /** Where it is not the metric's own name: `_bucket`, `_sum`, `_count`. */
  metricName?: string
}

const NO_LABELS: Record<string, string> = {}

/** A sample with no labels but the shared ones. */
export const sample = (sharedLabels: Record<string, string>, value: number, labels = NO_LABELS): Series => ({
  labels,
  sharedLabels,
  value,
})

/** The samples of a histogram. `cumulative`: counts of what was at most the edge, one an edge. */
export function histogramSeries(
  name: string,
  sharedLabels: Record<string, string>,
  edges: readonly number[],
  cumulative: readonly number[],
  count: number,
  sum: number,
): Series[] {
  const bucket = (le: string, value: number): Series => ({
    labels: { le },
    sharedLabels,
    value,
    metricName: `${name}_bucket`,
  })
  return [
    ...edges.map((edge, i) => bucket(String(edge), cumulative[i]!)),
    bucket('+Inf', count),
    { labels: NO_LABELS, sharedLabels, value: sum, metricName: `${name}_sum` },
    { labels: NO_LABELS, sharedLabels, value: count, metricName: `${name}_count` },
  ]
}
