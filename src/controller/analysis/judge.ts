import { type Bench, benchOf, capitalOf, initialCapital, stepCell } from './capital.ts'
import { blamed, LEAST_ENDPOINTS, restartEndpoints, watchEndpoints } from './endpoint.ts'
import { load, plain } from './experts.ts'
import type { CellCounts, Finding, JudgeInput, Test } from './finding.ts'
import { historicalFloors } from './historical.ts'
import { addCells, evidence, FINE, MIRROR_EXPERTS, nullOf, requestsNeeded } from './mirror.ts'
import { convictionThreshold, type JudgePolicy } from './policy.ts'
import { markShared, RUN } from './shared.ts'
import type { CellMemo, JudgeState } from './state.ts'
import { type OpenCells, replay, replayPessimistic } from './trail.ts'

/** Epochs of the ring; a cell is folded a little earlier, while its last counts are still there. */
const CELLS = 128
const LEAVING = CELLS - 4
/** A cell whose requests have all ended is final; it stays open while its neighbours may still tell of a shared failure. */
const SETTLED = RUN + 2
/** Folding costs as much as some cells: several at a time. */
const BATCH = 8

/** A judge at the beginning of a release: capital 1, nothing seen. */
export function createJudge(policy: JudgePolicy): JudgeState {
  return {
    version: 1,
    folded: -1,
    requests: 0,
    bad: 0,
    capital: initialCapital(benchOf(policy)),
    mirror: plain(new Float64Array(MIRROR_EXPERTS)),
    open: [],
    endpoints: [],
  }
}

/** A new step begins: capital and counts of the release stay, endpoint totals begin anew. */
export function onStep(state: JudgeState): JudgeState {
  return { ...state, endpoints: restartEndpoints(state.endpoints) }
}

/**
 * A judge read back after a restart: epochs begin anew and the ring is gone. Open cells are lost whole,
 * which keeps the test valid.
 */
export function resumeJudge(state: JudgeState): JudgeState {
  return { ...state, folded: -1, open: [], endpoints: restartEndpoints(state.endpoints) }
}

/** One look at the evidence: pure, valid at every instant, as often as you like. Call it at least once a second. */
export function judge(
  policy: JudgePolicy,
  before: JudgeState,
  input: JudgeInput,
): { state: JudgeState; finding: Finding } {
  const bench = benchOf(policy)
  const unfolded = after(input.cells, before.folded)
  const { open: memos, shared } = remember(policy, before, input, unfolded)
  const historical = historicalFloors(policy, before.historical, input.servingHistory, unfolded)
  const count = foldable(unfolded, input.epoch)

  const { historical: _, ...rest } = before
  let state: JudgeState = { ...rest, open: memos.slice(count), ...(historical && { historical }) }
  const folding: OpenCells = { cells: unfolded.slice(0, count), shared, historical }
  if (count > 0) Object.assign(state, fold(before, bench, memos, folding))
  const open: OpenCells = { cells: unfolded.slice(count), shared: shared.subarray(count), historical }
  const { capital, requests } = replay(before, state, bench, open, folding)

  const blame = before.badEndpoint === undefined ? watch(before, input) : undefined
  if (blame) state.endpoints = blame.endpoints
  const mirror = mirrorOf(state, open.cells)
  const tests = capitalOf(capital, bench, requests)
  const finding = describe(policy, input, { ...tests, mirror, requests, bad: badOf(state, open.cells) })

  if (before.convicted) finding.convicted = before.convicted
  else if (blame?.worst !== undefined) {
    state = forgive(state, bench, capital, requests, { name: blame.worst, epoch: input.epoch })
    finding.held = 'BadEndpoint'
  } else Object.assign(finding, weigh(policy, state, bench, open, tests))
  if (finding.convicted) state.convicted = finding.convicted
  if (state.badEndpoint !== undefined) finding.badEndpoint = state.badEndpoint
  return { state, finding }
}

function after(cells: readonly CellCounts[], epoch: number): readonly CellCounts[] {
  let first = cells.length
  while (first > 0 && cells[first - 1]!.epoch > epoch) first--
  return cells.slice(first)
}

/** How many cells, from the oldest on, can be folded now. */
function foldable(cells: readonly CellCounts[], now: number): number {
  let final = 0
  let leaving = 0
  for (const { epoch, pending } of cells) {
    if (epoch <= now - LEAVING) leaving++
    else if (pending > 0 || epoch > now - SETTLED) break
    final++
  }
  return leaving > 0 || final >= BATCH ? final : 0
}

/** Fixes for each cell what rests on the moment, and marks those around which serving failed too. */
function remember(
  policy: JudgePolicy,
  before: JudgeState,
  input: JudgeInput,
  cells: readonly CellCounts[],
): { open: CellMemo[]; shared: Uint8Array } {
  const { p0, failing } = nullOf(policy, input.servingRecent)
  const shared = new Uint8Array(cells.length)
  if (policy.maxErrorRate > 0) markShared(cells, policy.maxErrorRate, shared)
  let at = 0
  const open = cells.map((cell, k): CellMemo => {
    while (at < before.open.length && before.open[at]!.epoch < cell.epoch) at++
    const known = before.open[at]
    const memo = known?.epoch === cell.epoch ? known : { epoch: cell.epoch, p0, failing }
    if (memo.failing) shared[k] = 1
    if (!failing || memo.failing || k < cells.length - 1) return memo
    shared[k] = 1
    return { ...memo, failing: true }
  })
  return { open, shared }
}

/** Cells that can change no more go into the state, oldest first. */
function fold(
  before: JudgeState,
  bench: Bench,
  memos: readonly CellMemo[],
  { cells, shared, historical }: OpenCells,
): Partial<JudgeState> {
  const capital = load(new Float64Array(before.capital.length), before.capital)
  const mirror = load(new Float64Array(before.mirror.length), before.mirror)
  let { requests, bad } = before
  for (let k = 0; k < cells.length; k++) {
    const { started, bad: failed } = cells[k]!.candidate
    stepCell(capital, bench, cells[k]!, { shared: shared[k] === 1, historical, pessimistic: false }, requests)
    requests += started
    bad += failed
  }
  addCells(mirror, cells, memos)
  return { folded: cells.at(-1)!.epoch, requests, bad, capital: plain(capital), mirror: plain(mirror) }
}

function mirrorOf(state: JudgeState, cells: readonly CellCounts[]): Float64Array {
  const mirror = load(new Float64Array(MIRROR_EXPERTS), state.mirror)
  addCells(mirror, cells, state.open)
  return mirror
}

const badOf = (state: JudgeState, cells: readonly CellCounts[]): number =>
  cells.reduce((sum, cell) => sum + cell.candidate.bad, state.bad)

function watch(before: JudgeState, { endpoints: counts }: JudgeInput) {
  if (counts.length < LEAST_ENDPOINTS) return undefined
  const endpoints = watchEndpoints(before.endpoints, counts)
  return { endpoints, worst: endpoints === before.endpoints ? undefined : blamed(endpoints) }
}

/**
 * One endpoint was to blame and goes: the version starts again without what it did. Every expert keeps at most its
 * first stake, so that the capital stays below what it would have been and the chance of a false alarm stays as it was.
 */
function forgive(
  state: JudgeState,
  bench: Bench,
  capital: Float64Array,
  requests: number,
  bad: { name: string; epoch: number },
): JudgeState {
  const first = initialCapital(bench)
  return {
    ...state,
    folded: bad.epoch,
    requests,
    bad: 0,
    capital: first.map((stake, k) => Math.min(stake, capital[k]!)),
    mirror: plain(new Float64Array(MIRROR_EXPERTS)),
    open: [],
    badEndpoint: bad.name,
  }
}

type Tests = ReturnType<typeof capitalOf>

const total = ({ worse, aboveMax, slowWorse, slowMax }: Tests): number => worse + aboveMax + slowWorse + slowMax

/** Convicted, held back, or neither: worse than serving comes before a shared failure, that before "above max". */
function weigh(
  policy: JudgePolicy,
  state: JudgeState,
  bench: Bench,
  open: OpenCells,
  tests: Tests,
): Pick<Finding, 'convicted' | 'held'> {
  const threshold = convictionThreshold(policy)
  if (total(tests) >= threshold) {
    const dark = replayPessimistic(state, bench, open)
    const worse = capitalOf(dark.capital, bench, dark.requests).worse
    if (total({ ...tests, worse }) < threshold) return { held: 'ServingPending' }
    return { convicted: convictionOf({ ...tests, worse }, open.cells) }
  }
  // Nobody but a shared failure in the last cells pauses "above max"; without it the candidate would be convicted.
  const now = open.cells.at(-1)?.epoch ?? 0
  const recent = open.cells.some((cell, k) => open.shared[k] === 1 && cell.epoch > now - RUN)
  if (recent && total({ ...tests, aboveMax: tests.alone }) >= threshold) return { held: 'SharedFailure' }
  return {}
}

const TESTS: readonly Test[] = ['worse', 'aboveMax', 'slowWorse', 'slowMax']

/** The test with most of the capital gives the reason. */
function convictionOf(tests: Tests, cells: readonly CellCounts[]): NonNullable<Finding['convicted']> {
  const test = TESTS.reduce((most, next) => (tests[next] > tests[most] ? next : most))
  const relative = test === 'worse' || test === 'slowWorse'
  return {
    reason: test === 'worse' || test === 'aboveMax' ? 'ErrorRate' : 'Latency',
    test,
    historical: relative && (cells.at(-1)?.share ?? 0) >= 1,
  }
}

/** Capital that is 0 has no logarithm; this is its place in a finding. */
const LEAST = 1e-300
const ln = (value: number): number => Math.log(Math.max(LEAST, value))

function describe(
  policy: JudgePolicy,
  input: JudgeInput,
  now: Tests & { mirror: Float64Array; requests: number; bad: number },
): Finding {
  const fine = evidence(now.mirror)
  const rate = now.requests > 0 ? Math.min(1, now.bad / now.requests) : 0
  return {
    fine: fine >= Math.log(FINE),
    requestsNeeded: requestsNeeded(now.mirror, nullOf(policy, input.servingRecent).p0, rate),
    evidence: {
      worse: ln(now.worse),
      aboveMax: ln(now.aboveMax),
      slowWorse: ln(now.slowWorse),
      slowMax: ln(now.slowMax),
      total: ln(total(now)),
      threshold: Math.log(convictionThreshold(policy)),
      fine,
    },
  }
}
