import type { WeightTable } from '../../metrics/index.ts'
import type { SetWeights } from '../release/effects.ts'
import { tableOf } from '../tables.ts'
import type { Scene } from './scene.ts'

/** A cell is one second, cut short at each change of weight. */
const CELL_MS = 1000

/** The table that is in force and the cell that is open: an epoch is both. */
export class Steering {
  readonly #scene: Scene
  #table: WeightTable | undefined
  #epoch = 0
  #cellAtMs = 0

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** The gate got another block of shared memory: what was written is gone. */
  get lost(): boolean {
    return this.#scene.env.epoch() < this.#epoch
  }

  /** The next table is written whatever was in force. */
  forget(): void {
    this.#table = undefined
  }

  /** Puts the weights in force at the next request; nothing where they are. */
  set(effect: SetWeights): void {
    const table = tableOf(this.#scene.policy.variants, effect)
    if (JSON.stringify(table) === JSON.stringify(this.#table)) return
    this.#open(table, this.#scene.clock.nowMs())
  }

  /** Opens a new cell when the present one is over, and says whether it did. That opens the guard, too, which a worker may have shut. */
  turn(nowMs: number): boolean {
    if (this.#table === undefined || nowMs - this.#cellAtMs < CELL_MS) return false
    this.#open(this.#table, nowMs)
    return true
  }

  #open(table: WeightTable, nowMs: number): void {
    this.#table = table
    this.#epoch = this.#scene.env.advanceEpoch(table)
    this.#cellAtMs = nowMs
  }
}
