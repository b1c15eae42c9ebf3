import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Credentials } from './credentials.ts'
import type { KubeReason } from './errors.ts'
import { buildConnector, type Dispatcher, Pool } from './undici.ts'

/** A request to the API server, before credentials. */
export interface Sent {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  path: string
  headers: Record<string, string>
  body?: string | undefined
}

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

const CONNECT_TIMEOUT_MS = 5_000
/** Shorter than what API servers and the load balancers before them allow an idle connection. */
const IDLE_CONNECTION_MS = 30_000
/** A peer that is gone without a word is noticed so long after its last packet, plus ten probes at one a second. */
const TCP_PROBE_AFTER_MS = 15_000
/** Calls at a time; watches have connections of their own, so that neither waits for the other. */
const CALLS_AT_A_TIME = 16

/**
 * Connections to one API server. HTTP/1.1 on purpose: a watch that hangs, or a proxy in between that does, holds up that
 * watch alone and not all that share its connection. Undici's own timers are off; the deadlines are on our clock.
 */
export class Transport {
  readonly #calls: Pool
  readonly #streams: Pool
  readonly #prefix: string
  readonly #credentials: Credentials
  readonly #clock: Clock
  readonly #running = new Set<Exchange>()
  #closed: Promise<void> | undefined

  constructor(server: string, credentials: Credentials, clock: Clock) {
    const url = new URL(server)
    this.#prefix = url.pathname.replace(/\/+$/, '')
    this.#credentials = credentials
    this.#clock = clock
    const options = {
      allowH2: false,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS,
      // Built for each connection: certificates are renewed on disk.
      connect: ((options, callback) => {
        try {
          buildConnector({
            ...credentials.tls(),
            allowH2: false,
            timeout: CONNECT_TIMEOUT_MS,
            keepAliveInitialDelay: TCP_PROBE_AFTER_MS,
          } as never)(options, callback)
        } catch (error) {
          callback(error as Error, null)
        }
      }) as ReturnType<typeof buildConnector>,
    }
    this.#calls = new Pool(url.origin, { ...options, connections: CALLS_AT_A_TIME })
    this.#streams = new Pool(url.origin, options)
  }

  /** Sends and collects the whole answer, of at most `maxBytes`. Rejects with a TransportError. */
  call(sent: Sent, limits: { timeoutMs: number; maxBytes: number }): Promise<Answer> {
    const exchange = this.#dispatch(this.#calls, sent, { ...limits, totalMs: limits.timeoutMs })
    return exchange.ended
  }

  /** As `call`, but the pieces of a 200 go to the listener; `timeoutMs` is that of the head, `totalMs` of all. */
  stream(
    sent: Sent,
    limits: { timeoutMs: number; totalMs: number; maxBytes: number },
    listener: StreamListener,
  ): Streaming {
    return this.#dispatch(this.#streams, sent, limits, listener)
  }

  #dispatch(pool: Pool, sent: Sent, limits: Limits, listener?: StreamListener): Exchange {
    const exchange = new Exchange(limits, this.#clock, listener)
    if (this.#closed !== undefined) {
      exchange.cancel(new TransportError('Closed', 'the client is closed'))
      return exchange
    }
    this.#running.add(exchange)
    exchange.onDone = () => this.#running.delete(exchange)
    try {
      const authorization = this.#credentials.authorization()
      pool.dispatch(
        {
          origin: '',
          method: sent.method,
          path: this.#prefix + sent.path,
          headers: authorization === undefined ? sent.headers : { ...sent.headers, authorization },
          ...(sent.body === undefined ? {} : { body: sent.body }),
        },
        exchange,
      )
    } catch (error) {
      exchange.cancel(new TransportError('Unreachable', (error as Error).message, error))
    }
    return exchange
  }

  /** Ends everything now; what runs is rejected as Closed. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      for (const exchange of [...this.#running]) exchange.cancel(new TransportError('Closed', 'the client is closed'))
      await Promise.all([this.#calls.destroy(), this.#streams.destroy()])
    })()
    return this.#closed
  }
}

interface Limits {
  /** Until the head of the answer. */
  timeoutMs: number
  /** Until its end. */
  totalMs: number
  maxBytes: number
}

/** One request and its answer. Settles once; what undici says after that is not heard. */
class Exchange implements Dispatcher.DispatchHandler, Streaming {
  readonly ended: Promise<Answer>
  onDone: () => void = () => {}
  readonly #limits: Limits
  readonly #listener: StreamListener | undefined
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: TransportError) => void
  readonly #startMs: number
  readonly #clock: Clock
  #stopTimer: () => void
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
    if (status === 200) this.#listener?.onOpen()
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
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

  #settle(): void {
    this.#done = true
    this.#stopTimer()
    this.onDone()
  }
}

/** Node's aggregate of several addresses has no message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return (error.errors[0] as Error).message
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message
}
