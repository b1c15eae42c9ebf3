import { Agent, request } from 'node:http'
import type { Clock } from '../clock.ts'

/** What users saw. */
export interface Seen {
  requests: number
  failed: number
  /** Successful answers by the version in them. */
  byVersion: Map<string, number>
}

/**
 * An open-loop load: a request starts at its time whether or not earlier ones were answered, as users do. Keeps a
 * list of latencies of the last second for the table.
 */
export class Load {
  readonly seen: Seen = { requests: 0, failed: 0, byVersion: new Map() }
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 })
  readonly #port: number
  readonly #perSecond: number
  readonly #clock: Clock
  #stop: (() => void) | undefined
  #running = 0
  #idle: (() => void) | undefined

  constructor(port: number, perSecond: number, clock: Clock) {
    this.#port = port
    this.#perSecond = perSecond
    this.#clock = clock
  }

  start(): void {
    const begin = this.#clock.nowMs()
    let sent = 0
    this.#stop = this.#clock.every(5, () => {
      const due = Math.floor(((this.#clock.nowMs() - begin) / 1000) * this.#perSecond)
      // A pause of the machine is not made up for by a burst of more than a tenth of a second.
      sent = Math.max(sent, due - Math.ceil(this.#perSecond / 10))
      for (; sent < due; sent++) this.#send(sent)
    })
  }

  /** Stops sending and resolves when every request was answered. */
  async close(): Promise<void> {
    this.#stop?.()
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#agent.destroy()
  }

  #send(n: number): void {
    this.seen.requests++
    this.#running++
    const call = request({
      port: this.#port,
      host: '127.0.0.1',
      path: `/item/${n % 100}`,
      agent: this.#agent,
      timeout: 10_000,
    })
    let done = false
    const finish = (failed: boolean) => {
      if (done) return
      done = true
      if (failed) this.seen.failed++
      if (--this.#running === 0) this.#idle?.()
    }
    call.once('error', () => finish(true))
    call.once('timeout', () => call.destroy(new Error('no answer within 10 s')))
    call.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('close', () => finish(!response.complete || response.statusCode !== 200))
      response.once('end', () => {
        if (response.statusCode !== 200) return
        const version = /"version":"([^"]+)"/.exec(text)?.[1] ?? '?'
        this.seen.byVersion.set(version, (this.seen.byVersion.get(version) ?? 0) + 1)
      })
    })
    call.end()
  }
}
