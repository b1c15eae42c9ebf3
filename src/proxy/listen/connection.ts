import type { Socket } from 'node:net'

/** What the proxy knows of a client's connection; made once when it is accepted. */
export interface Connection {
  /** Of the peer, or of the client that a trusted PROXY protocol header names. */
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  readonly secure: boolean
  /** Monotonic milliseconds at which it is to be closed after the answer in hand; Infinity = never. */
  readonly endOfLifeMs: number
}

const CONNECTION = Symbol('connection')
type Marked = Socket & { [CONNECTION]?: Connection }

/** Notes on the socket whose connection it is, so that no table and no closure is needed to find it again. */
export function markSocket(socket: Socket, connection: Connection): void {
  const marked = socket as Marked
  marked[CONNECTION] = connection
}

export const connectionOf = (socket: Socket): Connection => (socket as Marked)[CONNECTION]!
