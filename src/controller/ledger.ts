import type { Clock } from '../clock.ts'
import type { Log } from './environment.ts'
import type { GateRecord } from './store/records.ts'
import type { Store } from './store/store.ts'

const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 30_000

/** Makes records durable and knows whether the disk can be trusted: failures are loud, and tried again with growing pauses. */
export class Ledger {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  #failures = 0
  #retryAtMs = 0

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  get store(): Store {
    return this.#store
  }

  /** False while nothing can be recorded and it is too early to try again. */
  get open(): boolean {
    return this.#failures === 0 || this.#clock.nowMs() >= this.#retryAtMs
  }

  get healthy(): boolean {
    return this.#failures === 0
  }

  /** True when the record is on the disk. The release that ended before is put into the history first. */
  async save(record: GateRecord, previous: GateRecord | undefined): Promise<boolean> {
    try {
      if (previous !== undefined && isAnother(previous, record)) await this.#store.archive(record.gate, previous)
      await this.#store.save(record)
    } catch (error) {
      this.#fail(record.gate, error as NodeJS.ErrnoException)
      return false
    }
    if (this.#failures > 0) this.#log.info({ dir: this.#store.dir }, 'the state folder can be written again')
    this.#failures = 0
    return true
  }

  #fail(gate: string, error: NodeJS.ErrnoException): void {
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10), MAX_RETRY_MS)
    this.#failures++
    this.#retryAtMs = this.#clock.nowMs() + pauseMs
    this.#log.error(
      { gate, dir: this.#store.dir, code: error.code, error },
      `state of ${gate} cannot be written (${error.code ?? error.message}): traffic goes on, releases hold, rollbacks still happen; next try in ${pauseMs / 1000} s`,
    )
  }
}

/** The new record is of another release than the one before. */
function isAnother(before: GateRecord, after: GateRecord): boolean {
  const id = ({ state }: GateRecord): string | undefined =>
    state.phase === 'Idle' ? undefined : state.phase === 'Paused' ? state.within.release.id : state.release.id
  return id(before) !== undefined && id(before) !== id(after)
}
