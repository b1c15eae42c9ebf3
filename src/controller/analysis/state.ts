import type { Finding } from './finding.ts'

/**
 * What a judge remembers between two ticks. Plain data: it survives JSON, and holds neither NaN nor Infinity.
 * The counts of the ring are not in it; the evidence is recomputed from `capital` and the ring at every tick.
 */
export interface JudgeState {
  version: 1
  /** Newest epoch whose cell is final and contained in `capital` and `mirror`; -1 = none yet. */
  folded: number
  /** Candidate requests and bad ones in folded cells. */
  requests: number
  bad: number
  /** Capital of every expert after the folded cells, laid out as capital.ts says. */
  capital: number[]
  /** Natural logarithm of the capital of each expert of the mirror test after the folded cells. */
  mirror: number[]
  /** What was fixed for each open cell, ascending by epoch; every tick writes them anew. */
  open: readonly CellMemo[]
  /** What the candidate is measured by while serving has no traffic (weight 100). */
  historical?: HistoricalFloors
  /** Evidence against single endpoints of the candidate. */
  endpoints: readonly EndpointMemo[]
  /** The endpoint that was blamed, once a release. */
  badEndpoint?: string
  convicted?: NonNullable<Finding['convicted']>
}

/** Facts about a cell that are fixed while it is open, because they rest on what was known at the time. */
export interface CellMemo {
  epoch: number
  /** Null of the mirror test for this cell. */
  p0: number
  /** Serving's rate over the last 10 s was above maxErrorRate at some tick of the cell: it does not speak for the candidate. */
  failing: boolean
}

/** Shares that the candidate may reach at weight 100, and serving's history that gave them. 1 = nothing is known. */
export interface HistoricalFloors {
  bad: number
  slow: number
  requests: number
  timed: number
}

export interface EndpointMemo {
  name: string
  /** Bad requests of the step that are contained in `capital`. */
  bad: number
  /** Capital of the 8 experts, each starting at 1/8. */
  capital: number[]
}
