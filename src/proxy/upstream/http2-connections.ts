import type { Socket } from 'node:net'
import type { Attempt } from './attempt.ts'
import { CLIENT_OPTIONS, type Connections } from './connections.ts'
import type { Dialer } from './dial.ts'
import { type Dispatcher, loadPool, type Pool } from './undici.ts'

/**
 * HTTP/2 connections to one endpoint: with prior knowledge over TCP (h2c), by ALPN over TLS, where an endpoint that
 * offers no h2 is spoken to in HTTP/1.1. Requests share a connection; when its streams are used up, another is opened.
 * Which connection carries a request is not known here, so that `reused` is always false: a request that was
 * lost with its connection is not replayed (undici itself replays streams that the endpoint refused, which is safe).
 */
export class Http2Connections implements Connections {
  readonly dialer: Dialer
  readonly #origin: string
  readonly #idleMs: number
  readonly #pool: Pool

  constructor(origin: string, dialer: Dialer, idleMs: number) {
    this.#origin = origin
    this.dialer = dialer
    this.#idleMs = idleMs === 0 ? 600_000 : idleMs
    this.#pool = this.#newPool()
  }

  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    if (!this.#pool.closed) {
      this.#pool.dispatch(options, attempt)
      return
    }
    const own = this.#newPool()
    own.dispatch(options, attempt)
    void own.close()
  }

  started(): void {}

  blocked(): boolean {
    // The window of one stream is not visible here: an upload that an endpoint does not read ends with the client's patience.
    return false
  }

  failed(): void {}

  close(): Promise<void> {
    return this.#pool.close()
  }

  #newPool(): Pool {
    const { dialer } = this
    const options = {
      ...CLIENT_OPTIONS,
      allowH2: true,
      // Requests that come while the first connection is made wait for it, rather than opening one each.
      useH2c: !dialer.target.secure,
      // Of the HTTP/1.1 that TLS may fall back to.
      pipelining: 1,
      keepAliveTimeout: this.#idleMs,
      keepAliveMaxTimeout: this.#idleMs,
      connect: (_: unknown, callback: (...result: [Error, null] | [null, Socket]) => void) => {
        dialer.dial((error, socket) => {
          if (error) {
            callback(error, null)
            return
          }
          // How undici's own connector tells its client that a plain connection speaks HTTP/2.
          if (!dialer.target.secure) Object.assign(socket!, { alpnProtocol: 'h2' })
          callback(null, socket!)
        })
      },
    }
    return new (loadPool())(this.#origin, options)
  }
}
