import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createH2Server,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { type Random, seededRandom } from '../../src/random.ts'
import { certificateFor, type TestCertificate } from './certificates.ts'
import { acceptOf, frame, readFrames } from './websocket.ts'

type Incoming = IncomingMessage | Http2ServerRequest
type Outgoing = ServerResponse | Http2ServerResponse

export interface BackendOptions {
  /** Sent as `x-backend`; default `backend`. */
  name?: string
  protocol?: 'http' | 'https' | 'h2c' | 'h2'
  certificate?: TestCertificate
  port?: number
  /** Share (0-1) of requests answered with `failureStatus`. */
  failureRate?: number
  failureStatus?: number
  seed?: number
  /** Takes a request over; false: the built-in paths answer. */
  handle?: (request: Incoming, response: Outgoing) => boolean
}

/** What `/echo` answers, as JSON. */
export interface Echo {
  backend: string
  method: string
  url: string
  httpVersion: string
  rawHeaders: string[]
  bodyBytes: number
  bodySha256: string
}

/**
 * A sample upstream. Paths (a query may follow):
 * `/echo` (and any other) what it got · `/status/503` · `/delay/100` answers after ms · `/bytes/1000` so many bytes with Content-Length ·
 * `/chunked/1000` without · `/sse/3` events, then ends (`/sse/0`: one event, stays open) · `/trailers` · `/hints` 103 first ·
 * `/hang` never answers · `/reset` RST · `/truncate` half a body, then the connection dies. Upgrades: `websocket` echoes frames, anything else echoes bytes.
 */
export class Backend {
  readonly name: string
  failureRate: number
  failureStatus: number
  /** Added before every answer. */
  delayMs = 0
  /** Requests that arrived. */
  requests = 0
  /** Requests whose client went away before the answer was complete. */
  aborted = 0
  /** Connections accepted, and open now. */
  connections = 0
  readonly sockets = new Set<Socket>()
  readonly protocol: 'http' | 'https' | 'h2c' | 'h2'
  readonly #server: Server
  readonly #port: number
  readonly #random: Random
  readonly #handle: BackendOptions['handle']

  constructor(options: BackendOptions = {}) {
    this.#port = options.port ?? 0
    this.name = options.name ?? 'backend'
    this.protocol = options.protocol ?? 'http'
    this.failureRate = options.failureRate ?? 0
    this.failureStatus = options.failureStatus ?? 503
    this.#random = seededRandom(options.seed ?? 1)
    this.#handle = options.handle
    const onRequest = (request: Incoming, response: Outgoing) => this.#onRequest(request, response)
    const secure = () => {
      const { certPem, keyPem } = options.certificate ?? certificateFor()
      return { cert: certPem, key: keyPem }
    }
    if (this.protocol === 'http') this.#server = createServer({ noDelay: true }, onRequest)
    else if (this.protocol === 'https') this.#server = createHttpsServer(secure(), onRequest)
    else if (this.protocol === 'h2c') this.#server = createH2Server(onRequest) as unknown as Server
    else this.#server = createSecureServer(secure(), onRequest) as unknown as Server
    this.#server.on(this.protocol === 'https' || this.protocol === 'h2' ? 'secureConnection' : 'connection', (s) => {
      const socket = s as Socket
      this.connections++
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.sockets.delete(socket))
    })
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#onUpgrade(request, socket, head),
    )
  }

  /** A backend that listens. */
  static start(options: BackendOptions = {}): Promise<Backend> {
    return new Backend(options).start()
  }

  async start(): Promise<this> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** `http://127.0.0.1:port`, or https. */
  get origin(): string {
    return `${this.protocol === 'https' || this.protocol === 'h2' ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  /** Stops at once; open connections are cut. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  #onRequest(request: Incoming, response: Outgoing): void {
    this.requests++
    response.once('close', () => {
      if (!response.writableFinished) this.aborted++
    })
    response.setHeader('x-backend', this.name)
    if (this.#handle?.(request, response)) return
    const path = (request.url ?? '/').split('?', 1)[0]!
    const [, verb, argument] = path.split('/')
    const number = Number(argument ?? 0)
    const delayMs = this.delayMs + (verb === 'delay' ? number : 0)
    const answer = () => this.#answer(request, response, verb ?? '', number)
    if (delayMs > 0) setTimeout(answer, delayMs)
    else answer()
  }

  #answer(request: Incoming, response: Outgoing, verb: string, number: number): void {
    const write = (chunk: string | Buffer): boolean => (response as ServerResponse).write(chunk)
    if (this.failureRate > 0 && this.#random() < this.failureRate) {
      response.statusCode = this.failureStatus
      response.end('failed')
      return
    }
    switch (verb) {
      case 'status':
        response.statusCode = number
        response.end(number === 204 || number === 304 ? '' : `status ${number}`)
        return
      case 'bytes':
        response.setHeader('content-length', number)
        this.#bytes(response, number)
        return
      case 'chunked':
        this.#bytes(response, number)
        return
      case 'sse':
        response.setHeader('content-type', 'text/event-stream')
        for (let i = 0; i < Math.max(number, 1); i++) write(`data: ${i}\n\n`)
        if (number > 0) response.end()
        return
      case 'trailers':
        response.setHeader('trailer', 'x-checksum')
        write('body with trailers')
        response.addTrailers({ 'x-checksum': 'abc', 'x-second': 'two' })
        response.end()
        return
      case 'hints':
        response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
        response.end('hinted')
        return
      case 'hang':
        return
      case 'reset':
        ;(request.socket as Socket).resetAndDestroy()
        return
      case 'truncate':
        response.setHeader('content-length', 1000)
        write('half')
        setImmediate(() => (request.socket as Socket).destroy())
        return
      default:
        this.#echo(request, response)
    }
  }

  /** `length` bytes of a repeating pattern: byte i is i modulo 251. */
  #bytes(response: Outgoing, length: number): void {
    const out = response as ServerResponse
    let sent = 0
    const more = (): void => {
      while (sent < length) {
        const chunk = patternBytes(Math.min(65_536, length - sent), sent)
        sent += chunk.length
        if (!out.write(chunk)) {
          out.once('drain', more)
          return
        }
      }
      out.end()
    }
    more()
  }

  #echo(request: Incoming, response: Outgoing): void {
    const hash = createHash('sha256')
    let bodyBytes = 0
    const body: Readable = request
    body.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bodyBytes += chunk.length
    })
    body.on('error', () => {})
    body.on('end', () => {
      const echo: Echo = {
        backend: this.name,
        method: request.method ?? '',
        url: request.url ?? '',
        httpVersion: request.httpVersion,
        rawHeaders: request.rawHeaders,
        bodyBytes,
        bodySha256: hash.digest('hex'),
      }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(echo))
    })
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.requests++
    const protocol = request.headers.upgrade ?? ''
    const key = request.headers['sec-websocket-key']
    if (request.url?.startsWith('/status/')) {
      socket.end(`HTTP/1.1 ${request.url.slice(8)} No\r\nx-backend: ${this.name}\r\ncontent-length: 7\r\n\r\nrefused`)
      return
    }
    const accept = key === undefined ? '' : `sec-websocket-accept: ${acceptOf(key)}\r\n`
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\nx-backend: ${this.name}\r\n${accept}\r\n`,
    )
    if (protocol.toLowerCase() !== 'websocket') {
      if (head.length > 0) socket.write(head)
      socket.pipe(socket)
      return
    }
    let pending = head
    const echo = (chunk: Buffer) => {
      const { frames, rest } = readFrames(Buffer.concat([pending, chunk]))
      pending = rest
      for (const { opcode, payload } of frames) {
        socket.write(frame(opcode, payload))
        if (opcode === 8) socket.end()
      }
    }
    echo(Buffer.alloc(0))
    socket.on('data', echo)
    socket.on('end', () => socket.end())
  }
}

const PATTERN = Buffer.from(Uint8Array.from({ length: 251 }, (_, i) => i))

/** `length` bytes of the pattern that `/bytes` and `/chunked` send, from offset `from`. */
export function patternBytes(length: number, from = 0): Buffer {
  const start = from % 251
  return Buffer.alloc(start + length, PATTERN).subarray(start)
}
