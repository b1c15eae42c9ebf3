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
  /** The first `used` are true, the others wait to be written again. */
  entries: Entry[]
  used: number
}

interface Entry {
  epoch: number
  counts: Float64Array
  /** Candidate requests up to and with this cell. */
  requests: number
  /** Capital after this cell, if `marked`: every STRIDE-th one. */
  marked: boolean
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
 * Replays the open cells on top of `state`, which followed `before` when `folding` was folded. The result's vector is
 * scratch: it is overwritten by the next call.
 */
export function replay(
  before: JudgeState,
  state: JudgeState,
  bench: Bench,
  open: OpenCells,
  folding: OpenCells,
): Replay {
  const { cells, shared, historical } = open
  const kept = trails.get(before)
  trails.delete(before)
  const trail = kept ?? { historical, entries: [], used: 0 }
  if (!sameFloors(trail.historical, historical)) Object.assign(trail, { historical, used: 0 })
  dropFolded(trail, folding)

  const { entries } = trail
  let from = 0
  while (from < cells.length && from < trail.used && matches(entries[from]!, cells[from]!, shared[from]!)) from++
  while (from > 0 && !entries[from - 1]!.marked) from--

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
    entries[k] ??= { epoch: 0, counts: new Float64Array(COUNTS), requests: 0, marked: false, after: undefined }
    note(entries[k]!, cell, shared[k]!, requests)
  }
  trail.used = cells.length
  trails.set(state, trail)
  return { capital: scratch, requests }
}

function note(entry: Entry, cell: CellCounts, shared: number, requests: number): void {
  entry.epoch = cell.epoch
  countsOf(cell, shared, entry.counts)
  entry.requests = requests
  entry.marked = cell.epoch % STRIDE === 0
  if (!entry.marked) return
  entry.after ??= new Float64Array(At.size)
  entry.after.set(scratch)
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

/**
 * The entries of cells that are folded now. What is kept after later cells stays true only if these were folded as they
 * were noted: the outcome that makes a cell final often comes in the tick that folds it.
 */
function dropFolded(trail: Trail, { cells, shared }: OpenCells): void {
  const gone = cells.length
  if (gone === 0) return
  const { entries, used } = trail
  if (gone > used || !cells.every((cell, k) => matches(entries[k]!, cell, shared[k]!))) {
    trail.used = 0
    return
  }
  entries.push(...entries.splice(0, gone))
  trail.used -= gone
}

const COUNTS = 9
const row = new Float64Array(COUNTS)

/** All that the capital of a cell rests on. */
function countsOf({ share, candidate, serving }: CellCounts, shared: number, row: Float64Array): void {
  row[0] = share
  row[1] = candidate.started
  row[2] = candidate.bad
  row[3] = candidate.timed
  row[4] = candidate.slow
  row[5] = candidate.slowMax
  row[6] = serving.bad
  row[7] = serving.slow
  row[8] = shared
}

function matches(entry: Entry, cell: CellCounts, shared: number): boolean {
  if (entry.epoch !== cell.epoch) return false
  countsOf(cell, shared, row)
  for (let k = 0; k < COUNTS; k++) if (entry.counts[k] !== row[k]) return false
  return true
}

const sameFloors = (a: HistoricalFloors | undefined, b: HistoricalFloors | undefined): boolean =>
  a?.bad === b?.bad && a?.slow === b?.slow
