import type { Socket } from 'node:net'
import type { Clock } from '../../clock.ts'

/** How long a connection is read on after its last answer. */
export const LINGER_MS = 2000

/**
 * Ends a connection after its last answer. Closing a socket with unread bytes resets it, and the reset may overtake the
 * answer: so what the client still sends is read and thrown away until it ends too, for LINGER_MS at most (RFC 9112 9.6).
 */
export function endLingering(socket: Socket, clock: Clock, lastBytes: Buffer | string = ''): void {
  if (socket.destroyed) return
  if (!socket.writableEnded) socket.end(lastBytes, 'latin1')
  if (socket.readableEnded) {
    socket.destroySoon()
    if (socket.destroyed) return
  }
  const stop = clock.after(LINGER_MS, () => socket.destroy())
  socket.once('end', () => socket.destroySoon())
  socket.once('close', stop)
  socket.resume()
}
