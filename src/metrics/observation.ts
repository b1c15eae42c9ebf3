import type { Clock } from '../clock.ts'
import { type Block, isShut, tableAt } from './block/block.ts'
import { Cell, Steering, Table } from './block/layout.ts'
import { bitmapAt, cellAt } from './block/rows.ts'
import type { RequestObservation } from './recording.ts'

/** Words of a role's cell. */
interface RoleWords {
  started: number
  bad: number
  timed: number
  slow: number
  pending: number
  /** 0: not counted for this role (word 0 is the tag), here and below. */
  slowMax: number
  repeated: number
}

const CANDIDATE: RoleWords = {
  started: Cell.candidateStarted,
  bad: Cell.candidateBad,
  timed: Cell.candidateTimed,
  slow: Cell.candidateSlow,
  pending: Cell.candidatePending,
  slowMax: Cell.candidateSlowMax,
  repeated: Cell.candidateRepeated,
}
const SERVING: RoleWords = {
  started: Cell.servingStarted,
  bad: Cell.servingBad,
  timed: Cell.servingTimed,
  slow: Cell.servingSlow,
  pending: Cell.servingPending,
  slowMax: 0,
  repeated: 0,
}

/** The observations of one gate in one worker: opens them, and keeps those that run in order of their start. */
export class Observations {
  readonly block: Block
  readonly clock: Clock
  readonly #worker: number
  #first: Observation | undefined
  #last: Observation | undefined
  /** No running request crosses anything before it is this old: the least threshold that any of them was given. */
  #floorUs = Number.POSITIVE_INFINITY

  constructor(block: Block, worker: number, clock: Clock) {
    this.block = block
    this.clock = clock
    this.#worker = worker
  }

  /** See GateRecorder.observe. */
  open(epoch: number, variant: number, bucket: number): Observation | undefined {
    const { words, counters, layout } = this.block
    const table = tableAt(layout, epoch)
    if (words[table + Table.observed] !== 1 || isShut(this.block, epoch)) return undefined
    let role: RoleWords
    if (variant + 1 === words[table + Table.candidate]) role = CANDIDATE
    else if (variant + 1 === words[table + Table.serving]) role = SERVING
    else return undefined
    const at = this.#cell(epoch)
    if (at < 0) return undefined
    counters[at + role.started]!++
    counters[at + role.pending]!++
    const bitmap = bucket < 0 ? -1 : bitmapAt(layout, variant)
    const observation = new Observation(this, role, epoch, at, bitmap, bucket)
    this.#append(observation)
    return observation
  }

  /**
   * The cell of `epoch`, made its own if this is the first touch: the tag is 0 while words of two epochs could mix.
   * Negative: a newer epoch has the cell already.
   */
  #cell(epoch: number): number {
    const { words, counters, layout } = this.block
    const at = cellAt(layout, this.#worker, epoch)
    const tag = counters[at + Cell.tag]!
    if (tag === epoch) return at
    if (tag > epoch) return -1
    for (let word = Cell.tag; word < Cell.words; word++) Atomics.store(words, at + word, 0)
    Atomics.store(words, at + Cell.tag, epoch)
    return at
  }

  /** See GateRecorder.sweep. */
  sweep(nowUs: number): void {
    if (!this.#first) return
    const pendingUs = this.block.words[Steering.pendingUs]!
    this.expectCrossing(pendingUs)
    let next: Observation | undefined
    for (let each: Observation | undefined = this.#first; each; each = next) {
      if (nowUs - each.startedUs <= this.#floorUs) return
      next = each.next
      each.cross(nowUs)
      each.linger(nowUs, pendingUs)
      if (each.settled) this.remove(each)
    }
  }

  /** A running request will be looked at once it is `us` old; 0 = never. */
  expectCrossing(us: number): void {
    if (us > 0 && us < this.#floorUs) this.#floorUs = us
  }

  #append(observation: Observation): void {
    observation.previous = this.#last
    if (this.#last) this.#last.next = observation
    else this.#first = observation
    this.#last = observation
  }

  remove(observation: Observation): void {
    const { previous, next } = observation
    if (!previous && this.#first !== observation) return
    if (previous) previous.next = next
    else this.#first = next
    if (next) next.previous = previous
    else this.#last = previous
    observation.previous = undefined
    observation.next = undefined
    if (!this.#first) this.#floorUs = Number.POSITIVE_INFINITY
  }
}

/** One request under judgement. What it does after its cell has left the ring is dropped. */
export class Observation implements RequestObservation {
  readonly startedUs: number
  previous: Observation | undefined
  next: Observation | undefined
  readonly #log: Observations
  readonly #role: RoleWords
  readonly #epoch: number
  readonly #at: number
  readonly #bitmap: number
  readonly #bucket: number
  #sentUs = -1
  /** Thresholds of the moment at which it was sent: a request is judged by one alone. 0 = off, or crossed already. */
  #slowUs = 0
  #slowMaxUs = 0
  #answered = false
  #bad = false
  #long = false

  constructor(log: Observations, role: RoleWords, epoch: number, at: number, bitmap: number, bucket: number) {
    this.#log = log
    this.#role = role
    this.#epoch = epoch
    this.#at = at
    this.#bitmap = bitmap
    this.#bucket = bucket
    this.startedUs = log.clock.nowMs() * 1000
    this.previous = undefined
    this.next = undefined
  }

  sent(nowUs: number): void {
    if (this.#sentUs >= 0 || this.#answered) return
    const { words } = this.#log.block
    this.#sentUs = nowUs
    this.#slowUs = words[Steering.slowUs]!
    this.#slowMaxUs = this.#role.slowMax === 0 ? 0 : words[Steering.slowMaxUs]!
    if (words[Steering.slowUs] === 0 && words[Steering.slowMaxUs] === 0) return
    this.#count(this.#role.timed)
    this.#log.expectCrossing(this.#slowUs)
    this.#log.expectCrossing(this.#slowMaxUs)
  }

  answered(nowUs: number): void {
    this.cross(nowUs)
    this.#answered = true
    this.#endLingering()
  }

  aborted(nowUs: number): void {
    this.answered(nowUs)
  }

  bad(): void {
    if (this.#bad || !this.#live()) return
    this.#bad = true
    if (this.#bitmap >= 0) {
      const bit = 1 << (this.#bucket & 31)
      if (Atomics.or(this.#log.block.words, this.#bitmap + (this.#bucket >>> 5), bit) & bit) {
        if (this.#role.repeated !== 0) this.#count(this.#role.repeated)
        return
      }
    }
    this.#count(this.#role.bad)
    this.#ring()
  }

  end(): void {
    // An attempt that failed without an answer waited until now; a sweep may not have come by in time to see it cross.
    if (this.#slowUs > 0 || this.#slowMaxUs > 0) this.cross(this.#log.clock.nowMs() * 1000)
    this.#answered = true
    this.#log.remove(this)
    this.#endLingering()
    if (this.#live()) this.#log.block.counters[this.#at + this.#role.pending]!--
  }

  /** Counts each threshold that was crossed by `nowUs`, unless the answer has come. */
  cross(nowUs: number): void {
    if (this.#answered || this.#sentUs < 0) return
    const waitedUs = nowUs - this.#sentUs
    if (this.#slowUs > 0 && waitedUs > this.#slowUs) {
      this.#slowUs = 0
      this.#count(this.#role.slow)
      this.#ring()
    }
    if (this.#slowMaxUs > 0 && waitedUs > this.#slowMaxUs) {
      this.#slowMaxUs = 0
      this.#count(this.#role.slowMax)
      this.#ring()
    }
  }

  /**
   * Counts a serving request that is long pending by `nowUs`, until its answer begins: what it will have been is open as long
   * as it waits. Streams that go on for hours would else forbid every conviction.
   */
  linger(nowUs: number, pendingUs: number): void {
    if (
      this.#role !== SERVING ||
      this.#long ||
      this.#answered ||
      pendingUs === 0 ||
      nowUs - this.startedUs <= pendingUs
    )
      return
    this.#long = true
    this.#count(Cell.servingLongPending)
  }

  /** True when no sweep can find anything more about it. */
  get settled(): boolean {
    const waits = this.#sentUs < 0 || this.#slowUs > 0 || this.#slowMaxUs > 0
    return this.#answered || (!waits && (this.#role === CANDIDATE || this.#long))
  }

  #endLingering(): void {
    if (this.#long && this.#live()) this.#log.block.counters[this.#at + Cell.servingLongPending]!--
    this.#long = false
  }

  /** There is new evidence against the candidate: the main thread need not wait for its next look. */
  #ring(): void {
    if (this.#role === CANDIDATE) Atomics.add(this.#log.block.words, Steering.alarm, 1)
  }

  #live(): boolean {
    return this.#log.block.counters[this.#at + Cell.tag] === this.#epoch
  }

  #count(word: number): void {
    if (this.#live()) this.#log.block.counters[this.#at + word]!++
  }
}
