import type { CellCounts } from './analysis/finding.ts'
import {
  capitalShares,
  createJudge,
  type Finding,
  type JudgePolicy,
  type JudgeState,
  judge,
  onStep,
  resumeJudge,
  type Test,
} from './analysis/index.ts'
import type { GateEnvironment } from './environment.ts'
import type { Evidence, Figures, Judged, Observation } from './release/observation.ts'
import type { TrialRecord } from './store/records.ts'

/** Serving requests that are pending for this long count as long pending until its p99 is known (analysis.md). */
const PENDING_US = 100_000
/** What changes slowly is read once a second. */
const SLOWLY_MS = 1000

const none = (): Figures => ({ requests: 0, bad: 0, slow: 0 })

/** Indexes of the variants that are compared. */
export interface Sides {
  candidate: number
  serving: number
}

/** One attempt at a release under judgement: the judge's memory, the counts of the step, the thresholds. */
export class Trial {
  readonly #policy: JudgePolicy
  readonly #shares: Record<Test, number>
  readonly #slowMaxUs: number
  readonly #env: GateEnvironment
  #sides: Sides
  #of: TrialRecord['of']
  #judge: JudgeState
  #finding: Judged | undefined
  /** Counts of cells that the judge has folded. */
  #folded: Observation['figures']
  #figures: Observation['figures']
  /** Candidate requests of the step in closed cells up to `#closed`, and in all. */
  #closedRequests = 0
  #closed: number
  #requests = 0
  #lastMs: number | null = null
  #slowUs = 0
  #history: ReturnType<GateEnvironment['history']> = { requests: 0, bad: 0, timed: 0, slow: 0 }
  #readMs = Number.NEGATIVE_INFINITY
  #judgedMs = Number.NEGATIVE_INFINITY
  #signature = ''

  /** A trial begins with the step of `of`: only cells that are opened from now on count. */
  constructor(options: {
    policy: JudgePolicy
    slowMaxUs: number
    env: GateEnvironment
    sides: Sides
    of: TrialRecord['of']
    nowMs: number
    resume?: TrialRecord | undefined
  }) {
    const { policy, slowMaxUs, env, sides, of, nowMs, resume } = options
    this.#policy = policy
    this.#shares = capitalShares(policy)
    this.#slowMaxUs = slowMaxUs
    this.#env = env
    this.#sides = sides
    this.#of = of
    this.#closed = env.epoch()
    this.#judge = { ...(resume ? resumeJudge(resume.judge) : createJudge(policy)), folded: env.epoch() }
    this.#folded = resume?.figures ?? { candidate: none(), serving: none() }
    this.#figures = this.#folded
    if (resume !== undefined) {
      this.#requests = resume.requests
      this.#closedRequests = resume.requests
      this.#lastMs = resume.silentMs === null ? null : nowMs - resume.silentMs
      this.#slowUs = resume.slowUs
    }
    this.#env.markStep()
    this.#fixThresholds()
  }

  get of(): TrialRecord['of'] {
    return this.#of
  }

  get finding(): Judged | undefined {
    return this.#finding
  }

  get figures(): Observation['figures'] {
    return this.#figures
  }

  traffic(): Observation['traffic'] {
    return { requests: this.#requests, lastMs: this.#lastMs }
  }

  /** A step begins: its counters are fresh, the slow threshold is fixed anew, the evidence stays. */
  mark(mark: number): void {
    this.#of = { ...this.#of, mark }
    this.#judge = onStep(this.#judge)
    this.#closed = this.#env.epoch()
    this.#closedRequests = 0
    this.#requests = 0
    this.#lastMs = null
    this.#readMs = Number.NEGATIVE_INFINITY
    this.#signature = ''
    this.#slowUs = this.#quantileUs() ?? this.#slowUs
    this.#env.markStep()
    this.#fixThresholds()
  }

  /** The gate got another block: its epochs began anew, what was in the ring is lost, and the variants may be in another order. */
  reopen(sides: Sides): void {
    this.#sides = sides
    this.#judge = { ...resumeJudge(this.#judge), folded: this.#env.epoch() }
    this.#folded = this.#figures
    this.#closed = this.#env.epoch()
    this.#closedRequests = this.#requests
    this.#readMs = Number.NEGATIVE_INFINITY
    this.#signature = ''
    this.#fixThresholds()
  }

  /** Reads what happened and judges it, where anything did. */
  look(nowMs: number): void {
    const epoch = this.#env.epoch()
    const cells = this.#env.readCells(Math.min(this.#closed, this.#judge.folded) + 1)
    this.#count(cells, epoch, nowMs)
    const slowly = nowMs - this.#readMs >= SLOWLY_MS
    if (slowly) this.#readSlowly(nowMs)
    const signature = signatureOf(cells)
    if (signature === this.#signature && nowMs - this.#judgedMs < SLOWLY_MS) return
    this.#signature = signature
    this.#judgedMs = nowMs
    const before = this.#judge.folded
    const { state, finding } = judge(this.#policy, this.#judge, {
      epoch,
      cells,
      servingRecent: this.#env.recent(this.#sides.serving),
      servingHistory: this.#history,
      endpoints: this.#env.endpoints(this.#sides.candidate),
      slowKnown: this.#slowUs > 0,
      slowMaxOn: this.#slowMaxUs > 0,
    })
    this.#judge = state
    this.#finding = { ...finding, evidence: shown(finding.evidence, this.#shares) }
    this.#sum(cells, before, state.folded)
  }

  #count(cells: readonly CellCounts[], epoch: number, nowMs: number): void {
    let open = 0
    for (const { epoch: of, candidate } of cells) {
      if (of <= this.#closed) continue
      // A request reads the epoch just before it is counted: a cell that was left a moment ago may still grow.
      if (of >= epoch - 1) open += candidate.started
      else {
        this.#closedRequests += candidate.started
        this.#closed = of
      }
    }
    const requests = this.#closedRequests + open
    if (requests > this.#requests) this.#lastMs = nowMs
    this.#requests = requests
  }

  #sum(cells: readonly CellCounts[], before: number, folded: number): void {
    const add = (sum: Observation['figures'], { candidate, serving }: CellCounts) => ({
      candidate: plus(sum.candidate, candidate),
      serving: plus(sum.serving, serving),
    })
    this.#folded = cells.filter(({ epoch }) => epoch > before && epoch <= folded).reduce(add, this.#folded)
    this.#figures = cells.filter(({ epoch }) => epoch > folded).reduce(add, this.#folded)
  }

  #readSlowly(nowMs: number): void {
    this.#readMs = nowMs
    if (this.#slowUs === 0) this.#slowUs = this.#quantileUs() ?? 0
    this.#fixThresholds()
    this.#history = this.#env.history(this.#sides.serving, this.#slowUs)
  }

  #quantileUs = (): number | undefined => this.#env.quantileUs(this.#sides.serving, this.#policy.latency.quantile)

  #fixThresholds(): void {
    const pendingUs = this.#env.quantileUs(this.#sides.serving, 0.99) ?? PENDING_US
    this.#env.setThresholds({ slowUs: this.#slowUs, slowMaxUs: this.#slowMaxUs, pendingUs })
  }

  record(nowMs: number): TrialRecord {
    return {
      of: this.#of,
      judge: this.#judge,
      requests: this.#requests,
      silentMs: this.#lastMs === null ? null : nowMs - this.#lastMs,
      figures: this.#figures,
      slowUs: this.#slowUs,
    }
  }
}

const plus = (sum: Figures, { started, bad, slow }: { started: number; bad: number; slow: number }): Figures => ({
  requests: sum.requests + started,
  bad: sum.bad + bad,
  slow: sum.slow + slow,
})

/** A test that is off has no capital, and the logarithm of nothing says nothing to people. */
function shown(evidence: Finding['evidence'], shares: Record<Test, number>): Evidence {
  const on = Object.entries(evidence).filter(([name]) => shares[name as Test] !== 0)
  return Object.fromEntries(on) as Evidence
}

/** Equal as long as nothing happened that the judge would see. */
function signatureOf(cells: readonly CellCounts[]): string {
  let text = ''
  for (const { epoch, candidate, serving, pending } of cells) {
    text += `${epoch}:${candidate.started},${candidate.bad},${candidate.timed},${candidate.slow},${candidate.slowMax},${candidate.pending ?? ''};`
    text += `${serving.started},${serving.bad},${serving.timed},${serving.slow},${serving.longPending},${pending};`
  }
  return text
}
