import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TestCertificate } from './certificates.ts'

/** One connection of an evil upstream: what arrived so far, and every way to misbehave. */
export class EvilConnection {
  readonly socket: Socket
  /** 0 for the first connection of the server. */
  readonly index: number
  /** Everything that arrived and was not taken by `request`, latin1. */
  received = ''
  #ended = false
  #waiting: (() => void)[] = []

  constructor(socket: Socket, index: number) {
    this.socket = socket
    this.index = index
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.received += text
      this.#wake()
    })
    const ended = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('end', ended)
    socket.on('close', ended)
    socket.on('error', () => {})
  }

  /** Waits until what arrived satisfies `done`; false when the peer ended before. */
  async until(done: (received: string) => boolean): Promise<boolean> {
    while (!done(this.received)) {
      if (this.#ended) return false
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return true
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Waits for a request head (and a Content-Length body) and takes it: its text, or undefined when the peer ended. */
  async request(): Promise<string | undefined> {
    if (!(await this.until((text) => text.includes('\r\n\r\n')))) return undefined
    const headEnd = this.received.indexOf('\r\n\r\n') + 4
    const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(this.received.slice(0, headEnd))?.[1] ?? 0)
    if (!(await this.until((text) => text.length >= headEnd + length))) return undefined
    const request = this.received.slice(0, headEnd + length)
    this.received = this.received.slice(headEnd + length)
    return request
  }

  /** Writes bytes (latin1) and waits until the kernel has them. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      const done = () => resolve()
      if (typeof bytes === 'string') this.socket.write(bytes, 'latin1', done)
      else this.socket.write(bytes, done)
    })
  }

  /** Writes `bytes` in pieces of `size`, one event-loop turn (or `wait`) apart. */
  async drip(
    bytes: string,
    size = 1,
    wait: () => Promise<void> = () => new Promise((r) => setImmediate(r)),
  ): Promise<void> {
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += size) {
      await this.send(bytes.slice(at, at + size))
      await wait()
    }
  }

  /** A complete answer with Content-Length. */
  answer(body: string, status = '200 OK', headers = ''): Promise<void> {
    return this.send(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`)
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** FIN after what was written; goes on reading. */
  halfClose(): void {
    this.socket.end()
  }

  close(): void {
    this.socket.destroy()
  }

  /** Resolves when the peer has ended or the connection is gone. */
  async closed(): Promise<void> {
    await this.until(() => false)
  }
}

/** What an evil upstream does with a connection; runs from accept on. */
export type Script = (connection: EvilConnection) => Promise<void> | void

export interface EvilUpstream {
  port: number
  /** `http://127.0.0.1:port` (https with a certificate). */
  origin: string
  /** Every connection accepted so far. */
  connections: EvilConnection[]
  server: Server
  close(): Promise<void>
}

/** A raw server on 127.0.0.1: each connection is played by `script` (its `index` tells which it is). With a certificate it speaks TLS. */
export async function evilUpstream(script: Script, certificate?: TestCertificate): Promise<EvilUpstream> {
  const connections: EvilConnection[] = []
  const onSocket = (socket: Socket) => {
    const connection = new EvilConnection(socket, connections.length)
    connections.push(connection)
    void (async () => script(connection))().catch((error: unknown) => {
      process.emitWarning(`evil upstream: ${String(error)}`)
      socket.destroy()
    })
  }
  const options = { allowHalfOpen: true, noDelay: true }
  const server: Server = certificate
    ? createTlsServer({ ...options, cert: certificate.certPem, key: certificate.keyPem }, onSocket)
    : createServer(options, onSocket)
  // Below TLS, too: a connection that fails in its handshake is no connection of a script, and would keep `close` waiting.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('close', () => sockets.delete(socket))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    connections,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const { socket } of connections) socket.destroy()
        for (const socket of sockets) socket.destroy()
      }),
  }
}
