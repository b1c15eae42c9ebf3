import { type BlockShape, Endpoint, type Layout, layoutOf, Steering, TABLES, Table } from './layout.ts'

/** A gate's shared memory with its layout. Structured-clone `{buffer, shape}` to hand it to a worker. */
export interface BlockRef {
  buffer: SharedArrayBuffer
  shape: BlockShape
}

export interface Block {
  ref: BlockRef
  layout: Layout
  words: Int32Array
  /** The same memory, unsigned: counters. */
  counters: Uint32Array
}

/** Serving requests count as long pending after this many microseconds until serving's p99 is known (analysis.md). */
export const DEFAULT_PENDING_US = 100_000

/** Allocates a block, without a harm budget and with epoch 1 not yet written: call `advanceEpoch` before workers see it. */
export function createBlock(shape: BlockShape): Block {
  const layout = layoutOf(shape)
  const block = openBlock({ buffer: new SharedArrayBuffer(layout.words * 4), shape })
  block.words[Steering.harmLeft] = -1
  block.words[Steering.pendingUs] = DEFAULT_PENDING_US
  return block
}

export function openBlock(ref: BlockRef): Block {
  return {
    ref,
    layout: layoutOf(ref.shape),
    words: new Int32Array(ref.buffer),
    counters: new Uint32Array(ref.buffer),
  }
}

/** What an epoch says. Weights are effective ones, in basis points, one a variant, and sum to 10,000. */
export interface WeightTable {
  weightsBps: readonly number[]
  observed: boolean
  /** Indexes of variants, or -1. */
  candidate: number
  serving: number
  salt: number
}

/**
 * Main thread only: writes the next table and makes it effective at the next request of every worker.
 * Opens the guard, as the guard names the epoch that it shut: ask `isShut` first. The new cell takes the place of the one CELLS
 * epochs before: read that one first. Returns the new epoch.
 */
export function advanceEpoch(block: Block, table: WeightTable): number {
  const { words, layout } = block
  const epoch = (Atomics.load(words, Steering.epoch) + 1) | 0
  const at = tableAt(layout, epoch)
  words[at + Table.observed] = table.observed ? 1 : 0
  words[at + Table.candidate] = table.candidate + 1
  words[at + Table.serving] = table.serving + 1
  words[at + Table.salt] = table.salt | 0
  for (let v = 0; v < layout.variants; v++) words[at + Table.weights + v] = table.weightsBps[v] ?? 0
  Atomics.store(words, Steering.epoch, epoch)
  return epoch
}

export function tableAt(layout: Layout, epoch: number): number {
  return layout.tables + (epoch % TABLES) * layout.tableWords
}

export const currentEpoch = (block: Block): number => Atomics.load(block.words, Steering.epoch)

/** The effective table of `epoch`; allocates, for the main thread and tests. */
export function readTable(block: Block, epoch: number): WeightTable {
  const { words, layout } = block
  const at = tableAt(layout, epoch)
  return {
    observed: words[at + Table.observed] === 1,
    candidate: words[at + Table.candidate]! - 1,
    serving: words[at + Table.serving]! - 1,
    salt: words[at + Table.salt]!,
    weightsBps: Array.from(words.subarray(at + Table.weights, at + Table.weights + layout.variants)),
  }
}

/** Shuts the candidate for the rest of `epoch`: any thread, at once, no store needed. */
export function shutGuard(block: Block, epoch: number): void {
  Atomics.store(block.words, Steering.guard, epoch)
}

/**
 * True when the candidate gets nothing in `epoch`: its guard is shut, or it is judged and its harm budget is used up. The
 * second half holds across epochs, so that one which begins just as the budget runs out does not open the guard again.
 */
export function isShut(block: Block, epoch: number): boolean {
  const { words, layout } = block
  if (Atomics.load(words, Steering.guard) === epoch) return true
  return Atomics.load(words, Steering.harmLeft) === 0 && words[tableAt(layout, epoch) + Table.observed] === 1
}

/** Main thread: the harm budget; -1 = none, 0 = the candidate of a judged epoch is shut. Set it when a release starts and ends. */
export function setHarmLeft(block: Block, failures: number): void {
  Atomics.store(block.words, Steering.harmLeft, failures)
}

/** Takes one failed answer from the harm budget; returns true when that was the last one. Any thread. */
export function spendHarm(block: Block): boolean {
  for (;;) {
    const left = Atomics.load(block.words, Steering.harmLeft)
    if (left < 1) return false
    if (Atomics.compareExchange(block.words, Steering.harmLeft, left, left - 1) === left) return left === 1
  }
}

/** Base of an endpoint's shared words. */
export const endpointAt = (layout: Layout, slot: number): number => layout.endpointsShared + slot * Endpoint.words
