import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'

/** How long a test waits for a request: long enough for the busiest machine. */
const PATIENCE_MS = 30_000

/** A request that waits for the test to answer it. */
export class Ask {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, body: string, response: ServerResponse) {
    const url = new URL(request.url ?? '/', 'http://api')
    this.method = request.method ?? ''
    this.path = url.pathname
    this.query = url.searchParams
    this.headers = request.headers
    this.body = body
    this.#response = response
  }

  get isWatch(): boolean {
    return this.query.get('watch') === '1'
  }

  json<T = Record<string, unknown>>(): T {
    return JSON.parse(this.body)
  }

  /** Answers with JSON, or with the text as it is. */
  answer(status: number, body: object | string, headers: Record<string, string> = {}): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    this.#response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  }

  /** Answers with a Status, as API servers refuse. */
  refuse(code: number, reason: string, message: string, details: object = {}): void {
    this.answer(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details })
  }

  /** Answers with a list. */
  list(items: object[], resourceVersion: string, next = ''): void {
    this.answer(200, { kind: 'List', metadata: { resourceVersion, continue: next }, items })
  }

  /** Begins to answer a watch. */
  stream(): Stream {
    this.#response.writeHead(200, { 'content-type': 'application/json' })
    this.#response.flushHeaders()
    return new Stream(this.#response)
  }

  /** The connection dies without an answer. */
  drop(): void {
    this.#response.destroy()
  }
}

/** A watch, from the server's side. */
export class Stream {
  readonly #response: ServerResponse
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>

  constructor(response: ServerResponse) {
    this.#response = response
    this.closed = new Promise((resolve) => response.once('close', () => resolve()))
  }

  send(type: string, object: object): void {
    this.#response.write(`${JSON.stringify({ type, object })}\n`)
  }

  raw(data: string | Buffer): void {
    this.#response.write(data)
  }

  end(): void {
    this.#response.end()
  }

  break(): void {
    this.#response.destroy()
  }
}

/** An API server that answers nothing by itself: the test takes each request and says what comes back. */
export class ScriptedApi {
  readonly #server: Server
  readonly #waiting: Ask[] = []
  readonly #takers: { match: (ask: Ask) => boolean; take: (ask: Ask) => void }[] = []
  readonly port: number
  readonly url: string

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.url = `${scheme}://127.0.0.1:${this.port}`
  }

  static async start(options: { tls?: { cert: string; key: string }; port?: number } = {}): Promise<ScriptedApi> {
    let api: ScriptedApi | undefined
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('error', () => {})
      request.on('end', () => api?.arrived(new Ask(request, Buffer.concat(chunks).toString('utf8'), response)))
    }
    const server: Server = options.tls === undefined ? createHttp(listener) : createHttps(options.tls, listener)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    api = new ScriptedApi(server, options.tls === undefined ? 'http' : 'https')
    return api
  }

  arrived(ask: Ask): void {
    const taker = this.#takers.findIndex(({ match }) => match(ask))
    if (taker >= 0) this.#takers.splice(taker, 1)[0]!.take(ask)
    else this.#waiting.push(ask)
  }

  /** The next request that nobody took yet, and that matches. */
  next(match: (ask: Ask) => boolean = () => true): Promise<Ask> {
    const index = this.#waiting.findIndex(match)
    if (index >= 0) return Promise.resolve(this.#waiting.splice(index, 1)[0]!)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the request did not come')), PATIENCE_MS)
      this.#takers.push({
        match,
        take: (ask) => {
          clearTimeout(timer)
          resolve(ask)
        },
      })
    })
  }

  /** Requests that nobody took. */
  get untaken(): number {
    return this.#waiting.length
  }

  /** Ends all connections and listens no more. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}
