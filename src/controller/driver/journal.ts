import type { Decision } from '../release/outcome.ts'
import { coreOf, releaseOf, type State } from '../release/state.ts'
import { candidateBps } from '../release/table.ts'
import { defends } from '../revive.ts'
import { appendDecision, type GateRecord, type Tally } from '../store/records.ts'
import type { Scene } from './scene.ts'

/** The state, what is recorded of it and what of that is on the disk. Nothing but `enact` changes the state. */
export class Journal {
  readonly #scene: Scene
  readonly #stands: () => void
  #record: GateRecord
  /** What is on the disk. */
  #durable: GateRecord
  #saving: Promise<boolean> | undefined
  /** Decisions that nobody was told of. */
  #untold: Decision[] = []
  #talliedFrom: Tally

  /** `stands`: called when the newest record is on the disk, or holds without it. */
  constructor(scene: Scene, record: GateRecord, stands: () => void) {
    this.#scene = scene
    this.#stands = stands
    this.#record = record
    this.#durable = record
    this.#talliedFrom = minus(scene.env.totals(), record.tally)
  }

  get state(): State {
    return this.#record.state
  }

  get record(): GateRecord {
    return this.#record
  }

  /** True when the newest record is on the disk. */
  get settled(): boolean {
    return this.#record === this.#durable
  }

  /** What is being written; undefined: nothing. */
  get saving(): Promise<boolean> | undefined {
    return this.#saving
  }

  /** False while something waits to be recorded, or nothing can be. */
  get open(): boolean {
    return this.settled && this.#saving === undefined && this.#scene.around.ledger.open
  }

  /** What is in force: what is being recorded is not yet, except for what takes traffic away from the candidate. */
  get inForce(): GateRecord {
    return this.settled || defends(this.#durable.state, this.state) ? this.#record : this.#durable
  }

  /** The new state, in memory. `over`: the configuration's weights that its resting weights are of. */
  enact(state: State, decision: Decision | undefined, over = this.#record.over): void {
    const release = releaseOf(state)
    const begins = release !== undefined && release.id !== releaseOf(this.state)?.id
    const tally = begins ? { harmed: 0, rescued: 0 } : this.shownTally
    // Into the history goes what was counted of the release before up to now.
    if (begins && this.settled) this.#durable = { ...this.#durable, tally: this.shownTally }
    this.#talliedFrom = minus(this.#scene.env.totals(), tally)
    const decisions = begins ? [] : this.#record.decisions
    this.#record = {
      gate: this.#scene.key,
      generation: this.#record.generation + 1,
      savedAtMs: this.#scene.clock.nowMs(),
      state,
      over,
      decisions: decision === undefined || state.phase === 'Idle' ? decisions : appendDecision(decisions, decision),
      tally,
    }
    if (decision !== undefined) this.#untold.push(decision)
  }

  /** Writes the newest record. Resolves to whether it is on the disk. */
  save(): Promise<boolean> {
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined
    })
    return this.#saving
  }

  async #write(): Promise<boolean> {
    for (;;) {
      const record = this.#record
      const before = this.#durable
      const saved = await this.#scene.around.ledger.save(record, before)
      if (saved) this.#durable = record
      else if (this.#record === record && !defends(before.state, record.state)) {
        this.#takeBack(before)
        return false
      }
      if (this.#record !== record) {
        if (saved) continue
        return false
      }
      this.#stands()
      return saved
    }
  }

  /** Not recorded, not done: the state before it stands. */
  #takeBack(before: GateRecord): void {
    this.#record = before
    this.#untold = []
    this.#talliedFrom = minus(this.#scene.env.totals(), before.tally)
  }

  /** Tries again what could not be written, when it is time. */
  retry(): void {
    if (!this.settled && this.#saving === undefined && this.#scene.around.ledger.open) void this.save()
  }

  /** Resolves to whether the present record, or one after it, is on the disk. */
  async recorded(): Promise<boolean> {
    const { generation } = this.#record
    await this.save()
    while (this.#durable.generation < generation) {
      if (this.#saving === undefined) return false
      await this.#saving
    }
    return true
  }

  /** Takes the decisions that nobody was told of. */
  take(): Decision[] {
    return this.#untold.splice(0)
  }

  /** Harmed and rescued requests of the present or last release, up to now. */
  tally(): Tally {
    return minus(this.#scene.env.totals(), this.#talliedFrom)
  }

  /** The same for people: requests that ran when the release ended may still fail, but what is sent to the candidate by hand later is not the release's. */
  get shownTally(): Tally {
    const counts = coreOf(this.state) !== undefined || candidateBps(this.state) === 0
    return counts ? this.tally() : this.#record.tally
  }
}

const minus = (a: Tally, b: Tally): Tally => ({ harmed: a.harmed - b.harmed, rescued: a.rescued - b.rescued })
