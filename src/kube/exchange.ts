import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.ts'
import type { KubeReason } from './errors.ts'
import type { Dispatcher } from './undici.ts'

/** What came back. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** There is no answer, or not all of it. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly reason: KubeReason

  constructor(reason: KubeReason, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? {} : { cause })
    this.reason = reason
  }
}

/** Hears a streamed answer. */
export interface StreamListener {
  /** The head of a 200 is here. */
  onOpen(): void
  /** What it throws ends the stream. */
  onData(chunk: Buffer): void
}

/** A streamed answer: pieces go to the listener while the status is 200; another status is collected like any answer. */
export interface Streaming {
  /** Resolves when the server ended it in order; rejects with a TransportError. */
  ended: Promise<Answer>
  cancel(error: TransportError): void
}

/** How long and how large. */
export interface Limits {
  /** Until the head of the answer. */
  timeoutMs: number
  /** Until its end. */
  totalMs: number
  /** Without a byte of the answer, once it has begun; undefined: as long as it likes. */
  quietMs?: number
  maxBytes: number
}

/** One request and its answer. Settles once; what undici says after that is not heard. */
export class Exchange implements Dispatcher.DispatchHandler, Streaming {
  readonly ended: Promise<Answer>
  onDone: () => void = () => {}
  readonly #limits: Limits
  readonly #listener: StreamListener | undefined
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: TransportError) => void
  readonly #startMs: number
  readonly #clock: Clock
  #stopTimer: () => void
  #stopQuiet: () => void = () => {}
  #heardMs = 0
  #controller: Dispatcher.DispatchController | undefined
  #done = false
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(limits: Limits, clock: Clock, listener: StreamListener | undefined) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.ended = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#limits = limits
    this.#clock = clock
    this.#listener = listener
    this.#startMs = clock.nowMs()
    this.#stopTimer = clock.after(limits.timeoutMs, () => this.#late(limits.timeoutMs))
  }

  cancel(error: TransportError): void {
    if (this.#done) return
    this.#settle()
    this.#controller?.abort(error)
    this.#reject(error)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#done) controller.abort(new TransportError('Closed', 'given up before it was sent'))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#done) return
    this.#status = status
    this.#headers = headers
    this.#stopTimer()
    const { totalMs } = this.#limits
    const leftMs = Math.max(0, this.#startMs + totalMs - this.#clock.nowMs())
    this.#stopTimer = this.#clock.after(leftMs, () => this.#late(totalMs))
    this.#heardMs = this.#clock.nowMs()
    if (this.#limits.quietMs !== undefined) this.#watchQuiet(this.#limits.quietMs, this.#limits.quietMs)
    if (status === 200) this.#listener?.onOpen()
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
    this.#heardMs = this.#clock.nowMs()
    if (this.#listener !== undefined && this.#status === 200) {
      try {
        this.#listener.onData(chunk)
      } catch (error) {
        this.cancel(error instanceof TransportError ? error : new TransportError('BadAnswer', String(error), error))
      }
      return
    }
    this.#bytes += chunk.length
    const { maxBytes } = this.#limits
    if (this.#bytes > maxBytes) this.cancel(new TransportError('TooLarge', `the answer is over ${maxBytes} bytes`))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#done) return
    this.#settle()
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#done) return
    this.#settle()
    const what = this.#status === 0 ? '' : 'the answer broke off: '
    this.#reject(new TransportError('Unreachable', `${what}${describe(error)}`, error))
  }

  #late(ms: number): void {
    const what = this.#status === 0 ? 'no answer' : 'the answer had no end'
    this.cancel(new TransportError('Timeout', `${what} within ${ms} ms`))
  }

  /** One timer that looks again, not one for each piece. */
  #watchQuiet(quietMs: number, inMs: number): void {
    this.#stopQuiet = this.#clock.after(inMs, () => {
      const leftMs = this.#heardMs + quietMs - this.#clock.nowMs()
      if (leftMs > 0) this.#watchQuiet(quietMs, leftMs)
      else this.cancel(new TransportError('Timeout', `nothing came for ${quietMs} ms`))
    })
  }

  #settle(): void {
    this.#done = true
    this.#stopTimer()
    this.#stopQuiet()
    this.onDone()
  }
}

/** Node's aggregate of several addresses has no message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return (error.errors[0] as Error).message
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message
}
