import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { connectionOf } from '../listen/connection.ts'
import type { Frontend } from '../listen/frontend.ts'
import type { LimitSpec, ProxyTimeouts } from '../snapshot.ts'
import { connectionOfStream, Http2Downstream } from './downstream.ts'

/**
 * What one client may cost: streams at once, memory of its session in MB, settings in a frame, and resets: a burst, and so
 * many a second after it. More resets than that end the session with GOAWAY (rapid reset, CVE-2023-44487).
 */
const SESSION_LIMITS = { streams: 100, memoryMb: 10, settings: 32, resetBurst: 200, resetsPerSecond: 20 }

/** Speaks HTTP/2 on TLS connections that negotiated it. */
export class Http2Engine {
  readonly #frontend: Frontend
  readonly #server: Http2Server
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #idleMs: number

  constructor(frontend: Frontend, limits: LimitSpec, timeouts: ProxyTimeouts) {
    this.#frontend = frontend
    this.#idleMs = timeouts.idleMs
    const server = createServer({
      maxSessionMemory: SESSION_LIMITS.memoryMb,
      maxSettings: SESSION_LIMITS.settings,
      // Above the limit checkHead answers 431; far above it the stream is reset unread.
      maxHeaderListPairs: limits.maxHeaders > 0 ? limits.maxHeaders * 2 + 8 : 2000,
      streamResetBurst: SESSION_LIMITS.resetBurst,
      streamResetRate: SESSION_LIMITS.resetsPerSecond,
      settings: {
        maxConcurrentStreams: SESSION_LIMITS.streams,
        enableConnectProtocol: false,
        ...(limits.maxHeaderBytes > 0 ? { maxHeaderListSize: limits.maxHeaderBytes } : {}),
      },
    })
    server.on('session', (session) => this.#onSession(session))
    server.on('stream', (each, headers, _flags, rawHeaders) => {
      const stream = each as ServerHttp2Stream
      const connection = connectionOfStream(stream)
      if (connection === undefined) return
      frontend.request(
        new Http2Downstream(stream, headers, rawHeaders as unknown as string[], connection, this.#idleMs),
      )
    })
    server.on('sessionError', () => {})
    this.#server = server
  }

  /** Takes over a connection; it is marked (listen/connection.ts). */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** Connections that it has. */
  get connections(): number {
    return this.#sessions.size
  }

  /** Says GOAWAY to all clients: streams in hand are finished, new ones go elsewhere. */
  closeIdle(): void {
    for (const session of this.#sessions) session.close()
  }

  /** Cuts all connections. */
  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #onSession(session: ServerHttp2Session): void {
    const { clock } = this.#frontend
    const { endOfLifeMs } = connectionOf(session.socket as never)
    let streams = 0
    const stopAge =
      endOfLifeMs < Number.POSITIVE_INFINITY
        ? clock.after(Math.max(0, endOfLifeMs - clock.nowMs()), () => session.close())
        : () => {}
    this.#sessions.add(session)
    session.on('error', () => {})
    session.on('stream', (stream) => {
      streams++
      stream.once('close', () => streams--)
    })
    session.on('close', () => {
      stopAge()
      this.#sessions.delete(session)
    })
    session.setTimeout(this.#idleMs, () => {
      // Streams that stand still have deadlines of their own.
      if (streams === 0) session.close()
      else session.setTimeout(this.#idleMs)
    })
  }
}
