import { type CellCounts, type JudgeInput, type JudgePolicy, judgePolicy } from '../../src/controller/analysis/index.ts'

/** The defaults of the contract. */
export const DEFAULTS = {
  confidence: 0.99,
  maxErrorRate: 5,
  errorTolerance: { ratio: 1.25, floor: 0.1 },
  latency: { quantile: 0.99, ratio: 1.5, floor: 1, max: 0 },
}

export const policy: JudgePolicy = judgePolicy(DEFAULTS)

type Loose<T> = { [K in keyof T]?: T[K] extends object ? Partial<T[K]> : T[K] }

export function cell(epoch: number, part: Loose<CellCounts> = {}): CellCounts {
  return {
    epoch,
    share: part.share ?? 0.05,
    pending: part.pending ?? 0,
    candidate: { started: 0, bad: 0, timed: 0, slow: 0, slowMax: 0, ...part.candidate },
    serving: { started: 0, bad: 0, timed: 0, slow: 0, longPending: 0, ...part.serving },
  }
}

/** What the judge sees with these cells; serving healthy, with a history. */
export function input(cells: readonly CellCounts[], part: Partial<JudgeInput> = {}): JudgeInput {
  return {
    epoch: cells.at(-1)?.epoch ?? 0,
    cells,
    servingRecent: { requests: 1000, bad: 1 },
    servingHistory: { requests: 20_000, bad: 20, timed: 20_000, slow: 200 },
    endpoints: [],
    slowKnown: true,
    slowMaxOn: false,
    ...part,
  }
}
