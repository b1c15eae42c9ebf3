import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { systemClock } from '../../../src/clock.ts'
import type { EndpointSpec, UpstreamSpec } from '../../../src/proxy/snapshot.ts'
import type {
  UpstreamCall,
  UpstreamFailure,
  UpstreamHandler,
  UpstreamRequest,
} from '../../../src/proxy/upstream/call.ts'
import { ConnectionStore, createUpstream } from '../../../src/proxy/upstream/pools.ts'

export const SPEC: UpstreamSpec = {
  connectTimeoutMs: 10_000,
  responseTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  retryAttempts: 1,
  retryOn: ['connect', 'reused-reset'],
  retryBudgetPercent: 20,
  loadBalancing: 'LeastRequest',
  consecutive5xx: 5,
  baseEjectionMs: 30_000,
  maxEjectedPercent: 50,
  maxRequests: 0,
  protocol: 'HTTP1',
  tls: {},
}

export const endpointOf = (origin: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({
  name: origin,
  origin,
  basePath: '',
  slot: 0,
  ...more,
})

/** What happened to one attempt. */
export interface Outcome {
  status?: number
  rawHeaders?: string[]
  body: Buffer
  trailers?: string[]
  informations: { status: number; rawHeaders: string[] }[]
  /** One entry a call of onSent: reused. */
  sent: boolean[]
  failure?: UpstreamFailure
  /** Names of the callbacks in order, onData once. */
  calls: string[]
}

/** Collects an attempt's callbacks; `done` resolves at onEnd or onFailure. A second end throws. */
export class Collector implements UpstreamHandler {
  readonly outcome: Outcome = { body: Buffer.alloc(0), informations: [], sent: [], calls: [] }
  readonly done: Promise<Outcome>
  readonly responded: Promise<void>
  /** Called for each chunk; its answer is onData's. */
  onChunk: (chunk: Buffer) => boolean = () => true
  #resolve!: (outcome: Outcome) => void
  #respond!: () => void
  #over = false

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.responded = new Promise((resolve) => {
      this.#respond = resolve
    })
  }

  #note(call: string): void {
    if (this.#over) throw new Error(`${call} after the end`)
    if (this.outcome.calls.at(-1) !== call) this.outcome.calls.push(call)
  }

  onSent(reused: boolean): void {
    this.#note('sent')
    this.outcome.sent.push(reused)
  }

  onInformation(status: number, rawHeaders: string[]): void {
    this.#note('information')
    this.outcome.informations.push({ status, rawHeaders })
  }

  onResponse(status: number, rawHeaders: string[]): void {
    this.#note('response')
    this.outcome.status = status
    this.outcome.rawHeaders = rawHeaders
    this.#respond()
  }

  onData(chunk: Buffer): boolean {
    this.#note('data')
    this.outcome.body = Buffer.concat([this.outcome.body, chunk])
    return this.onChunk(chunk)
  }

  onEnd(trailers: string[]): void {
    this.#note('end')
    this.outcome.trailers = trailers
    this.#over = true
    this.#resolve(this.outcome)
  }

  onFailure(failure: UpstreamFailure): void {
    this.#note('failure')
    this.outcome.failure = failure
    this.#over = true
    this.#respond()
    this.#resolve(this.outcome)
  }
}

/** An upstream of one endpoint, and a way to use it. */
export function upstreamTo(origin: string, spec: Partial<UpstreamSpec> = {}, more: Partial<EndpointSpec> = {}) {
  const store = new ConnectionStore(systemClock)
  const endpoint = endpointOf(origin, more)
  const upstream = createUpstream({ ...SPEC, ...spec }, [endpoint], store)
  const begin = (
    request: Partial<Omit<UpstreamRequest, 'body'>> & { body?: Buffer | Readable | null } = {},
  ): { collector: Collector; call: UpstreamCall } => {
    const collector = new Collector()
    const call = upstream.send(
      endpoint,
      { method: 'GET', path: '/', headers: ['Host', 'shop.example.com'], body: null, ...request },
      collector,
    )
    return { collector, call }
  }
  return {
    store,
    endpoint,
    upstream,
    begin,
    send: (request?: Parameters<typeof begin>[0]): Promise<Outcome> => begin(request).collector.done,
    close: () => upstream.close(),
  }
}

/** One turn of the event loop and a bit: undici frees a connection one turn after the answer. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

export { once }
