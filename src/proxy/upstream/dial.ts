import { connect, isIP, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls'
import type { Clock } from '../../clock.ts'
import { CallError } from './failure.ts'

/** Where connections go and how they are secured; one an endpoint. */
export interface DialTarget {
  secure: boolean
  /** Name or address that is dialled; no brackets. */
  host: string
  port: number
  /** Verified, and sent as SNI when it is a name. */
  serverName: string
  /** CA certificates instead of the public ones. */
  caPem?: string
  alpn: readonly string[]
  connectTimeoutMs: number
}

/** `http://[::1]:9001` -> its parts. */
export function targetOf(
  origin: string,
  options: {
    serverName?: string | undefined
    caPem?: string | undefined
    alpn: readonly string[]
    connectTimeoutMs: number
  },
): DialTarget {
  const url = new URL(origin)
  const secure = url.protocol === 'https:'
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return {
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    serverName: options.serverName ?? host,
    ...(options.caPem === undefined ? {} : { caPem: options.caPem }),
    alpn: options.alpn,
    connectTimeoutMs: options.connectTimeoutMs,
  }
}

/**
 * Every plain connection of a thread reads into one buffer, and what came is copied out of it. By itself node allocates 64 KiB a
 * read and shrinks them to what came, which fills malloc's arenas with holes (30 MB a worker under load) and costs more than the copy.
 */
const READING = {
  buffer: Buffer.allocUnsafeSlow(65_536),
  callback(this: Socket, length: number): boolean {
    const bytes = Buffer.allocUnsafe(length)
    READING.buffer.copy(bytes, 0, 0, length)
    return this.push(bytes)
  },
}

/** Opens connections to one endpoint: TCP and TLS within one connect timeout, certificates always verified. */
export class Dialer {
  readonly target: DialTarget
  readonly #clock: Clock
  #context: SecureContext | undefined
  /** The last TLS session, so that later connections need no full handshake. */
  #session: Buffer | undefined

  constructor(target: DialTarget, clock: Clock) {
    this.target = target
    this.#clock = clock
  }

  /**
   * Calls back once, with a connection or with why there is none. Destroying the returned socket gives up.
   * `allowHalfOpen`: for tunnels, whose directions end one by one.
   */
  dial(callback: (error: Error | null, socket: Socket | null) => void, allowHalfOpen = false): Socket {
    const { target } = this
    const { host, port } = target
    const socket = target.secure
      ? this.#dialTls(allowHalfOpen)
      : connect({ host, port, allowHalfOpen, noDelay: true, onread: READING })
    let settled = false
    const stopTimer =
      target.connectTimeoutMs === 0
        ? () => {}
        : this.#clock.after(target.connectTimeoutMs, () =>
            socket.destroy(new CallError('CONNECT_TIMEOUT', `no connection within ${target.connectTimeoutMs} ms`)),
          )
    const settle = (error: Error | null): void => {
      if (settled) return
      settled = true
      stopTimer()
      callback(error, error ? null : socket)
    }
    socket.setKeepAlive(true, 60_000)
    socket.once(target.secure ? 'secureConnect' : 'connect', () => settle(null))
    socket.on('error', settle)
    socket.once('close', () => settle(new CallError('ABORTED', 'closed before it was connected')))
    return socket
  }

  #dialTls(allowHalfOpen: boolean): TLSSocket {
    const { target } = this
    // Parsing a CA bundle costs milliseconds: once an endpoint, not once a connection.
    this.#context ??= createSecureContext({ minVersion: 'TLSv1.2', ...(target.caPem ? { ca: target.caPem } : {}) })
    const options: ConnectionOptions & { allowHalfOpen: boolean } = {
      host: target.host,
      port: target.port,
      allowHalfOpen,
      secureContext: this.#context,
      ALPNProtocols: [...target.alpn],
      rejectUnauthorized: true,
      // SNI carries names only (RFC 6066 section 3); an address is verified all the same.
      ...(isIP(target.serverName) ? {} : { servername: target.serverName }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(target.serverName, certificate),
      ...(this.#session ? { session: this.#session } : {}),
    }
    const socket = tlsConnect(options)
    socket.setNoDelay(true)
    socket.on('session', (session) => {
      this.#session = session
    })
    return socket
  }
}
