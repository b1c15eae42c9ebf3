import { createServer, type Server } from 'node:http'
import { type Random, seededRandom } from '../random.ts'

/** What a sample backend answers; may be changed while it runs, as a new version in the same place would. */
export interface BackendBehaviour {
  version: string
  /** Share of requests that fail with 500, 0-1. */
  failureRate: number
}

/** A sample service of the demo: JSON with its version after a few milliseconds of work. */
export class Backend {
  readonly #server: Server
  readonly #random: Random = seededRandom(20)
  behaviour: BackendBehaviour

  constructor(behaviour: BackendBehaviour) {
    this.behaviour = behaviour
    this.#server = createServer((_request, response) => {
      const { version, failureRate } = this.behaviour
      const failed = this.#random() < failureRate
      response.writeHead(failed ? 500 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ version, ok: !failed }))
    })
    this.#server.keepAliveTimeout = 90_000
  }

  /** Listens on a free port of 127.0.0.1 and resolves with it. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as { port: number }).port)
      })
    })
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}
