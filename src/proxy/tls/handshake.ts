import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'

/** ALPN protocols in order of preference, in the wire's form: each with its length in front. */
const ALPN = Buffer.from('\x02h2\x08http/1.1', 'latin1')

/**
 * Begins TLS on an accepted connection with the certificates of this moment. `done` is called once with the secure socket;
 * a handshake that fails or takes longer than `timeoutMs` only closes the connection.
 */
export function handshake(
  socket: Socket,
  certificates: Certificates,
  timeoutMs: number,
  done: (secure: TLSSocket) => void,
): void {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: certificates.first,
    ALPNProtocols: ALPN,
    SNICallback(serverName: string, callback: (error: Error | null, context?: SecureContext) => void) {
      // An exception in here would end the worker (CVE-2026-21637).
      try {
        callback(null, certificates.find(serverName))
      } catch (error) {
        callback(error as Error)
      }
    },
  })
  const fail = (): void => {
    secure.destroy()
    socket.destroy()
  }
  secure.on('error', fail)
  secure.setTimeout(timeoutMs, fail)
  secure.once('secure', () => {
    secure.setTimeout(0)
    secure.off('timeout', fail)
    done(secure)
  })
}
