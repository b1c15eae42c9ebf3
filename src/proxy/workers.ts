import { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.ts'
import { openBlock, zeroGauges } from '../metrics/index.ts'
import type { BoundListener, FailedListener, FailureSample, FromWorker, ToWorker, WorkerStart } from './messages.ts'
import type { Snapshot } from './snapshot.ts'
import { StallWatch } from './stall-watch.ts'

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

/** Listeners could not be bound; the message says which and why. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly failed: readonly FailedListener[]

  constructor(failed: readonly FailedListener[]) {
    super(
      failed.map(({ name, port, code, message }) => `listener ${name}, port ${port}: ${code}: ${message}`).join('; '),
    )
    this.failed = failed
  }
}

/** A worker that dies sooner than this after its start is started again only after a pause: it will die again. */
const SHORT_LIFE_MS = 5000
const PAUSE_MS = 500
/** Balancers look away within this time after readiness fell. */
const ACCEPT_MS = 2000
/** Beyond a worker's own deadline before it is given up. */
const DRAIN_SLACK_MS = 2000

/** One row of the blocks and the thread that writes it now. */
interface Slot {
  index: number
  thread: Worker | undefined
  startedMs: number
  /** Version of the snapshot in force there; 0 before the first. */
  version: number
  failed: readonly FailedListener[]
  drained: boolean
}

/** The worker threads, seen from the main thread: starts, updates, watches, replaces, drains and closes them. */
export class Workers {
  readonly #options: WorkersOptions
  readonly #slots: Slot[]
  readonly #beats: SharedArrayBuffer
  readonly #stalls: StallWatch
  #snapshot: Snapshot | undefined
  /** Bound ports by listener: what port 0 became. */
  #ports: Record<string, number> = {}
  #listeners: readonly BoundListener[] = []
  /** Called whenever a slot has changed. */
  #waiting: (() => void)[] = []
  #draining: Promise<void> | undefined
  #started = false
  /** Why a worker died before all of them served: it would die again. */
  #startError: Error | undefined
  #closed: Promise<void> | undefined

  constructor(options: WorkersOptions) {
    const { count, clock, log } = options
    this.#options = options
    this.#slots = Array.from({ length: count }, (_, index) => ({
      index,
      thread: undefined,
      startedMs: 0,
      version: 0,
      failed: [],
      drained: false,
    }))
    this.#beats = new SharedArrayBuffer(count * 4)
    this.#stalls = new StallWatch(new Int32Array(this.#beats), clock, log)
  }

  /** Where the listeners are bound, port 0 resolved. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  /** How many workers run and serve now. */
  get ready(): number {
    return this.#slots.filter(({ version }) => version > 0).length
  }

  /** Starts all workers; resolves when every one listens. Rejects with a ListenError when a listener cannot be bound. */
  async start(snapshot: Snapshot): Promise<readonly BoundListener[]> {
    this.#snapshot = snapshot
    // The first one alone: it learns what port 0 becomes, and a port that is taken is said once.
    const [first, ...others] = this.#slots
    this.#spawn(first!)
    await this.#until(() => first!.version >= snapshot.version || this.#startError !== undefined)
    if (first!.failed.length === 0) {
      for (const slot of others) this.#spawn(slot)
      await this.#until(
        () => this.#startError !== undefined || this.#slots.every(({ version }) => version >= snapshot.version),
      )
    }
    const failed = this.#failures()
    if (failed.length > 0 || this.#startError !== undefined) {
      await this.close()
      throw failed.length > 0 ? new ListenError(failed) : this.#startError
    }
    this.#started = true
    this.#stalls.start()
    return this.#listeners
  }

  /** Puts a snapshot in force; resolves when every worker has it. Rejects with a ListenError when a listener could not be bound or its certificate not be used: it stays as it was, all else is in force. */
  async apply(snapshot: Snapshot): Promise<void> {
    this.#snapshot = snapshot
    // The first worker binds new listeners before the others, as at the start.
    for (const slots of [this.#slots.slice(0, 1), this.#slots.slice(1)]) {
      for (const slot of slots) this.#send(slot, { type: 'apply', snapshot, ports: this.#ports })
      await this.#until(() => slots.every(({ version }) => version >= snapshot.version))
    }
    const failed = this.#failures()
    if (failed.length > 0) throw new ListenError(failed)
  }

  /**
   * Lets the workers go without losing a request: accepts for `acceptMs` more, answers with `Connection: close`, resolves when nothing
   * is in flight or `timeouts.drain` has passed. Idempotent.
   */
  drain(acceptMs: number = ACCEPT_MS): Promise<void> {
    this.#draining ??= this.#drain(acceptMs)
    return this.#draining
  }

  async #drain(acceptMs: number): Promise<void> {
    const deadlineMs = this.#snapshot?.timeouts.drainMs ?? 0
    this.#stalls.close()
    for (const slot of this.#slots) {
      if (slot.version === 0) slot.drained = true
      this.#send(slot, { type: 'drain', acceptMs, deadlineMs })
    }
    // A thread that hangs must not hang the program.
    let late = false
    const stop = this.#options.clock.after(deadlineMs + DRAIN_SLACK_MS, () => {
      late = true
      this.#changed()
    })
    await this.#until(() => late || this.#slots.every(({ drained }) => drained))
    stop()
  }

  /** Ends all threads now. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stalls.close()
    await Promise.all(this.#slots.map(({ thread }) => thread?.terminate()))
    this.#changed()
  }

  /** Ends one thread as a fault would: it is replaced. For tests of what depends on that. */
  kill(index: number): void {
    void this.#slots[index]?.thread?.terminate()
  }

  #spawn(slot: Slot): void {
    const { clock, log } = this.#options
    const { index } = slot
    const start: WorkerStart = { index, snapshot: this.#snapshot!, ports: this.#ports, beats: this.#beats }
    const entry = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const thread = new Worker(new URL(entry, import.meta.url), {
      name: `worker-${index}`,
      workerData: start,
    })
    slot.thread = thread
    slot.startedMs = clock.nowMs()
    let cause: unknown
    thread.on('message', (message: FromWorker) => this.#onMessage(slot, message))
    thread.on('error', (error) => {
      cause = error
    })
    thread.on('exit', (code) => {
      if (slot.thread !== thread) return
      slot.thread = undefined
      slot.version = 0
      this.#stalls.forget(index)
      if (this.#closed || this.#draining) {
        slot.drained = true
        this.#changed()
        return
      }
      const error = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? `exit code ${code}`)
      log.error({ worker: index, error }, 'a worker died and is replaced')
      this.#zeroGauges(index)
      if (!this.#started) {
        this.#startError = new Error(`worker ${index} died at its start: ${error}`)
        this.#changed()
        return
      }
      const again = (): void => {
        if (!this.#closed && !this.#draining && slot.thread === undefined) this.#spawn(slot)
      }
      if (clock.nowMs() - slot.startedMs < SHORT_LIFE_MS) clock.after(PAUSE_MS, again)
      else again()
    })
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    switch (message.type) {
      case 'applied':
        slot.version = message.version
        slot.failed = message.failed
        if (slot.index === 0) {
          this.#listeners = message.bound
          this.#ports = Object.fromEntries(message.bound.map(({ name, port }) => [name, port]))
        }
        this.#stalls.watch(slot.index)
        // It was started, or told, before the newest snapshot was made.
        if (message.version < this.#snapshot!.version)
          this.#send(slot, { type: 'apply', snapshot: this.#snapshot!, ports: this.#ports })
        this.#changed()
        break
      case 'samples':
        for (const sample of message.samples) this.#options.onSample?.(sample)
        break
      case 'drained':
        slot.drained = true
        this.#changed()
        break
      case 'log':
        this.#options.log[message.level](message.fields, message.message)
        break
    }
  }

  #send(slot: Slot, message: ToWorker): void {
    slot.thread?.postMessage(message)
  }

  #failures(): FailedListener[] {
    const byName = new Map<string, FailedListener>()
    for (const { failed } of this.#slots) for (const each of failed) byName.set(each.name, each)
    return [...byName.values()]
  }

  /** What a dead worker had in flight is over; what it counted stays. */
  #zeroGauges(index: number): void {
    for (const { block } of this.#snapshot!.gates) zeroGauges(openBlock(block), index)
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done() && !this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
