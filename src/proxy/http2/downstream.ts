import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { BodySink, Downstream, DownstreamEvents } from '../exchange/downstream.ts'
import { joinedHeader } from '../headers/raw.ts'
import { type Connection, connectionOf } from '../listen/connection.ts'

const DOWNSTREAM = Symbol('downstream')
type Marked = ServerHttp2Stream & { [DOWNSTREAM]?: Http2Downstream }

// Shared listeners that find their downstream on the stream: no closure a request.
function onClose(this: ServerHttp2Stream): void {
  ;(this as Marked)[DOWNSTREAM]!.closed()
}
function onDrain(this: ServerHttp2Stream): void {
  ;(this as Marked)[DOWNSTREAM]!.drained()
}
function onData(this: ServerHttp2Stream, chunk: Buffer): void {
  ;(this as Marked)[DOWNSTREAM]!.bodyData(chunk)
}
function onEnd(this: ServerHttp2Stream): void {
  ;(this as Marked)[DOWNSTREAM]!.bodyEnd()
}
function onTimeout(this: ServerHttp2Stream): void {
  ;(this as Marked)[DOWNSTREAM]!.stalled()
}
function onWantTrailers(this: ServerHttp2Stream): void {
  ;(this as Marked)[DOWNSTREAM]!.sendTrailers()
}
function ignore(): void {}

/** Statuses whose answers end with their head. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304])

/** One request of a client over HTTP/2, on node:http2. */
export class Http2Downstream implements Downstream {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly httpVersion = '2.0'
  readonly authority: string | undefined
  readonly peerAddress: string
  readonly peerPort: number
  readonly localPort: number
  readonly secure: boolean
  readonly hasBody: boolean
  readonly #stream: ServerHttp2Stream
  readonly #idleMs: number
  readonly #expectsContinue: boolean
  #events: DownstreamEvents | undefined
  #sink: BodySink | undefined
  #bodyPaused = false
  #bodyOver: boolean
  #blocked = false
  #over = false
  /** The end of DATA leaves the stream open for trailers: `sendTrailers` has the last word. */
  #trailing = false
  #trailers: readonly string[] = []

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    connection: Connection,
    idleMs: number,
  ) {
    this.method = String(headers[':method'] ?? '')
    this.target = String(headers[':path'] ?? '')
    this.authority = headers[':authority'] as string | undefined
    this.rawHeaders = rawHeaders
    this.peerAddress = connection.peerAddress
    this.peerPort = connection.peerPort
    this.localPort = connection.localPort
    this.secure = connection.secure
    this.hasBody = !stream.endAfterHeaders
    this.#bodyOver = stream.endAfterHeaders
    this.#expectsContinue = headers.expect !== undefined
    this.#stream = stream
    this.#idleMs = idleMs
    ;(stream as Marked)[DOWNSTREAM] = this
    stream.on('error', ignore)
    stream.on('close', onClose)
  }

  attach(events: DownstreamEvents): void {
    this.#events = events
  }

  readBody(sink: BodySink): void {
    this.#sink = sink
    const stream = this.#stream
    if (this.#expectsContinue && !stream.headersSent) stream.additionalHeaders({ ':status': 100 })
    stream.setTimeout(this.#idleMs)
    stream.on('timeout', onTimeout)
    stream.on('end', onEnd)
    stream.on('data', onData)
  }

  pauseBody(): void {
    this.#bodyPaused = true
    this.#stream.pause()
  }

  resumeBody(): void {
    this.#bodyPaused = false
    this.#stream.resume()
  }

  inform(status: number, rawHeaders: readonly string[]): void {
    if (this.#stream.headersSent || this.#stream.destroyed) return
    const headers: Record<string, string[]> = { __proto__: null } as never
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!.toLowerCase()
      const values = headers[name] ?? []
      values.push(rawHeaders[i + 1]!)
      headers[name] = values
    }
    try {
      this.#stream.additionalHeaders({ ...headers, ':status': status })
    } catch {
      // An early hint that cannot be sent is not worth the answer.
    }
  }

  respond(status: number, rawHeaders: readonly string[]): boolean {
    const stream = this.#stream
    if (stream.destroyed || stream.closed) return true
    // Trailers are announced by the end of DATA without END_STREAM, so it must be known now that some may come.
    const length = joinedHeader(rawHeaders, 'content-length')
    const mayTrail = length === '' || joinedHeader(rawHeaders, 'content-type').startsWith('application/grpc')
    // node ends an answer without body by its head, and never asks for trailers then.
    const waitForTrailers = mayTrail && this.method !== 'HEAD' && !BODILESS.has(status)
    try {
      stream.respond([':status', String(status), ...rawHeaders] as never, { waitForTrailers })
    } catch {
      return false
    }
    if (waitForTrailers) stream.on('wantTrailers', onWantTrailers)
    this.#trailing = waitForTrailers
    return true
  }

  write(chunk: Buffer): boolean {
    if (this.#over || this.#stream.destroyed) return true
    if (this.#stream.write(chunk)) return true
    if (!this.#blocked) {
      this.#blocked = true
      if (this.#stream.listenerCount('drain') === 0) {
        this.#stream.on('drain', onDrain)
        this.#stream.setTimeout(this.#idleMs)
        if (this.#stream.listenerCount('timeout') === 0) this.#stream.on('timeout', onTimeout)
      }
    }
    return false
  }

  end(trailers: readonly string[]): void {
    if (this.#over) return
    this.#over = true
    this.#trailers = trailers
    this.#stream.end()
    if (!this.#trailing) this.#stopUpload()
  }

  /** Tells a client that still uploads to stop, the answer being whole (RFC 9113 8.1). */
  #stopUpload(): void {
    if (!this.#bodyOver) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  sendTrailers(): void {
    const fields: Record<string, string> = {}
    for (let i = 0; i < this.#trailers.length; i += 2) {
      const name = this.#trailers[i]!.toLowerCase()
      const value = this.#trailers[i + 1]!
      fields[name] = name in fields ? `${fields[name]}, ${value}` : value
    }
    try {
      this.#stream.sendTrailers(fields)
    } catch {
      this.#stream.close(constants.NGHTTP2_NO_ERROR)
      return
    }
    // Not before the trailers are on their way: a closed stream sends none.
    setImmediate(() => this.#stopUpload())
  }

  destroy(): void {
    this.#over = true
    // An error makes it RST_STREAM with INTERNAL_ERROR; close() would end the body cleanly first.
    this.#stream.destroy(new Error('the upstream broke off'))
  }

  closed(): void {
    if (this.#over) return
    this.#over = true
    this.#events?.onAbort()
  }

  drained(): void {
    this.#blocked = false
    if (!this.#over) this.#events?.onDrain()
  }

  /** Neither side moved for the idle time: only a client that has to move is to blame. */
  stalled(): void {
    if (this.#blocked || (this.#sink && !this.#bodyPaused && !this.#bodyOver)) {
      this.#stream.close(constants.NGHTTP2_CANCEL)
    } else this.#stream.setTimeout(this.#idleMs)
  }

  bodyData(chunk: Buffer): void {
    if (!this.#over && !this.#sink!.onBodyData(chunk)) this.pauseBody()
  }

  bodyEnd(): void {
    this.#bodyOver = true
    if (!this.#over) this.#sink!.onBodyEnd()
  }
}

/** The connection of an HTTP/2 stream; its session's socket carries the mark. */
export const connectionOfStream = (stream: ServerHttp2Stream): Connection | undefined =>
  stream.session ? connectionOf(stream.session.socket as never) : undefined
