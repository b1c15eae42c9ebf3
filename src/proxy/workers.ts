import type { Clock } from '../clock.ts'
import type { BoundListener, FailureSample } from './messages.ts'
import type { Snapshot } from './snapshot.ts'

/** The part of pino that the proxy needs. */
export interface ProxyLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface WorkersOptions {
  /** Threads, 1 or more; a block's shape must have as many rows. */
  count: number
  clock: Clock
  log: ProxyLog
  /** A request failed on a variant: at most ten a second and worker. */
  onSample?(sample: FailureSample): void
}

/** Listeners could not be bound; `failed` says which and why. */
export class ListenError extends Error {
  override name = 'ListenError'
}

/** The worker threads, seen from the main thread: starts, updates, watches, replaces, drains and closes them. */
export class Workers {
  #options: WorkersOptions

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /** Where the listeners are bound, port 0 resolved. */
  get listeners(): readonly BoundListener[] {
    return []
  }

  /** How many workers run and serve now. */
  get ready(): number {
    return 0
  }

  /** Starts all workers; resolves when every one listens. Rejects with a ListenError when a listener cannot be bound. */
  async start(_snapshot: Snapshot): Promise<readonly BoundListener[]> {
    throw new Error(`not yet: ${this.#options.count}`)
  }

  /** Puts a snapshot in force; resolves when every worker has it. Rejects with a ListenError when a new listener cannot be bound: all else is in force. */
  async apply(_snapshot: Snapshot): Promise<void> {}

  /** Accepts for `acceptMs` more, answers with `Connection: close`, resolves when nothing is in flight or the drain deadline passed. Idempotent. */
  async drain(_acceptMs?: number): Promise<void> {}

  /** Ends all threads now. Idempotent. */
  async close(): Promise<void> {}
}
