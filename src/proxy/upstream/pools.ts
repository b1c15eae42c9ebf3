import type { Clock } from '../../clock.ts'
import type { EndpointSpec, UpstreamSpec } from '../snapshot.ts'
import { Attempt, type CallDeadlines } from './attempt.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './call.ts'
import type { Connections } from './connections.ts'
import { Deadlines } from './deadlines.ts'
import { Dialer, targetOf } from './dial.ts'
import { Http1Connections } from './http1-connections.ts'
import { Http2Connections } from './http2-connections.ts'
import { BodyRelay } from './relay.ts'
import { type Upgrade, upgrade } from './upgrade.ts'

interface Pooled {
  connections: Connections
  users: number
}

/**
 * The connections of one worker, whatever snapshot they were made for. Endpoints that a new snapshot keeps (same origin, TLS, protocol and
 * timeouts) keep their connections: create the new upstream before the old one is closed.
 */
export class ConnectionStore {
  readonly clock: Clock
  readonly #pooled = new Map<string, Pooled>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Endpoints that have connections now. */
  get size(): number {
    return this.#pooled.size
  }

  /** The connections of `key`, made when nobody uses them yet. Every acquire is followed by one `release`. */
  acquire(key: string, make: () => Connections): Connections {
    let pooled = this.#pooled.get(key)
    if (!pooled) {
      pooled = { connections: make(), users: 0 }
      this.#pooled.set(key, pooled)
    }
    pooled.users++
    return pooled.connections
  }

  /** Closes the connections when this was their last user; resolves when their requests have ended. */
  async release(key: string): Promise<void> {
    const pooled = this.#pooled.get(key)
    if (!pooled || --pooled.users > 0) return
    this.#pooled.delete(key)
    await pooled.connections.close()
  }
}

/** The upstream of one gate in one worker. `endpoints`: of all its variants, so that their connections are kept from the snapshot before. */
export function createUpstream(
  spec: UpstreamSpec,
  endpoints: readonly EndpointSpec[],
  store: ConnectionStore,
): Upstream {
  return new UndiciUpstream(spec, endpoints, store)
}

class UndiciUpstream implements Upstream {
  readonly #spec: UpstreamSpec
  readonly #store: ConnectionStore
  readonly #timers: CallDeadlines
  readonly #connections = new Map<EndpointSpec, Connections>()
  readonly #keys: string[] = []

  constructor(spec: UpstreamSpec, endpoints: readonly EndpointSpec[], store: ConnectionStore) {
    this.#spec = spec
    this.#store = store
    this.#timers = {
      response: new Deadlines(spec.responseTimeoutMs, store.clock),
      idle: new Deadlines(spec.idleTimeoutMs, store.clock),
    }
    for (const endpoint of endpoints) this.#of(endpoint)
  }

  send(endpoint: EndpointSpec, request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const connections = this.#of(endpoint)
    const attempt = new Attempt(handler, this.#timers, connections)
    const { body, method } = request
    connections.dispatch(
      {
        method,
        path: endpoint.basePath + request.path,
        headers: request.headers,
        body: body === null || Buffer.isBuffer(body) ? body : new BodyRelay(body),
        // undici would close the connection after every HEAD, for servers that send a body with it all the same. Such
        // bytes are noticed like any other that nobody asked for, so there is no need to pay for it.
        ...(method === 'HEAD' ? { reset: false } : {}),
      },
      attempt,
    )
    return attempt
  }

  upgrade(endpoint: EndpointSpec, request: Omit<UpstreamRequest, 'body'>): Upgrade {
    const { dialer } = this.#of(endpoint)
    return upgrade(
      dialer,
      { ...request, path: endpoint.basePath + request.path },
      {
        clock: this.#store.clock,
        responseTimeoutMs: this.#spec.responseTimeoutMs,
        idleTimeoutMs: this.#spec.idleTimeoutMs,
      },
    )
  }

  async close(): Promise<void> {
    const keys = this.#keys.splice(0)
    await Promise.all(keys.map((key) => this.#store.release(key)))
  }

  #of(endpoint: EndpointSpec): Connections {
    const known = this.#connections.get(endpoint)
    if (known) return known
    const { origin } = endpoint
    const { protocol, connectTimeoutMs, idleTimeoutMs, tls } = this.#spec
    const serverName = tls.serverName ?? endpoint.serverName
    const key = JSON.stringify([origin, protocol, serverName, connectTimeoutMs, idleTimeoutMs, tls.caPem])
    const connections = this.#store.acquire(key, () => {
      const alpn = protocol === 'HTTP2' ? ['h2', 'http/1.1'] : ['http/1.1']
      const target = targetOf(origin, { serverName, caPem: tls.caPem, alpn, connectTimeoutMs })
      const dialer = new Dialer(target, this.#store.clock)
      return protocol === 'HTTP2'
        ? new Http2Connections(origin, dialer, idleTimeoutMs)
        : new Http1Connections(origin, dialer, idleTimeoutMs)
    })
    this.#keys.push(key)
    this.#connections.set(endpoint, connections)
    return connections
  }
}
