import type { Clock } from '../clock.ts'
import type { Credentials } from './credentials.ts'
import { type Answer, Exchange, type Limits, type Streaming, type StreamListener, TransportError } from './exchange.ts'
import { loadConnectorBuilder, loadPool, type Pool } from './undici.ts'

/** A request to the API server, before credentials. */
export interface Sent {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  path: string
  headers: Record<string, string>
  body?: string | undefined
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
    const Pool = loadPool()
    const buildConnector = loadConnectorBuilder()
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
  stream(sent: Sent, limits: Limits, listener: StreamListener): Streaming {
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
