import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorCode } from '../errors.ts'
import { type Connection, connectionOf } from '../listen/connection.ts'
import type { Frontend } from '../listen/frontend.ts'
import { problemOf } from '../problem.ts'
import { checkHead } from '../request/check.ts'
import type { LimitSpec, ProxyTimeouts } from '../snapshot.ts'
import { downstreamOf, Http1Downstream } from './downstream.ts'
import { endLingering, LINGER_MS } from './linger.ts'
import { pipelineOf } from './pipeline.ts'
import { UpgradeRequest } from './upgrade-request.ts'

/** Errors of node:http's parser that have an answer of their own; all others are a bad request. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'head-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'header-timeout',
  HPE_INVALID_VERSION: 'http-version',
}

/** Speaks HTTP/1 on connections that somebody else accepted. Limits are of its making: a reload makes a new engine for new connections. */
export class Http1Engine {
  readonly #frontend: Frontend
  readonly #server: Server
  readonly #idleMs: number
  readonly #sockets = new Set<Socket>()

  constructor(frontend: Frontend, limits: LimitSpec, timeouts: ProxyTimeouts) {
    this.#frontend = frontend
    this.#idleMs = timeouts.idleMs
    const server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: timeouts.headerMs,
      // A large upload may take long; what it must not do is stand still (onTimeout).
      requestTimeout: 0,
      keepAliveTimeout: timeouts.idleMs,
      connectionsCheckingInterval: Math.max(100, Math.min(1000, timeouts.headerMs / 4)),
      // Checked with everything else by checkHead, so that the refusal has the proxy's form.
      requireHostHeader: false,
      insecureHTTPParser: false,
      joinDuplicateHeaders: false,
      shouldUpgradeCallback: (request) => {
        const { method = '', url: target = '', rawHeaders, httpVersion } = request
        const head = checkHead({ method, target, rawHeaders, httpVersion, limits })
        return head.ok && head.upgrade !== ''
      },
    })
    // No limit here, as node drops what is above it: checkHead counts, and maxHeaderSize bounds the memory.
    server.maxHeadersCount = 0
    server.setTimeout(timeouts.idleMs, (socket) => this.#onTimeout(socket))
    server.on('request', (request, response) => this.#onRequest(request, response, false))
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true))
    server.on('checkExpectation', (request, response) => this.#onRequest(request, response, false))
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (inTurn(socket)) frontend.upgrade(new UpgradeRequest(request, socket, head))
    })
    server.on('connect', (_request: IncomingMessage, socket: Socket) => {
      if (inTurn(socket)) this.#refuse(socket, 'method-not-allowed')
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#onClientError(error, socket as Socket))
    // The server never listens itself; node starts the header time-outs on this event.
    server.emit('listening')
    this.#server = server
  }

  /** Takes over a connection; it is marked (listen/connection.ts). */
  accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    this.#server.emit('connection', socket)
  }

  /** Connections that it has. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Whether a connection is to be closed after the answer in hand. */
  closing(connection: Connection): boolean {
    return this.#frontend.draining || this.#frontend.clock.nowMs() >= connection.endOfLifeMs
  }

  afterLinger(callback: () => void): () => void {
    return this.#frontend.clock.after(LINGER_MS, callback)
  }

  /**
   * Ends connections that have served and wait for nothing. node's own closeIdleConnections also cuts those that were accepted a moment ago,
   * whose first request is on its way.
   */
  closeIdle(): void {
    for (const socket of this.#sockets) if (pipelineOf(socket).idle(socket.bytesRead)) socket.destroy()
  }

  /** Cuts all connections and stops the timers. */
  close(): void {
    this.#server.closeAllConnections()
    // Never listened: this only ends the checking of time-outs.
    this.#server.close(() => {})
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request
    const pipeline = pipelineOf(socket)
    if (pipeline.ended || socket.writableEnded) return
    if (!pipeline.busy) this.#begin(request, response, expectsContinue)
    else if (!pipeline.wait({ request, response, expectsContinue })) socket.destroy()
  }

  #begin(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    pipelineOf(request.socket).busy = true
    this.#frontend.request(new Http1Downstream(this, request, response, expectsContinue))
  }

  /** The request in hand on a connection is over: answered, or its client is gone. */
  answered(socket: Socket): void {
    const next = pipelineOf(socket).next(socket.bytesRead)
    if (next && !socket.destroyed && !socket.writableEnded)
      this.#begin(next.request, next.response, next.expectsContinue)
  }

  /** Nothing came or went for the idle time. Only a client that is to blame loses its connection; a slow upstream has time-outs of its own. */
  #onTimeout(socket: Socket): void {
    const current = downstreamOf(socket)
    if (current === undefined || current.waitsForClient) socket.destroy()
    else socket.setTimeout(this.#idleMs)
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const pipeline = pipelineOf(socket)
    const gone = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    // The last answer is on its way, and a cut may overtake it: who ends the connection is told already.
    if (pipeline.ended && !gone) return
    // An answer that has begun can only be broken off; a connection that is gone, or that never said a word, needs none.
    if (gone || socket.bytesRead === 0 || !socket.writable || pipeline.busy) socket.destroy()
    else this.#refuse(socket, CODES[error.code ?? ''] ?? 'bad-request')
  }

  #refuse(socket: Socket, code: ErrorCode): void {
    const { status, body, headers } = problemOf(code)
    pipelineOf(socket).ended = true
    let head = `HTTP/1.1 ${status} Refused\r\n`
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
    socket.on('error', () => {})
    endLingering(socket, this.#frontend.clock, `${head}connection: close\r\n\r\n${body}`)
    this.#frontend.refused(connectionOf(socket), code)
  }
}

/** False, and the connection is cut: an upgrade in front of answers that are still to come would be taken for the first of them. */
function inTurn(socket: Socket): boolean {
  const { busy, ended } = pipelineOf(socket)
  if (busy || ended) socket.destroy()
  return !busy && !ended
}
