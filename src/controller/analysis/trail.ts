import { At, type Bench, type CellRules, stepCell } from './capital.ts'
import { load } from './experts.ts'
import type { CellCounts } from './finding.ts'
import type { HistoricalFloors, JudgeState } from './state.ts'

/**
 * The capital after the open cells, replayed from the folded capital. From one tick to the next only the youngest cells
 * change, so the capital after every STRIDE-th cell is kept beside the state and the replay begins at the first cell
 * that differs. The result is the same to the last bit with or without what was kept.
 */
const STRIDE = 4

interface Trail {
  historical: HistoricalFloors | undefined
  entries: Entry[]
}

interface Entry {
  epoch: number
  counts: Float64Array
  /** Candidate requests up to and with this cell. */
  requests: number
  /** Capital after this cell, for every STRIDE-th one. */
  after: Float64Array | undefined
}

const trails = new WeakMap<JudgeState, Trail>()

export interface Replay {
  capital: Float64Array
  requests: number
}

/** What a replay needs beside the folded state. `shared`: 1 for each cell around which serving failed too. */
export interface OpenCells {
  cells: readonly CellCounts[]
  shared: Uint8Array
  historical: HistoricalFloors | undefined
}

/**
 * Replays the open cells on top of `state`, which followed `before`. The result's vector is scratch: it is overwritten
 * by the next call.
 */
export function replay(before: JudgeState, state: JudgeState, bench: Bench, open: OpenCells): Replay {
  const { cells, shared, historical } = open
  const kept = trails.get(before)
  trails.delete(before)
  const trail = kept && sameFloors(kept.historical, historical) ? kept : { historical, entries: [] }
  const { entries } = trail
  dropFolded(entries, state.folded)

  let from = 0
  while (from < cells.length && from < entries.length && matches(entries[from]!, cells[from]!, shared[from]!)) from++
  while (from > 0 && entries[from - 1]!.after === undefined) from--
  entries.length = from

  const start = entries[from - 1]
  if (start?.after) scratch.set(start.after)
  else load(scratch, state.capital)
  let requests = start?.requests ?? state.requests
  const rules: CellRules = { shared: false, historical, pessimistic: false }
  for (let k = from; k < cells.length; k++) {
    const cell = cells[k]!
    rules.shared = shared[k] === 1
    stepCell(scratch, bench, cell, rules, requests)
    requests += cell.candidate.started
    const after = cell.epoch % STRIDE === 0 ? scratch.slice() : undefined
    entries.push({ epoch: cell.epoch, counts: countsOf(cell, shared[k]!).slice(), requests, after })
  }
  trails.set(state, trail)
  return { capital: scratch, requests }
}

const scratch = new Float64Array(At.size)
const darker = new Float64Array(At.size)

/** The same with every long pending serving request counted as bad; rare, so nothing is kept. */
export function replayPessimistic(state: JudgeState, bench: Bench, { cells, shared, historical }: OpenCells): Replay {
  load(darker, state.capital)
  let requests = state.requests
  for (let k = 0; k < cells.length; k++) {
    stepCell(darker, bench, cells[k]!, { shared: shared[k] === 1, historical, pessimistic: true }, requests)
    requests += cells[k]!.candidate.started
  }
  return { capital: darker, requests }
}

/** Entries of cells that were folded meanwhile; what is kept after a later cell stays true. */
function dropFolded(entries: Entry[], folded: number): void {
  let gone = 0
  while (gone < entries.length && entries[gone]!.epoch <= folded) gone++
  if (gone > 0) entries.splice(0, gone)
}

const COUNTS = 9
const row = new Float64Array(COUNTS)

/** All that the capital of a cell rests on. Scratch. */
function countsOf({ share, candidate, serving }: CellCounts, shared: number): Float64Array {
  row[0] = share
  row[1] = candidate.started
  row[2] = candidate.bad
  row[3] = candidate.timed
  row[4] = candidate.slow
  row[5] = candidate.slowMax
  row[6] = serving.bad
  row[7] = serving.slow
  row[8] = shared
  return row
}

function matches(entry: Entry, cell: CellCounts, shared: number): boolean {
  if (entry.epoch !== cell.epoch) return false
  const now = countsOf(cell, shared)
  for (let k = 0; k < COUNTS; k++) if (entry.counts[k] !== now[k]) return false
  return true
}

const sameFloors = (a: HistoricalFloors | undefined, b: HistoricalFloors | undefined): boolean =>
  a?.bad === b?.bad && a?.slow === b?.slow
