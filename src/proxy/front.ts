import type { Clock } from '../clock.ts'
import { type ErrorCode, errorSpec } from './errors.ts'
import type { Downstream } from './exchange/downstream.ts'
import { Exchange } from './exchange/exchange.ts'
import type { UpgradeRequest } from './http1/upgrade-request.ts'
import type { Connection } from './listen/connection.ts'
import type { Frontend } from './listen/frontend.ts'
import type { Runtime } from './runtime.ts'
import { Tunnel } from './tunnel.ts'

/** What a worker's listeners hand requests to: each is started with the runtime of this moment, and keeps it. */
export class Front implements Frontend {
  readonly clock: Clock
  draining = false
  /** Swapped by one assignment. */
  runtime: Runtime
  readonly #tunnels = new Set<Tunnel>()
  readonly #onError: (error: unknown) => void

  /** `onError`: a fault of the proxy itself, survived. */
  constructor(runtime: Runtime, clock: Clock, onError: (error: unknown) => void) {
    this.runtime = runtime
    this.clock = clock
    this.#onError = onError
  }

  request(downstream: Downstream): void {
    const exchange = new Exchange(downstream, this.runtime)
    try {
      exchange.start()
    } catch (error) {
      this.#onError(error)
      exchange.fail()
    }
  }

  upgrade(request: UpgradeRequest): void {
    const tunnel = new Tunnel(request, this.runtime, () => this.#tunnels.delete(tunnel))
    this.#tunnels.add(tunnel)
    request.socket.once('close', () => this.#tunnels.delete(tunnel))
    try {
      tunnel.start()
    } catch (error) {
      this.#onError(error)
      tunnel.close()
    }
  }

  refused(connection: Connection, code: ErrorCode): void {
    const { accessLog } = this.runtime.services
    if (!accessLog) return
    const { status, flag } = errorSpec(code)
    accessLog.log({
      wallMs: this.clock.wallMs(),
      durationUs: 0,
      method: '',
      requestId: '',
      requestBytes: 0,
      status,
      responseBytes: 0,
      host: '',
      path: '',
      clientIp: connection.peerAddress,
      attempts: 0,
      rescued: false,
      flags: [flag],
    })
  }

  /** Tunnels that are open. */
  get tunnels(): number {
    return this.#tunnels.size
  }

  /** Cuts all tunnels: their time is up. */
  closeTunnels(): void {
    for (const tunnel of this.#tunnels) tunnel.close()
  }
}
