import type { Socket } from 'node:net'
import { createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import type { Connection } from '../listen/connection.ts'
import type { Certificates } from './certificates.ts'

/** The TLS side of a listener: makes secure connections of accepted ones. It listens to nothing itself. */
export class Handshakes {
  readonly #server: Server
  /** Handshakes that run, by the peer's address and port: node does not tell which plain socket a secure one came from. */
  readonly #running = new Map<string, Connection>()

  /** `done` gets each secure connection; a handshake that fails, or takes longer than `timeoutMs`, only closes its connection. */
  constructor(
    certificates: Certificates,
    timeoutMs: number,
    done: (secure: TLSSocket, connection: Connection) => void,
  ) {
    this.#server = createServer({
      secureContext: certificates.first,
      ...{ ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: timeoutMs, allowHalfOpen: true },
      SNICallback(serverName: string, callback: (error: Error | null, context?: SecureContext) => void) {
        // An exception in here would end the worker (CVE-2026-21637).
        try {
          callback(null, certificates.find(serverName))
        } catch (error) {
          callback(error as Error)
        }
      },
    } as Parameters<typeof createServer>[0])
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#server.on('secureConnection', (secure) => {
      secure.on('error', () => {})
      const connection = this.#running.get(keyOf(secure))
      if (connection) done(secure, connection)
      else secure.destroy()
    })
  }

  /** Begins TLS on an accepted connection. */
  begin(socket: Socket, connection: Connection): void {
    const key = keyOf(socket)
    this.#running.set(key, connection)
    socket.once('close', () => {
      if (this.#running.get(key) === connection) this.#running.delete(key)
    })
    this.#server.emit('connection', socket)
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}`
