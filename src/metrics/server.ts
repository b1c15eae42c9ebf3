import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Exposition } from './registry.ts'

/** Whether the proxy can serve, and if not, why: short sentences for a person. */
export interface Readiness {
  ready: boolean
  reasons: readonly string[]
}

export interface MetricsServerOptions {
  host: string
  /** 0 = any free one. */
  port: number
  scrape(accept: string): Promise<Exposition>
  readiness(): Readiness
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

/** Serves /metrics, /livez and /readyz on a port of their own, so that neither clients nor the admin API are in the way. */
export class MetricsServer {
  readonly #options: MetricsServerOptions
  readonly #server: Server

  constructor(options: MetricsServerOptions) {
    this.#options = options
    this.#server = createServer(
      { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 75_000 },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxHeadersCount = 50
    this.#server.maxConnections = 256
  }

  /** Listens; rejects with a sentence that names the address when that fails. Returns the port. */
  async start(): Promise<number> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) => reject(new Error(explain(host, port, error), { cause: error }))
      this.#server.once('error', fail)
      this.#server.listen(port, host, () => {
        this.#server.off('error', fail)
        resolve()
      })
    })
    return (this.#server.address() as AddressInfo).port
  }

  /** Stops listening and cuts what is open. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const head = request.method === 'HEAD'
    const reply = (status: number, contentType: string, body: string): void => {
      const length = Buffer.byteLength(body)
      response.writeHead(status, {
        'content-type': contentType,
        'content-length': length,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      response.end(head ? undefined : body)
    }
    if (request.method !== 'GET' && !head) {
      response.setHeader('allow', 'GET, HEAD')
      response.setHeader('connection', 'close')
      return reply(405, TEXT, 'method not allowed\n')
    }
    switch (request.url?.split('?')[0]) {
      case '/livez':
        return reply(200, TEXT, 'ok\n')
      case '/readyz':
        return this.#ready(request.headers.accept ?? '', reply)
      case '/metrics':
        try {
          const { contentType, body } = await this.#options.scrape(request.headers.accept ?? '')
          return reply(200, contentType, body)
        } catch {
          return reply(500, TEXT, 'metrics could not be read\n')
        }
      default:
        return reply(404, TEXT, 'not found\n')
    }
  }

  #ready(accept: string, reply: (status: number, contentType: string, body: string) => void): void {
    const readiness = this.#options.readiness()
    const { ready, reasons } = readiness
    const status = ready ? 200 : 503
    if (accept.includes('application/json')) reply(status, JSON_TYPE, `${JSON.stringify({ ready, reasons })}\n`)
    else reply(status, TEXT, ready ? 'ok\n' : `not ready: ${reasons.join('; ')}\n`)
  }
}

function explain(host: string, port: number, error: NodeJS.ErrnoException): string {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return `metrics: ${address} is in use by another program; set spec.metrics.port of the Proxy to a free port (0 = any)`
  }
  if (error.code === 'EACCES') return `metrics: no permission to listen on ${address}; choose a port of 1024 or more`
  if (error.code === 'EADDRNOTAVAIL') return `metrics: ${host} is not an address of this machine; set spec.metrics.host`
  return `metrics: cannot listen on ${address}: ${error.message}`
}
