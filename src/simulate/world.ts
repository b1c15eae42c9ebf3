import type { CellCounts, EndpointCounts, JudgeInput } from '../controller/analysis/index.ts'
import type { Random } from '../random.ts'
import { type Crowd, createCrowd } from './crowd.ts'
import { MAX_REQUEST_SECONDS } from './limits.ts'
import { createPlaces } from './places.ts'
import { binomial, poisson } from './sample.ts'
import { type Behaviour, follow, type Scenario } from './scenario.ts'

/** Virtual time goes in ticks: the controller looks ten times a second. Others must divide a second. */
export const TICK_MS = 100
const CELLS = 128
const RECENT_SECONDS = 10

/** Serving's latency is known after this many samples: until then nobody is slow, and 100 ms are long. */
const SAMPLES = 500
const LONG_PENDING_MS = 100

export type Side = 'candidate' | 'serving'

/** What ends, or becomes long pending, in a later tick. */
interface Later {
  cell: CellCounts
  side: Side
  ended: number
  bad: number
  longPending: number
}

/** Totals since the world began, by the start of the requests; failed ones whether or not they have ended. */
export interface Totals {
  requests: number
  failed: number
}

/**
 * The traffic of one gate in virtual time: arrivals, split, outcomes, and the cells that the proxy's counters would
 * hold. Requests that are alike are drawn together; pages and sticky users one by one.
 */
export class World {
  nowMs = 0
  epoch = 0
  readonly cells: CellCounts[] = []
  readonly candidate: Totals = { requests: 0, failed: 0 }
  readonly serving: Totals = { requests: 0, failed: 0 }
  /** Bad or slow candidate requests were counted in the last tick: what can raise the evidence. */
  stirred = false
  /** Candidate requests whose failure was counted by now; the same of serving. */
  seenFailed = 0
  servingBad = 0
  readonly slow: Record<Side, number> = { candidate: 0, serving: 0 }

  readonly #scenario: Scenario
  readonly #random: Random
  readonly #places: ReturnType<typeof createPlaces>
  readonly #crowd: Crowd | undefined
  #tick = 0
  #cell: CellCounts | undefined
  readonly #tickMs: number
  readonly #ticksPerSecond: number
  /** What is due in each of the next ticks, a ring. */
  readonly #later: Later[][]
  readonly #recent = Array.from({ length: RECENT_SECONDS + 1 }, () => ({ requests: 0, bad: 0 }))
  readonly #history = { requests: 0, bad: 0, timed: 0, slow: 0 }
  readonly #endpoints: EndpointCounts[]
  readonly #rate: (seconds: number) => number
  readonly #rates: Record<Side, { failing: (seconds: number) => number; slow: (seconds: number) => number }>

  constructor(scenario: Scenario, random: Random, tickMs = TICK_MS) {
    this.#tickMs = tickMs
    this.#ticksPerSecond = 1000 / tickMs
    this.#later = Array.from({ length: MAX_REQUEST_SECONDS * this.#ticksPerSecond + 1 }, () => [])
    this.#scenario = scenario
    this.#random = random
    this.#places = createPlaces(random)
    const { candidate, serving } = scenario
    this.#rate = follow(scenario.requestsPerSecond)
    this.#rates = {
      candidate: { failing: follow(candidate.failing), slow: follow(candidate.slow) },
      serving: { failing: follow(serving.failing), slow: follow(serving.slow) },
    }
    this.#crowd = scenario.page || scenario.sticky ? createCrowd(scenario, random) : undefined
    this.#endpoints = Array.from({ length: scenario.endpoints?.count ?? 0 }, (_, k) => ({
      name: `candidate-${k}`,
      picks: 0,
      bad: 0,
    }))
  }

  /** One tick at this share of the candidate. */
  tick(share: number): void {
    const second = Math.floor(this.#tick / this.#ticksPerSecond)
    const begins = this.#tick % this.#ticksPerSecond === 0
    this.stirred = false
    if (begins) Object.assign(this.#recent[second % this.#recent.length]!, { requests: 0, bad: 0 })
    if (begins || this.#cell === undefined || this.#cell.share !== share) this.#open(share)
    this.#settle(second)

    const seconds = this.#tick / this.#ticksPerSecond
    const arrivals = poisson(this.#random, this.#rate(seconds) / this.#ticksPerSecond)
    if (arrivals > 0) {
      if (this.#crowd) {
        const { candidate, serving } = this.#crowd.deal(arrivals, share, {
          candidate: this.#failing('candidate', seconds),
          serving: this.#failing('serving', seconds),
        })
        this.#count('candidate', candidate.requests, candidate.failed, candidate.repeated, seconds)
        this.#count('serving', serving.requests, serving.failed, serving.repeated, seconds)
      } else {
        const candidates = this.#places(arrivals, share)
        this.#draw('candidate', candidates, seconds)
        this.#draw('serving', arrivals - candidates, seconds)
      }
    }
    this.#tick++
    this.nowMs = this.#tick * this.#tickMs
  }

  /** What the judge sees now. The cells are the world's own: read, do not keep. */
  input(): JudgeInput {
    const second = Math.floor((this.#tick - 1) / this.#ticksPerSecond)
    let requests = 0
    let bad = 0
    for (let k = Math.max(0, second - RECENT_SECONDS); k < second; k++) {
      const at = this.#recent[k % this.#recent.length]!
      requests += at.requests
      bad += at.bad
    }
    return {
      epoch: this.epoch,
      cells: this.cells,
      servingRecent: { requests, bad },
      servingHistory: this.#history,
      endpoints: this.#endpoints,
      slowKnown: this.#slowKnown,
      slowMaxOn: false,
    }
  }

  /** A new step: endpoints count anew, sticky users may fail once more. */
  startStep(): void {
    this.#crowd?.startStep()
    for (const endpoint of this.#endpoints) {
      endpoint.picks = 0
      endpoint.bad = 0
    }
  }

  /** The endpoint gets no requests any more. */
  eject(name: string): void {
    const at = this.#endpoints.findIndex((endpoint) => endpoint.name === name)
    if (at >= 0) this.#endpoints.splice(at, 1)
  }

  get #slowKnown(): boolean {
    return this.#history.requests >= SAMPLES
  }

  #open(share: number): void {
    this.epoch++
    const cell: CellCounts = {
      epoch: this.epoch,
      share,
      candidate: { started: 0, bad: 0, timed: 0, slow: 0, slowMax: 0, pending: 0, repeated: 0 },
      serving: { started: 0, bad: 0, timed: 0, slow: 0, longPending: 0 },
      pending: 0,
    }
    this.#cell = cell
    this.cells.push(cell)
    if (this.cells.length >= 2 * CELLS) this.cells.splice(0, this.cells.length - CELLS)
  }

  #failing(side: Side, seconds: number): number {
    const { later } = this.#scenario[side]
    let percent =
      later && this[side].requests >= later.afterRequests ? later.failing : this.#rates[side].failing(seconds)
    for (const outage of this.#scenario.outages) {
      if (seconds >= outage.fromSeconds && seconds < outage.toSeconds) percent = Math.max(percent, outage.failing)
    }
    return percent / 100
  }

  #draw(side: Side, requests: number, seconds: number): void {
    if (requests === 0) return
    if (side === 'candidate' && this.#endpoints.length > 0) {
      this.#drawEndpoints(requests, seconds)
      return
    }
    const { later } = this.#scenario[side]
    const clean = later ? later.afterRequests - this[side].requests : 0
    if (clean > 0 && clean < requests) {
      this.#draw(side, clean, seconds)
      this.#draw(side, requests - clean, seconds)
      return
    }
    const failed = binomial(this.#random, requests, this.#failing(side, seconds))
    this.#count(side, requests, failed, 0, seconds)
  }

  #drawEndpoints(requests: number, seconds: number): void {
    const { bad } = this.#scenario.endpoints!
    let left = requests
    this.#endpoints.forEach((endpoint, k) => {
      const picks = binomial(this.#random, left, 1 / (this.#endpoints.length - k))
      left -= picks
      const isBad = endpoint.name === 'candidate-0' && seconds >= bad.fromSeconds
      const failed = binomial(this.#random, picks, isBad ? bad.failing / 100 : this.#failing('candidate', seconds))
      endpoint.picks += picks
      endpoint.bad += failed
      this.#count('candidate', picks, failed, 0, seconds)
    })
  }

  /** Started requests of one side, of which `failed` fail; `repeated` more fail too but are not bad (sticky users). */
  #count(side: Side, requests: number, failed: number, repeated: number, seconds: number): void {
    if (requests === 0) return
    const cell = this.#cell!
    const behaviour = this.#scenario[side]
    const counts = cell[side]
    const totals = this[side]
    totals.requests += requests
    totals.failed += failed + repeated
    counts.started += requests
    if (side === 'candidate') cell.candidate.repeated! += repeated
    const slowGood = this.#slowOf(side, cell, requests - failed, seconds)
    if (side === 'serving') {
      this.#recent[Math.floor(seconds) % this.#recent.length]!.requests += requests
      this.#history.requests += requests
    } else if (slowGood > 0) this.stirred = true

    const failureMs = 1000 * this.#failureSeconds(side, behaviour, seconds)
    const successMs = 1000 * behaviour.successSeconds
    if (failed > 0) this.#end(cell, side, failed, true, failureMs)
    if (requests > failed && successMs >= this.#tickMs) this.#end(cell, side, requests - failed, false, successMs)
  }

  #slowOf(side: Side, cell: CellCounts, good: number, seconds: number): number {
    if (!this.#slowKnown) return 0
    const slow = binomial(this.#random, good, this.#rates[side].slow(seconds) / 100)
    const counts = cell[side]
    counts.timed += good
    counts.slow += slow
    this.slow[side] += slow
    if (side === 'serving') {
      this.#history.timed += good
      this.#history.slow += slow
    }
    return slow
  }

  #failureSeconds(side: Side, behaviour: Behaviour, seconds: number): number {
    for (const outage of this.#scenario.outages) {
      const during = seconds >= outage.fromSeconds && seconds < outage.toSeconds
      const takes = side === 'serving' ? outage.servingFailureSeconds : outage.candidateFailureSeconds
      if (during && takes !== undefined) return takes
    }
    return behaviour.failureSeconds
  }

  /** `count` requests end after `ms`: at once, or in a later tick, pending and perhaps long pending until then. */
  #end(cell: CellCounts, side: Side, count: number, failed: boolean, ms: number): void {
    const bad = failed ? count : 0
    if (ms < this.#tickMs) {
      this.#outcome({ cell, side, ended: 0, bad, longPending: 0 }, Math.floor(this.#tick / this.#ticksPerSecond))
      return
    }
    cell.pending += count
    if (side === 'candidate') cell.candidate.pending! += count
    // Serving's p99 is what its good requests take, once it is known.
    const { servingP99Ms, serving } = this.#scenario
    const longMs = this.#slowKnown ? Math.max(servingP99Ms, 1000 * serving.successSeconds) : LONG_PENDING_MS
    const isLong = side === 'serving' && ms > longMs
    if (isLong) this.#schedule(longMs, { cell, side, ended: 0, bad: 0, longPending: count })
    const longPending = isLong ? -count : 0
    this.#schedule(ms, { cell, side, ended: count, bad, longPending })
  }

  #schedule(ms: number, later: Later): void {
    const at = this.#tick + Math.max(1, Math.round(ms / this.#tickMs))
    this.#later[at % this.#later.length]!.push(later)
  }

  #settle(second: number): void {
    const due = this.#later[this.#tick % this.#later.length]!
    if (due.length === 0) return
    for (const later of due) this.#outcome(later, second)
    due.length = 0
  }

  #outcome({ cell, side, ended, bad, longPending }: Later, second: number): void {
    cell.pending -= ended
    cell[side].bad += bad
    if (side === 'candidate') {
      cell.candidate.pending! -= ended
      this.seenFailed += bad
      if (bad > 0) this.stirred = true
      return
    }
    cell.serving.longPending += longPending
    this.#recent[second % this.#recent.length]!.bad += bad
    this.#history.bad += bad
    this.servingBad += bad
  }
}
