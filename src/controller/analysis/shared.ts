import type { CellCounts } from './finding.ts'

/** Longest run of cells, in epochs, over which serving is asked whether it fails too. */
export const RUN = 10

/**
 * Marks the cells around which serving broke `max` too: those that lie in any run of at most RUN epochs in which
 * serving's share of bad requests, those pending for long counted as bad, was above it. Runs of every length, because
 * an outage of one second convicts as easily as a long one; on both sides of the cell, because one variant may fail
 * fast and the other by time-out. Writes 1 into `out` for each marked cell, else 0.
 */
export function markShared(cells: readonly CellCounts[], max: number, out: Uint8Array): void {
  out.fill(0, 0, cells.length)
  if (!cells.some((cell) => troubles(cell) > 0)) return
  for (let first = 0; first < cells.length; first++) {
    const end = cells[first]!.epoch + RUN
    let started = 0
    let bad = 0
    let last = -1
    for (let k = first; k < cells.length && cells[k]!.epoch < end; k++) {
      started += cells[k]!.serving.started
      bad += troubles(cells[k]!)
      if (bad > max * started) last = k
    }
    if (last >= first) out.fill(1, first, last + 1)
  }
}

const troubles = ({ serving }: CellCounts): number => Math.min(serving.started, serving.bad + serving.longPending)
