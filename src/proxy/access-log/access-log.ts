import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { AccessEntry } from './entry.ts'
import { formatLine } from './line.ts'
import type { LogSink, WriteResult } from './sink.ts'

export interface AccessLogOptions {
  sink: LogSink
  clock: Clock
  random: Random
  /** Percent of the requests that are logged, 0-100. Status 500 and above and rescued ones always are. */
  sample: number
  /** What may wait for a slow sink; beyond it lines are dropped and counted. */
  maxBufferBytes?: number
}

const MAX_BUFFER_BYTES = 1_048_576
/** A line is written this long after its request at the latest, if the sink takes it. */
const FLUSH_MS = 100
const RETRY_MS = 2
/** What a closing log waits for a sink that takes nothing. */
const CLOSE_MS = 1000

/** One worker's access log: whole lines in chunks, and never more memory than its buffer. */
export class AccessLog {
  readonly #sink: LogSink
  readonly #clock: Clock
  readonly #random: Random
  readonly #maxBufferBytes: number
  #sample: number
  /** Full chunks in order, and the one that still grows. */
  #chunks: string[] = []
  #open = ''
  #bufferedBytes = 0
  #dropped = 0
  /** A chunk is on its way, or waits until the sink may take it. */
  #busy = false
  #stopTimer: (() => void) | undefined
  #drained: (() => void)[] = []
  #closed = false

  constructor(options: AccessLogOptions) {
    this.#sink = options.sink
    this.#clock = options.clock
    this.#random = options.random
    this.#sample = options.sample
    this.#maxBufferBytes = options.maxBufferBytes ?? MAX_BUFFER_BYTES
  }

  /** Lines that were lost because the sink was too slow or failed. */
  get dropped(): number {
    return this.#dropped
  }

  /** A new snapshot's percentage. */
  setSample(percent: number): void {
    this.#sample = percent
  }

  /** Whether a request with this outcome is logged; decided anew by each call. Asked first, as an entry costs more than most requests need. */
  wants(status: number, rescued: boolean): boolean {
    return this.#sample >= 100 || status >= 500 || rescued || this.#random() * 100 < this.#sample
  }

  /** Logs the request unless the sample leaves it out. */
  log(entry: AccessEntry): void {
    if (this.wants(entry.status, entry.rescued)) this.write(entry)
  }

  /** Logs the request. Never throws, never waits. */
  write(entry: AccessEntry): void {
    if (this.#closed) return
    if (this.#bufferedBytes >= this.#maxBufferBytes) {
      this.#dropped++
      return
    }
    const line = formatLine(entry)
    if (this.#open.length + line.length > this.#sink.chunkBytes) this.#seal()
    this.#open += line
    this.#bufferedBytes += line.length
    if (this.#chunks.length > 0) this.#pump()
    this.#stopTimer ??= this.#clock.after(FLUSH_MS, () => this.#onTimer())
  }

  /** Resolves when all that was logged before is written, or lost. */
  flush(): Promise<void> {
    this.#seal()
    this.#pump()
    if (this.#chunks.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Writes what is left, for a second at most, and takes no more. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await new Promise<void>((resolve) => {
      const stop = this.#clock.after(CLOSE_MS, resolve)
      void this.flush().then(() => {
        stop()
        resolve()
      })
    })
    this.#stopTimer?.()
    this.#dropped += this.#chunks.reduce((lines, chunk) => lines + countLines(chunk), 0)
    this.#chunks = []
    this.#sink.close()
  }

  #seal(): void {
    if (this.#open === '') return
    this.#chunks.push(this.#open)
    this.#open = ''
  }

  #onTimer(): void {
    this.#stopTimer = undefined
    this.#seal()
    this.#pump()
  }

  #pump(): void {
    while (!this.#busy && this.#chunks.length > 0) {
      const result = this.#sink.write(this.#chunks[0]!)
      if (typeof result === 'string') this.#settle(result)
      else {
        this.#busy = true
        void result.then((settled) => {
          this.#busy = false
          this.#settle(settled)
          this.#pump()
        })
      }
    }
    if (this.#chunks.length === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }

  #settle(result: WriteResult): void {
    if (result === 'busy') {
      this.#busy = true
      this.#clock.after(RETRY_MS, () => {
        this.#busy = false
        this.#pump()
      })
      return
    }
    const chunk = this.#chunks.shift()
    // A log that was closed meanwhile has given its chunks up.
    if (chunk === undefined) return
    this.#bufferedBytes -= chunk.length
    if (result === 'failed') this.#dropped += countLines(chunk)
  }
}

function countLines(chunk: string): number {
  let lines = 0
  for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) lines++
  return lines
}
