import type { Socket } from 'node:net'

/**
 * Ends a connection so that the client cannot take what it has for the whole: by a reset, as a body without length ends with
 * the connection. TLS needs none: what ends without close_notify is cut short (RFC 8446 6.1).
 */
export function cut(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
