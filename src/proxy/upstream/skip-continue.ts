import type { Socket } from 'node:net'

const START = 'HTTP/1.1 100'
/** What may come behind it: a space, or the end of the line. */
const AFTER = new Set([0x20, 0x0d])
/** A longer 100 is left to undici, which ends the attempt. */
const MAX_BYTES = 4096

/** What of the bytes before an answer is passed on. `hold`: too few to tell. */
export type Skipped = { hold: Buffer } | { pass: Buffer } | 'all'

/** Takes complete `100 Continue` answers off the front of `bytes`. Pure. */
export function skipContinueIn(bytes: Buffer): Skipped {
  let rest = bytes
  for (;;) {
    if (rest.length === 0) return 'all'
    const start = rest.toString('latin1', 0, START.length)
    if (!START.startsWith(start)) return { pass: rest }
    if (rest.length <= START.length) return { hold: rest }
    // `1000` is no status: undici says so.
    if (!AFTER.has(rest[START.length]!)) return { pass: rest }
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return rest.length > MAX_BYTES ? { pass: rest } : { hold: rest }
    rest = rest.subarray(end + 4)
  }
}

/** Whether a connection waits for the first byte of an answer, and what to do when one comes. */
export interface Waiting {
  waiting: boolean
  onFirstByte(): void
}

/**
 * undici takes a 100 that it did not ask for as a fault and cuts the connection, though RFC 9110 section 15.2 lets servers
 * send one and tells clients to ignore it. So it never gets to see them: they are taken out as it reads the socket,
 * between a request and the first other byte of its answer.
 */
export function skipContinue(socket: Socket, connection: Waiting): void {
  const read = socket.read
  let held: Buffer | undefined
  socket.read = (size?: number): Buffer | null => {
    const chunk: Buffer | null = read.call(socket, size)
    if (chunk === null || !connection.waiting) return chunk
    connection.onFirstByte()
    const skipped = skipContinueIn(held ? Buffer.concat([held, chunk]) : chunk)
    held = undefined
    if (skipped === 'all') return null
    if ('hold' in skipped) {
      held = skipped.hold
      return null
    }
    connection.waiting = false
    return skipped.pass
  }
}
