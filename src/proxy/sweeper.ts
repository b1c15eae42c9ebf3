import type { Clock } from '../clock.ts'
import type { Runtime } from './runtime.ts'

const SWEEP_MS = 20
/** Sweeps without anything observed after which the timer rests: a gate with traffic does not start and stop it with each request. */
const IDLE_SWEEPS = 100

/** Lets the recorders see in time that a request has crossed a threshold. Costs nothing while no gate is observed. */
export class Sweeper {
  readonly #clock: Clock
  readonly #runtimes: () => readonly Runtime[]
  #stop: (() => void) | undefined
  #idle = 0

  /** `runtimes`: all that still have requests. */
  constructor(clock: Clock, runtimes: () => readonly Runtime[]) {
    this.#clock = clock
    this.#runtimes = runtimes
  }

  /** An observation was opened. */
  wake(): void {
    this.#idle = 0
    this.#stop ??= this.#clock.every(SWEEP_MS, () => this.#sweep())
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #sweep(): void {
    const nowUs = this.#clock.nowMs() * 1000
    let active = 0
    for (const { gates } of this.#runtimes()) {
      for (const gate of gates) {
        if (gate.active === 0) continue
        active += gate.active
        gate.recorder.sweep(nowUs)
      }
    }
    if (active === 0 && ++this.#idle >= IDLE_SWEEPS) this.close()
  }
}
