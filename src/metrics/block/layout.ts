/**
 * The layout of a gate's block: one SharedArrayBuffer that the main thread and all workers share. Pure arithmetic.
 *
 *   steering | tables[TABLES] | endpoints' shared words | sticky bitmaps | rows[workers]
 *
 * Every word is 32 bits. A word has one writer, named beside it; the few that several threads write are changed by
 * Atomics only. Counters wrap modulo 2^32: readers take differences.
 */
export interface BlockShape {
  workers: number
  variants: number
  /** Endpoint slots of the whole gate, all variants together. */
  endpoints: number
}

/** Tables of weights, one an epoch; a worker reads a table only at the start of a request. */
export const TABLES = 256
/** Cells of observations, one an epoch: analysis.md's ring. What left the ring is final. */
export const CELLS = 128
/** Sticky buckets (a cookie holds one of them) and the words of their bitmap. */
export const BUCKETS = 10_000
export const BITMAP_WORDS = Math.ceil(BUCKETS / 32)

/** Steering words. Written by the main thread unless said otherwise. */
export const Steering = {
  /** The current epoch, 1 or more: one atomic store makes the next table and the next cell effective everywhere. */
  epoch: 0,
  /** The epoch whose candidate is shut, else 0: while it equals `epoch`, the candidate's weight is 0. Written by anybody. */
  guard: 1,
  /** Failed answers that users may still see from the candidate before the guard shuts; -1 = no budget. Changed by anybody (Atomics.sub). */
  harmLeft: 2,
  /** Relative slow threshold in microseconds; 0 = unknown or off. */
  slowUs: 3,
  /** Absolute slow threshold in microseconds; 0 = off. */
  slowMaxUs: 4,
  /** Serving requests pending longer than this many microseconds count as long pending (analysis.md, "A conviction by worse"). */
  pendingUs: 5,
  /** Grows with every observed candidate request that failed or became slow: a look at once may convict. Changed by workers (Atomics.add). */
  alarm: 6,
  words: 8,
} as const

/** Words of a table, followed by one weight in basis points a variant. */
export const Table = {
  /** 1: requests of this epoch are observed (a release is judged). */
  observed: 0,
  /** Index of the candidate variant plus 1; 0 = no candidate. */
  candidate: 1,
  /** Index of the serving variant plus 1; 0 = none. */
  serving: 2,
  /** Salt of the sticky buckets; changes with every release, so that the same users are not always first. */
  salt: 3,
  weights: 4,
} as const

/** Words of an endpoint that all threads share. */
export const Endpoint = {
  /** 0 = healthy or not checked, 1 = failed its active health check. Written by the main thread. */
  unhealthy: 0,
  /** Consecutive 5xx and connection failures (Atomics). */
  consecutive: 1,
  /** Ejected until this monotonic time in seconds (Clock.nowMs / 1000, rounded up); 0 = not ejected (Atomics). */
  ejectedUntilS: 2,
  /** How often it was ejected in a row; the time out grows with it (Atomics). */
  ejections: 3,
  /** Requests that it was ever picked for: the first 20 of a new endpoint have no latency for the judge (Atomics). */
  picked: 4,
  words: 8,
} as const

/** Words of a variant in a worker's row; one writer: that worker (main zeroes `inFlight` of a dead worker). */
export const FAILURE_KINDS = ['5xx', 'grpc', 'connect', 'reset', 'timeout', 'overflow', 'unavailable'] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]
export const CODE_MIN = 100
export const CODE_COUNT = 500

/** Histogram edges in microseconds, ascending: about 12 % apart, the Prometheus buckets among them. The last bucket is open. */
export const EDGES_US: readonly number[] = edges()
export const BUCKET_COUNT = EDGES_US.length + 1

function edges(): number[] {
  const mantissas = [10, 11.2, 12.5, 14, 16, 18, 20, 22.5, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90]
  const out: number[] = []
  for (let decade = 10; decade <= 1e6; decade *= 10) for (const m of mantissas) out.push(Math.round(m * decade))
  out.push(1e8)
  return out
}

/** Index of the bucket whose upper edge is the first one >= `us`. */
export function bucketOf(us: number): number {
  let low = 0
  let high = EDGES_US.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (EDGES_US[middle]! < us) low = middle + 1
    else high = middle
  }
  return low
}

export const Variant = {
  /** Requests offered to the variant (split onto it), those shed included. */
  offered: 0,
  /** Clients' requests running on it. */
  inFlight: 1,
  /** Clients' final outcomes that count as failed (FailureKind in failureOn). */
  failed: 2,
  /** Attempts sent upstream. */
  attempts: 3,
  /** Sum of the durations in units of 10 microseconds. */
  durationSum: 4,
  /** Sum of the times to first byte in units of 10 microseconds. */
  latencySum: 5,
  /** Offered by weight or by sticky bucket: the share's numerator. */
  split: 6,
  /** Carries of the two sums: their words wrap after 12 hours of requests, which a busy worker has within a second. */
  durationSumHigh: 7,
  failures: 8,
  latencySumHigh: 15,
  codes: 16,
  durations: 16 + CODE_COUNT,
  latencies: 16 + CODE_COUNT + BUCKET_COUNT,
  words: 16 + CODE_COUNT + 2 * BUCKET_COUNT,
} as const

/** Words of a gate in a worker's row. */
export const Gate = {
  rescued: 0,
  harmed: 1,
  mirrored: 2,
  /** Mirrored answers that differ in status; in length. */
  mirrorStatusDiffers: 3,
  mirrorLengthDiffers: 4,
  mirrorFailed: 5,
  /** Requests answered by the gate itself, without a variant having been asked (endpoint missing, budget). */
  retried: 6,
  /** Successful answers to clients, whichever variant gave them. */
  succeeded: 7,
  words: 8,
} as const

/** Words of an endpoint in a worker's row. */
export const EndpointRow = { picks: 0, inFlight: 1, bad: 2, words: 4 } as const

/** Words of a cell in a worker's row. A cell belongs to the epoch in `tag`; its other words are 0 when the tag is set. */
export const Cell = {
  tag: 0,
  candidateStarted: 1,
  candidateBad: 2,
  servingStarted: 3,
  servingBad: 4,
  /** Requests whose latency is judged, and those of them that crossed the relative and the absolute threshold. */
  candidateTimed: 5,
  candidateSlow: 6,
  candidateSlowMax: 7,
  servingTimed: 8,
  servingSlow: 9,
  /** A gauge: serving requests of the cell that are pending longer than `pendingUs`. */
  servingLongPending: 10,
  /** Gauges: requests of the cell that are still running. */
  candidatePending: 11,
  servingPending: 12,
  /** Sticky users' failures beyond the first of their bucket. */
  candidateRepeated: 13,
  words: 14,
} as const

export interface Layout extends BlockShape {
  tables: number
  tableWords: number
  endpointsShared: number
  bitmaps: number
  rows: number
  rowWords: number
  /** Offsets within a row. */
  rowGate: number
  rowVariants: number
  rowEndpoints: number
  rowCells: number
  words: number
}

/** Where everything is in a block of `shape`, in words from its start. */
export function layoutOf(shape: BlockShape): Layout {
  const tables = Steering.words
  const tableWords = Table.weights + shape.variants
  const endpointsShared = tables + TABLES * tableWords
  const bitmaps = endpointsShared + shape.endpoints * Endpoint.words
  // Rows begin on a cache line of their own (64 bytes), so that workers do not slow each other down.
  const rows = roundUp(bitmaps + shape.variants * BITMAP_WORDS, 16)
  const rowGate = 0
  const rowVariants = rowGate + Gate.words
  const rowEndpoints = rowVariants + shape.variants * Variant.words
  const rowCells = rowEndpoints + shape.endpoints * EndpointRow.words
  const rowWords = roundUp(rowCells + CELLS * Cell.words, 16)
  return {
    ...shape,
    tables,
    tableWords,
    endpointsShared,
    bitmaps,
    rows,
    rowWords,
    rowGate,
    rowVariants,
    rowEndpoints,
    rowCells,
    words: rows + shape.workers * rowWords,
  }
}

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to
