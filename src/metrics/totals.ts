import { BUCKET_COUNT, CODE_COUNT, FAILURE_KINDS } from './block/layout.ts'

/** Counts by bucket of EDGES_US (the last bucket is open), and the sum of what was measured. */
export interface Histogram {
  readonly counts: Float64Array
  sumUs: number
}

/** Everything that was ever counted of one variant, all workers together; only grows but for `inFlight`. */
export interface VariantTotals {
  /** Requests split onto the variant, those shed included. */
  offered: number
  /** Those of them that were split by weight or sticky bucket. */
  split: number
  /** Clients' requests that run now. */
  inFlight: number
  /** Clients' requests that have ended, and how many of them failed. */
  ended: number
  failed: number
  attempts: number
  /** Failed attempts by FAILURE_KINDS. */
  readonly failures: Float64Array
  /** Ended requests by status code, from CODE_MIN. */
  readonly codes: Float64Array
  /** Of clients' requests, first byte to last. */
  readonly durations: Histogram
  /** Of attempts: last request byte sent to first response byte. */
  readonly latencies: Histogram
}

/** Everything that was ever counted of a gate as a whole. */
export interface GateTotals {
  rescued: number
  harmed: number
  mirrored: number
  mirrorStatusDiffers: number
  mirrorLengthDiffers: number
  mirrorFailed: number
  retried: number
  succeeded: number
}

/** A histogram of nothing. */
export const emptyHistogram = (): Histogram => ({ counts: new Float64Array(BUCKET_COUNT), sumUs: 0 })

/** The totals of a variant that has never been asked. */
export const emptyVariantTotals = (): VariantTotals => ({
  offered: 0,
  split: 0,
  inFlight: 0,
  ended: 0,
  failed: 0,
  attempts: 0,
  failures: new Float64Array(FAILURE_KINDS.length),
  codes: new Float64Array(CODE_COUNT),
  durations: emptyHistogram(),
  latencies: emptyHistogram(),
})

/** The totals of a gate that has never been asked. */
export const emptyGateTotals = (): GateTotals => ({
  rescued: 0,
  harmed: 0,
  mirrored: 0,
  mirrorStatusDiffers: 0,
  mirrorLengthDiffers: 0,
  mirrorFailed: 0,
  retried: 0,
  succeeded: 0,
})
