/** What the judge reads and what it says. Pure data, serialisable. */

/** One cell of the ring, all workers together, at this moment: counts by the epoch in which the requests started. */
export interface CellCounts {
  epoch: number
  /** Effective weight of the candidate while requests were split in this cell, 0-1; constant within the cell. */
  share: number
  candidate: {
    started: number
    bad: number
    timed: number
    slow: number
    slowMax: number
    /** Candidate requests of the cell that still run; where it is known, they do not speak for the candidate yet. */
    pending?: number
    /** Sticky users' failures beyond the first of their bucket: not bad, and nothing that speaks for the candidate either. */
    repeated?: number
  }
  serving: {
    started: number
    bad: number
    timed: number
    slow: number /** Pending for longer than serving's p99. */
    longPending: number
  }
  /** Requests of the cell that are still running. */
  pending: number
}

/** Running totals of one endpoint of the candidate since the step began. */
export interface EndpointCounts {
  name: string
  picks: number
  bad: number
}

export interface JudgeInput {
  /** The current epoch: the newest cell. Cells older than CELLS - 1 epochs are final. */
  epoch: number
  /** Cells of the present ring that have any request, ascending by epoch; the current one last. */
  cells: readonly CellCounts[]
  /** Serving's bad share (0-1) over the last 10 complete seconds and the requests that it rests on. */
  servingRecent: { requests: number; bad: number }
  /** Serving's last 10 minutes with traffic, for the historical test at weight 100. */
  servingHistory: { requests: number; bad: number; timed: number; slow: number }
  endpoints: readonly EndpointCounts[]
  /** True once the slow threshold is known and steered. */
  slowKnown: boolean
  slowMaxOn: boolean
}

export type Test = 'worse' | 'aboveMax' | 'slowWorse' | 'slowMax'

export interface Finding {
  /** Set once the evidence has reached its threshold and no exception forbids it. Final: a judge never takes it back within a release. */
  convicted?: { reason: 'ErrorRate' | 'Latency'; test: Test; historical: boolean }
  /** Evidence is there, but an exception forbids the conviction for now. */
  held?: 'SharedFailure' | 'ServingPending' | 'BadEndpoint'
  /** The endpoint to eject, once a release. */
  badEndpoint?: string
  /** The mirror test: evidence that the candidate is fine reached 20 since the release began. */
  fine: boolean
  /** About how many more candidate requests the mirror test needs at the present rate; 0 when fine. */
  requestsNeeded: number
  /** Natural logarithms: capital of each test (already weighted), their sum, what convicts, and the mirror test. */
  evidence: Record<Test, number> & { total: number; threshold: number; fine: number }
}
