import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { canonicalAddress, type Networks } from '../headers/trusted.ts'
import { Http1Engine } from '../http1/engine.ts'
import { Http2Engine } from '../http2/engine.ts'
import type { BoundListener } from '../messages.ts'
import type { LimitSpec, ListenerSpec, ProxyTimeouts } from '../snapshot.ts'
import { Certificates } from '../tls/certificates.ts'
import { Handshakes } from '../tls/handshakes.ts'
import type { Admission } from './admission.ts'
import { type Connection, markSocket } from './connection.ts'
import type { Frontend } from './frontend.ts'
import { readProxyHeader } from './proxy-protocol.ts'

/** What a listener works with; replaced as a whole by a reload. */
export interface ListenerParts {
  spec: ListenerSpec
  limits: LimitSpec
  timeouts: ProxyTimeouts
  trusted: Networks
  frontend: Frontend
}

/** The engines of one configuration; the connections that they took over stay with them. */
interface Engines {
  parts: ListenerParts
  /** undefined: no TLS. */
  handshakes: Handshakes | undefined
  http1: Http1Engine
  http2: Http2Engine | undefined
}

/** One listening socket of a worker: accepts, learns who the client is, speaks TLS, and hands the connection to an engine. */
export class Listener {
  readonly #server: Server
  readonly #admission: Admission
  #engines: Engines
  /** Engines of earlier configurations, for the connections that they have. */
  #retired: Engines[] = []
  #port = 0

  /** Throws when a certificate is not usable. */
  constructor(parts: ListenerParts, admission: Admission) {
    this.#admission = admission
    this.#engines = makeEngines(parts)
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
  }

  /** Binds; `port`: in place of the configured one, as every worker must have the port that the first one got for 0. */
  async listen(port: number): Promise<BoundListener> {
    const { host, name } = this.#engines.parts.spec
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, ...(host === undefined ? {} : { host }), reusePort: true }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', () => {})
        resolve()
      })
    })
    const address = this.#server.address() as AddressInfo
    this.#port = address.port
    return { name, host: address.address, port: address.port }
  }

  get spec(): ListenerSpec {
    return this.#engines.parts.spec
  }

  /** New connections get the new configuration. Throws when a certificate is not usable: the old one stays. */
  reload(parts: ListenerParts): void {
    const engines = makeEngines(parts, this.#engines)
    if (engines.http1 !== this.#engines.http1) this.#retired.push(this.#engines)
    this.#retired = this.#retired.filter(({ http1, http2 }) => {
      if (http1.connections > 0 || (http2?.connections ?? 0) > 0) return true
      http1.close()
      return false
    })
    this.#engines = engines
  }

  closeIdle(): void {
    for (const { http1, http2 } of [this.#engines, ...this.#retired]) {
      http1.closeIdle()
      http2?.closeIdle()
    }
  }

  /** Accepts no more; connections in hand live on. */
  stop(): void {
    this.#server.close()
  }

  close(): void {
    this.#server.close()
    for (const { http1, http2 } of [this.#engines, ...this.#retired]) {
      http1.close()
      http2?.close()
    }
  }

  #accept(socket: Socket): void {
    socket.on('error', ignore)
    const engines = this.#engines
    const peerAddress = canonicalAddress(socket.remoteAddress)
    const peerPort = socket.remotePort ?? 0
    const { spec, trusted, timeouts } = engines.parts
    if (spec.proxyProtocol && trusted.has(peerAddress)) {
      readProxied(socket, timeouts.headerMs, (address, port) =>
        this.#admit(engines, socket, address ?? peerAddress, port ?? peerPort),
      )
    } else this.#admit(engines, socket, peerAddress, peerPort)
  }

  #admit(engines: Engines, socket: Socket, peerAddress: string, peerPort: number): void {
    if (!this.#admission.enter(peerAddress)) {
      socket.destroy()
      return
    }
    socket.once('close', () => this.#admission.leave(peerAddress))
    const { parts, handshakes, http1 } = engines
    const { maxConnectionAgeMs } = parts.timeouts
    const connection: Connection = {
      peerAddress,
      peerPort,
      localPort: this.#port,
      secure: handshakes !== undefined,
      endOfLifeMs:
        maxConnectionAgeMs > 0 ? parts.frontend.clock.nowMs() + maxConnectionAgeMs : Number.POSITIVE_INFINITY,
    }
    if (handshakes) {
      handshakes.begin(socket, connection)
      return
    }
    markSocket(socket, connection)
    http1.accept(socket)
  }
}

/** `before`: its engines are kept where nothing changed that they were made of. */
function makeEngines(parts: ListenerParts, before?: Engines): Engines {
  const { spec, limits, timeouts, frontend } = parts
  const secure = spec.protocol === 'HTTPS'
  const kept =
    before &&
    before.parts.frontend === frontend &&
    before.parts.spec.protocol === spec.protocol &&
    JSON.stringify([before.parts.limits, before.parts.timeouts]) === JSON.stringify([limits, timeouts])
  // First, as it may throw: an engine that nobody gets would never be closed.
  const certificates = secure ? new Certificates(spec.certificates) : undefined
  const http1 = kept ? before.http1 : new Http1Engine(frontend, limits, timeouts)
  if (!certificates) return { parts, handshakes: undefined, http1, http2: undefined }
  const http2 = kept ? before.http2! : new Http2Engine(frontend, limits, timeouts)
  const handshakes = new Handshakes(certificates, timeouts.headerMs, (socket, connection) => {
    markSocket(socket, connection)
    if (socket.alpnProtocol === 'h2') http2.accept(socket)
    else http1.accept(socket)
  })
  return { parts, handshakes, http1, http2 }
}

function ignore(): void {}

/** Reads the PROXY protocol header of a trusted peer, then calls `done`; without a valid one in time the connection is closed. */
function readProxied(
  socket: Socket,
  timeoutMs: number,
  done: (address: string | undefined, port: number | undefined) => void,
): void {
  let bytes = Buffer.alloc(0)
  const fail = (): void => void socket.destroy()
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    const header = readProxyHeader(bytes)
    if (header.kind === 'more') return
    if (header.kind === 'invalid') {
      fail()
      return
    }
    socket.off('readable', onReadable)
    socket.off('timeout', fail)
    socket.off('end', fail)
    socket.setTimeout(0)
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
    done(header.address, header.port)
  }
  socket.setTimeout(timeoutMs, fail)
  socket.on('end', fail)
  socket.on('readable', onReadable)
}
