import type { Block } from './block.ts'
import { BITMAP_WORDS, CELLS, Cell, EndpointRow, type Layout, Variant } from './layout.ts'

/** Where things are within a block, in words: the arithmetic that recorder and readers share. */
export const rowAt = (layout: Layout, worker: number): number => layout.rows + worker * layout.rowWords

/** Base of the gate's words in a worker's row. */
export const gateAt = (layout: Layout, worker: number): number => rowAt(layout, worker) + layout.rowGate

/** Base of a variant's words in a worker's row. */
export const variantAt = (layout: Layout, worker: number, variant: number): number =>
  rowAt(layout, worker) + layout.rowVariants + variant * Variant.words

/** Base of an endpoint's words in a worker's row. */
export const endpointRowAt = (layout: Layout, worker: number, slot: number): number =>
  rowAt(layout, worker) + layout.rowEndpoints + slot * EndpointRow.words

/** Base of the cell that `epoch` uses in a worker's row; it is the epoch's only while its tag says so. */
export const cellAt = (layout: Layout, worker: number, epoch: number): number =>
  rowAt(layout, worker) + layout.rowCells + (epoch % CELLS) * Cell.words

/** Base of a variant's sticky bitmap. */
export const bitmapAt = (layout: Layout, variant: number): number => layout.bitmaps + variant * BITMAP_WORDS

/** Main thread, at the start of a step: every sticky bucket may contribute one bad observation again. */
export function clearBitmaps(block: Block): void {
  const { layout, words } = block
  const end = layout.bitmaps + layout.variants * BITMAP_WORDS
  for (let at = layout.bitmaps; at < end; at++) Atomics.store(words, at, 0)
}

/** Main thread, when a worker has died: nothing runs in it any more; what it has counted stays. */
export function zeroGauges(block: Block, worker: number): void {
  const { layout, words } = block
  for (let v = 0; v < layout.variants; v++) Atomics.store(words, variantAt(layout, worker, v) + Variant.inFlight, 0)
  for (let slot = 0; slot < layout.endpoints; slot++) {
    Atomics.store(words, endpointRowAt(layout, worker, slot) + EndpointRow.inFlight, 0)
  }
  for (let cell = 0; cell < CELLS; cell++) {
    const at = cellAt(layout, worker, cell)
    Atomics.store(words, at + Cell.servingLongPending, 0)
    Atomics.store(words, at + Cell.candidatePending, 0)
    Atomics.store(words, at + Cell.servingPending, 0)
  }
}
