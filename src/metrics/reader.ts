import { type Block, currentEpoch, endpointAt, isShut, tableAt } from './block/block.ts'
import { CELLS, Cell, Endpoint, EndpointRow, Table } from './block/layout.ts'
import { cellAt, endpointRowAt } from './block/rows.ts'

/** One cell of the ring, all workers together: the counts of the requests that started in `epoch`. */
export interface CellReading {
  epoch: number
  /** Effective weight of the candidate of that of candidate and serving, while the cell's requests were split; 0-1. */
  share: number
  candidate: {
    started: number
    bad: number
    timed: number
    slow: number
    slowMax: number
    /** Those that still run. */
    pending: number
    /** Sticky users' failures beyond the first of their bucket. */
    repeated: number
  }
  serving: { started: number; bad: number; timed: number; slow: number; longPending: number }
  /** Requests of the cell that still run. */
  pending: number
}

/** Picks and bad outcomes of an endpoint since a mark. */
export interface EndpointReading {
  picks: number
  bad: number
}

/** Every endpoint's words at one moment. */
export type EndpointMark = Uint32Array

/**
 * The observed cells from `fromEpoch` on that are still in the ring and have any request, ascending, and the current one
 * last. A shut candidate does not lower `share`: from then on the cell's requests are not observed.
 */
export function readCells(block: Block, fromEpoch: number): CellReading[] {
  const current = currentEpoch(block)
  const readings: CellReading[] = []
  for (let epoch = Math.max(1, fromEpoch, current - CELLS + 1); epoch <= current; epoch++) {
    const reading = readCell(block, epoch)
    if (!reading) continue
    if (epoch === current || reading.candidate.started + reading.serving.started > 0) readings.push(reading)
  }
  return readings
}

function readCell(block: Block, epoch: number): CellReading | undefined {
  const { layout, words } = block
  const table = tableAt(layout, epoch)
  const candidate = words[table + Table.candidate]! - 1
  if (words[table + Table.observed] !== 1 || candidate < 0) return undefined
  const sum = new Float64Array(Cell.words)
  const copy = new Uint32Array(Cell.words)
  for (let worker = 0; worker < layout.workers; worker++) {
    if (!copyCell(block, cellAt(layout, worker, epoch), epoch, copy)) continue
    for (let word = 0; word < Cell.words; word++) sum[word]! += copy[word]!
  }
  const count = (word: number): number => sum[word]!
  return {
    epoch,
    share: shareOf(words, table, layout.variants),
    candidate: {
      started: count(Cell.candidateStarted),
      bad: count(Cell.candidateBad),
      timed: count(Cell.candidateTimed),
      slow: count(Cell.candidateSlow),
      slowMax: count(Cell.candidateSlowMax),
      pending: count(Cell.candidatePending),
      repeated: count(Cell.candidateRepeated),
    },
    serving: {
      started: count(Cell.servingStarted),
      bad: count(Cell.servingBad),
      timed: count(Cell.servingTimed),
      slow: count(Cell.servingSlow),
      longPending: count(Cell.servingLongPending),
    },
    pending: count(Cell.candidatePending) + count(Cell.servingPending),
  }
}

/** The candidate's part of what candidate and serving get together: other variants take no part in the experiment. */
function shareOf(words: Int32Array, table: number, variants: number): number {
  const weight = (role: number): number => {
    const variant = words[table + role]! - 1
    return variant >= 0 && variant < variants ? words[table + Table.weights + variant]! : 0
  }
  const candidate = weight(Table.candidate)
  const both = candidate + weight(Table.serving)
  return both === 0 ? 0 : candidate / both
}

/**
 * Copies a worker's cell; false where it is not, or no longer, the epoch's. Outcomes are read before starts (the words from
 * the last to the first), so that no reading has more outcomes than requests.
 */
function copyCell(block: Block, at: number, epoch: number, into: Uint32Array): boolean {
  if (Atomics.load(block.words, at + Cell.tag) !== epoch) return false
  for (let word = Cell.words - 1; word > Cell.tag; word--) into[word] = Atomics.load(block.counters, at + word)
  return Atomics.load(block.words, at + Cell.tag) === epoch
}

/** Weights as they are in effect now, in basis points: a shut candidate has none, its share is serving's. */
export function effectiveWeights(block: Block): number[] {
  const { layout, words } = block
  const epoch = currentEpoch(block)
  const table = tableAt(layout, epoch)
  const weights = Array.from(words.subarray(table + Table.weights, table + Table.weights + layout.variants))
  const candidate = words[table + Table.candidate]! - 1
  const serving = words[table + Table.serving]! - 1
  if (candidate >= 0 && serving >= 0 && isShut(block, epoch)) {
    weights[serving]! += weights[candidate]!
    weights[candidate] = 0
  }
  return weights
}

/** The endpoints' words of this moment, by slot and word: give it to `readEndpoints` later. */
export function markEndpoints(block: Block): EndpointMark {
  const { layout, counters } = block
  const mark = new Uint32Array(layout.endpoints * EndpointRow.words)
  for (let worker = 0; worker < layout.workers; worker++) {
    const at = endpointRowAt(layout, worker, 0)
    for (let word = 0; word < mark.length; word++) mark[word]! += counters[at + word]!
  }
  return mark
}

/** What the endpoint in `slot` has done since `mark`, taken of the same block. */
export function readEndpoints(block: Block, mark: EndpointMark, slot: number): EndpointReading {
  const { layout, counters } = block
  const from = slot * EndpointRow.words
  let picks = -mark[from + EndpointRow.picks]!
  let bad = -mark[from + EndpointRow.bad]!
  for (let worker = 0; worker < layout.workers; worker++) {
    const at = endpointRowAt(layout, worker, slot)
    picks += counters[at + EndpointRow.picks]!
    bad += counters[at + EndpointRow.bad]!
  }
  return { picks: picks >>> 0, bad: bad >>> 0 }
}

/** States of an endpoint, as the balancer sees it. */
export const ENDPOINT_STATES = ['ready', 'unhealthy', 'ejected'] as const

/** How many of `slots` are in each of ENDPOINT_STATES. `nowMs`: Clock.nowMs. */
export function countEndpoints(block: Block, slots: readonly number[], nowMs: number): Record<EndpointState, number> {
  const { layout, words } = block
  const counts = { ready: 0, unhealthy: 0, ejected: 0 }
  for (const slot of slots) {
    const at = endpointAt(layout, slot)
    if (Atomics.load(words, at + Endpoint.unhealthy) !== 0) counts.unhealthy++
    else if (Atomics.load(words, at + Endpoint.ejectedUntilS) * 1000 > nowMs) counts.ejected++
    else counts.ready++
  }
  return counts
}

export type EndpointState = (typeof ENDPOINT_STATES)[number]
