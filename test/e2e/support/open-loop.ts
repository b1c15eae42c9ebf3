import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'

/** One answer as a client saw it. */
export interface Seen {
  /** Number of the request, from 0. */
  n: number
  /** Milliseconds since the load began, at the start of the request. */
  startedMs: number
  tookMs: number
  /** 0: no complete answer. */
  status: number
  variant: string
  error?: string
}

export interface OpenLoopOptions {
  port: number
  perSecond: number
  path?: string | ((n: number) => string)
  method?: string
  headers?: (n: number) => Record<string, string>
  /** Give up after this many milliseconds; default 30,000. */
  timeoutMs?: number
  /** false: a connection for every request. */
  keepAlive?: boolean
  /** Sees the head of each answer, as a cookie jar does. */
  onAnswer?: (n: number, headers: IncomingHttpHeaders) => void
}

/**
 * Clients that start requests at their times whether or not earlier ones were answered. The answer's `x-backend` names the
 * variant. Bounded: at most 2,000 run at once.
 */
export class OpenLoop {
  readonly seen: Seen[] = []
  readonly #options: OpenLoopOptions
  readonly #agent: Agent
  readonly #begin = performance.now()
  #timer: NodeJS.Timeout | undefined
  #sent = 0
  #running = 0
  #idle: (() => void) | undefined
  #paused = false
  #waiting: { count: number; done: () => void }[] = []

  constructor(options: OpenLoopOptions) {
    this.#options = { ...options }
    this.#agent = new Agent({ keepAlive: options.keepAlive ?? true, maxSockets: 2000, maxFreeSockets: 2000 })
    this.#timer = setInterval(() => this.#tick(), 5)
  }

  #tick(): void {
    const due = Math.floor(((performance.now() - this.#begin) / 1000) * this.#options.perSecond)
    // After a pause of the machine, at most a tenth of a second is made up for.
    this.#sent = Math.max(this.#sent, due - Math.ceil(this.#options.perSecond / 10))
    if (this.#paused) this.#sent = due
    for (; this.#sent < due; this.#sent++) if (this.#running < 2000) this.#send(this.#sent)
  }

  /** Sends nothing more and resolves with everything seen once all is answered. */
  async stop(): Promise<Seen[]> {
    clearInterval(this.#timer)
    if (this.#running > 0) await new Promise<void>((done) => (this.#idle = done))
    this.#agent.destroy()
    return this.seen
  }

  /** Where requests go from now on: a program that was started again has other ports. */
  moveTo(port: number): void {
    this.#options.port = port
  }

  /** Nobody asks until `resume`. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  /** Milliseconds since the load began, the clock of `startedMs`. */
  get nowMs(): number {
    return performance.now() - this.#begin
  }

  /** Resolves when `count` further requests were answered or failed. */
  more(count: number): Promise<void> {
    return new Promise((done) => this.#waiting.push({ count: this.seen.length + count, done }))
  }

  /** Answers so far that clients would call failures. */
  get failed(): Seen[] {
    return this.seen.filter(({ status }) => status === 0 || status >= 500)
  }

  #send(n: number): void {
    const { port, path = '/', method = 'GET', headers, timeoutMs = 30_000, onAnswer } = this.#options
    const started = performance.now()
    const entry: Seen = { n, startedMs: started - this.#begin, tookMs: 0, status: 0, variant: '' }
    this.#running++
    let done = false
    const finish = (error?: Error) => {
      if (done) return
      done = true
      clearTimeout(late)
      entry.tookMs = performance.now() - started
      if (error !== undefined) entry.error = error.message
      this.seen.push(entry)
      for (const { done } of this.#waiting.filter(({ count }) => count <= this.seen.length)) done()
      this.#waiting = this.#waiting.filter(({ count }) => count > this.seen.length)
      if (--this.#running === 0) this.#idle?.()
    }
    let call: ClientRequest
    const late = setTimeout(() => {
      call.destroy()
      finish(new Error('gave up'))
    }, timeoutMs)
    const ask = () => {
      call = request({
        host: '127.0.0.1',
        port,
        method,
        path: typeof path === 'string' ? path : path(n),
        agent: this.#agent,
        headers: headers?.(n) ?? {},
      })
      call.once('error', (error) => {
        // As every HTTP client does (RFC 9110, 9.2.2): a kept connection may be closed just as it is used again.
        if (call.reusedSocket && method === 'GET' && !done && entry.status === 0 && !answered) ask()
        else finish(error)
      })
      call.once('response', (response) => {
        answered = true
        onAnswer?.(n, response.headers)
        entry.variant = String(response.headers['x-backend'] ?? '')
        response.resume()
        response.once('end', () => {
          entry.status = response.statusCode!
          finish()
        })
        response.once('error', finish)
        response.once('close', () => finish(new Error('cut')))
      })
      call.end()
    }
    let answered = false
    ask()
  }
}
