import type { Checkpoint } from '../store/records.ts'
import type { Journal } from './journal.ts'
import type { Scene } from './scene.ts'
import type { Trials } from './trials.ts'

const CHECKPOINT_MS = 5000

/** Writes down the evidence now and then, so that a restart does not gather it anew. It belongs to the record on the disk: while another one is being written it waits. */
export class Checkpoints {
  readonly #scene: Scene
  readonly #journal: Journal
  readonly #trials: Trials
  #atMs = 0

  constructor(scene: Scene, journal: Journal, trials: Trials) {
    this.#scene = scene
    this.#journal = journal
    this.#trials = trials
  }

  /** Writes one if it is time, or at once: a record has changed. */
  write(nowMs: number, atOnce = false): void {
    const { ledger, environment } = this.#scene.around
    if (!this.#wanted || !ledger.healthy || (!atOnce && nowMs - this.#atMs < CHECKPOINT_MS)) return
    this.#atMs = nowMs
    ledger.store.checkpoint(this.#checkpoint(nowMs)).catch((error: Error) => {
      environment.log.warn(
        { gate: this.#scene.key, error },
        'evidence could not be written; it would be gathered anew after a restart',
      )
    })
  }

  /** The last one. Resolves when it is written, or cannot be. */
  async last(): Promise<void> {
    if (!this.#wanted) return
    await this.#scene.around.ledger.store.checkpoint(this.#checkpoint(this.#scene.clock.nowMs())).catch(() => {})
  }

  get #wanted(): boolean {
    return this.#trials.present !== undefined && this.#journal.settled
  }

  #checkpoint(nowMs: number): Checkpoint {
    const { record } = this.#journal
    return {
      gate: record.gate,
      generation: record.generation,
      savedAtMs: nowMs,
      state: record.state,
      trial: this.#trials.record(nowMs),
      tally: this.#journal.tally(),
      harmLeft: this.#trials.harmLeft,
    }
  }
}
