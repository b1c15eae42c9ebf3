export * from './block/block.ts'
export * from './block/layout.ts'
export { clearBitmaps, zeroGauges } from './block/rows.ts'
export { GateMeter } from './meter.ts'
export type { MeteredGate, MeteredVariant } from './metered-gate.ts'
export { quantile } from './quantile.ts'
export { GateStats, type VariantStats } from './rates.ts'
export {
  type CellReading,
  countEndpoints,
  type EndpointMark,
  type EndpointReading,
  effectiveWeights,
  markEndpoints,
  readCells,
  readEndpoints,
} from './reader.ts'
export { createRecorder } from './recorder.ts'
export type { GateRecorder, RequestObservation, Role } from './recording.ts'
export type { MetricsRegistry } from './registry.ts'
export { RELEASE_PHASES, RELEASE_RESULTS, type ReleaseTelemetry } from './release-telemetry.ts'
export { MetricsServer, type Readiness } from './server.ts'
export {
  emptyGateTotals,
  emptyHistogram,
  emptyVariantTotals,
  type GateTotals,
  type Histogram,
  type VariantTotals,
} from './totals.ts'

/** The registry with prom-client: only the main thread has one, and what no worker loads costs none of them memory. */
export const loadMetricsRegistry = async () => (await import('./registry.ts')).MetricsRegistry
