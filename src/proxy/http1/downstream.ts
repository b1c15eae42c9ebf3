import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { BodySink, Downstream, DownstreamEvents } from '../exchange/downstream.ts'
import { type Connection, connectionOf } from '../listen/connection.ts'
import { cut } from './cut.ts'
import type { Http1Engine } from './engine.ts'
import { pipelineOf } from './pipeline.ts'

const DOWNSTREAM = Symbol('downstream')
interface Marked {
  [DOWNSTREAM]?: Http1Downstream
}

/** The request that a connection is busy with, or the last one. */
export const downstreamOf = (socket: object): Http1Downstream | undefined => (socket as Marked)[DOWNSTREAM]

// Listeners are shared functions that find their downstream on the emitter: no closure a request.
function onClose(this: object): void {
  downstreamOf(this)!.closed()
}
function onDrain(this: object): void {
  downstreamOf(this)!.drained()
}
function onData(this: object, chunk: Buffer): void {
  downstreamOf(this)!.bodyData(chunk)
}
function onEnd(this: object): void {
  downstreamOf(this)!.bodyEnd()
}
function ignore(): void {}
function flush(downstream: Http1Downstream): void {
  downstream.flush()
}

/** One request of a client over HTTP/1, on node:http. */
export class Http1Downstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly httpVersion: string
  readonly authority = undefined
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  readonly secure: boolean
  readonly hasBody: boolean
  readonly #engine: Http1Engine
  readonly #connection: Connection
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #expectsContinue: boolean
  #events: DownstreamEvents | undefined
  #sink: BodySink | undefined
  #bodyPaused = false
  #blocked = false
  #over = false

  constructor(engine: Http1Engine, request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    const connection = connectionOf(request.socket)
    this.method = request.method!
    this.target = request.url!
    this.rawHeaders = request.rawHeaders
    this.httpVersion = request.httpVersion
    this.peerAddress = connection.peerAddress
    this.peerPort = connection.peerPort
    this.localPort = connection.localPort
    this.secure = connection.secure
    const { headers } = request
    this.hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
    this.#engine = engine
    this.#connection = connection
    this.#request = request
    this.#response = response
    this.#expectsContinue = expectsContinue
    ;(response as Marked)[DOWNSTREAM] = this
    ;(request.socket as Marked)[DOWNSTREAM] = this
    response.on('close', onClose)
  }

  attach(events: DownstreamEvents): void {
    this.#events = events
  }

  readBody(sink: BodySink): void {
    this.#sink = sink
    const request = this.#request
    if (this.#expectsContinue && !this.#response.headersSent) this.#response.writeContinue()
    ;(request as Marked)[DOWNSTREAM] = this
    request.on('error', ignore)
    request.on('end', onEnd)
    request.on('data', onData)
  }

  pauseBody(): void {
    this.#bodyPaused = true
    this.#request.pause()
  }

  resumeBody(): void {
    this.#bodyPaused = false
    this.#request.resume()
  }

  inform(status: number, rawHeaders: readonly string[]): void {
    // HTTP/1.0 has no 1xx (RFC 9110 15.2), and nothing may come before an earlier answer of a pipelining client.
    if (this.httpVersion !== '1.1' || this.#response.headersSent || this.#response.socket === null) return
    let head = `HTTP/1.1 ${status} ${status === 103 ? 'Early Hints' : 'Information'}\r\n`
    for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
    this.#response.socket.write(`${head}\r\n`, 'latin1')
  }

  respond(status: number, rawHeaders: readonly string[]): boolean {
    const response = this.#response
    const complete = this.#request.complete || !this.hasBody
    if (!complete || this.#engine.closing(this.#connection)) response.shouldKeepAlive = false
    if (!response.shouldKeepAlive) pipelineOf(this.#request.socket).ended = true
    try {
      response.writeHead(status, rawHeaders as string[])
    } catch {
      return false
    }
    if (!complete && response.socket) lingerOnClose(response.socket, this.#request, this.#engine)
    // A body chunk that comes in this turn goes out with the head in one write; without one, the head must not wait.
    process.nextTick(flush, this)
    return true
  }

  flush(): void {
    if (!this.#over && !this.#response.destroyed) this.#response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#over) return true
    if (this.#response.write(chunk)) return true
    if (!this.#blocked) {
      this.#blocked = true
      if (this.#response.listenerCount('drain') === 0) this.#response.on('drain', onDrain)
    }
    return false
  }

  end(trailers: readonly string[]): void {
    if (this.#over) return
    this.#over = true
    if (trailers.length > 0 && this.httpVersion === '1.1') this.#addTrailers(trailers)
    this.#response.end()
  }

  #addTrailers(trailers: readonly string[]): void {
    const pairs: [string, string][] = []
    for (let i = 0; i < trailers.length; i += 2) pairs.push([trailers[i]!, trailers[i + 1]!])
    try {
      this.#response.addTrailers(pairs)
    } catch {
      // A trailer with an illegal byte: the body is complete without it.
    }
  }

  destroy(): void {
    this.#over = true
    cut(this.#request.socket)
    this.#response.destroy()
  }

  /** The client is the one who has to move: it must send more of the body or take more of the answer. */
  get waitsForClient(): boolean {
    if (this.#over) return true
    if (this.#blocked) return true
    return this.#sink !== undefined && !this.#bodyPaused && !this.#request.complete
  }

  /** The answer is complete, as far as the exchange is concerned. */
  get over(): boolean {
    return this.#over
  }

  /** The answer is with the client, or the client is gone. */
  closed(): void {
    const { socket } = this.#request
    if (!this.#over) {
      this.#over = true
      this.#events?.onAbort()
    }
    this.#engine.answered(socket)
  }

  drained(): void {
    this.#blocked = false
    if (!this.#over) this.#events?.onDrain()
  }

  bodyData(chunk: Buffer): void {
    // What is left of an upload that was answered early is read and thrown away.
    if (!this.#over && !this.#sink!.onBodyData(chunk)) this.pauseBody()
  }

  bodyEnd(): void {
    if (!this.#over) this.#sink!.onBodyEnd()
  }
}

/**
 * Closing a socket with unread bytes resets it, and the reset may overtake the answer. So the connection of an upload
 * that was answered early is half-closed first and read for a little while (RFC 9112 9.6).
 */
function lingerOnClose(socket: Socket, request: IncomingMessage, engine: Http1Engine): void {
  socket.destroySoon = function destroySoon(this: Socket) {
    if (this.destroyed) return
    this.end()
    const stop = engine.afterLinger(() => this.destroy())
    this.once('end', () => this.destroy())
    this.once('close', stop)
    // The body as well: a request that is paused keeps the parser, and so the connection, from reading on.
    request.resume()
    this.resume()
  }
}
