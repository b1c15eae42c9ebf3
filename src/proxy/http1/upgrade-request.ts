import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Incoming } from '../exchange/downstream.ts'
import { connectionOf } from '../listen/connection.ts'

/** A request for an upgrade: its head, and the raw connection that is the proxy's from now on. */
export class UpgradeRequest implements Incoming {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly httpVersion: string
  readonly authority = undefined
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  readonly secure: boolean
  readonly socket: Socket
  /** Bytes that came behind the head. */
  readonly head: Buffer

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    const connection = connectionOf(socket)
    this.method = request.method!
    this.target = request.url!
    this.rawHeaders = request.rawHeaders
    this.httpVersion = request.httpVersion
    this.peerAddress = connection.peerAddress
    this.peerPort = connection.peerPort
    this.localPort = connection.localPort
    this.secure = connection.secure
    this.socket = socket
    this.head = head
    socket.on('error', () => {})
    socket.setTimeout(0)
  }

  /** Writes a head; names and values were checked by responseHeaders. */
  respond(status: number, rawHeaders: readonly string[]): void {
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
    for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
    this.socket.write(`${head}\r\n`, 'latin1')
  }
}
