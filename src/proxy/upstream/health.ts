import type { Clock } from '../../clock.ts'
import { type Block, Endpoint, endpointAt } from '../../metrics/index.ts'
import type { Random } from '../../random.ts'
import type { EndpointSpec, UpstreamSpec } from '../snapshot.ts'
import { Dialer, targetOf } from './dial.ts'
import { type Client, loadClient } from './undici.ts'

/** What is asked and what the answers mean. */
export interface HealthCheckSpec {
  path: string
  intervalMs: number
  timeoutMs: number
  /** Passes in a row until it is healthy again; failures in a row until it is not. */
  healthy: number
  unhealthy: number
}

/** One endpoint under watch. */
export interface HealthTarget {
  /** `namespace/name` of the gate and the variant, for the log. */
  gate: string
  variant: string
  /** Where Endpoint.unhealthy is written. */
  block: Block
  endpoint: EndpointSpec
  /** Host header: what the URL says, not the address. */
  host: string
  check: HealthCheckSpec
  tls: UpstreamSpec['tls']
}

export interface HealthCheckerOptions {
  clock: Clock
  random: Random
  log: { warn(fields: object, message: string): void; info(fields: object, message: string): void }
}

/** A check's answer may be read up to here; longer ones are cut off, whatever their status. */
const MAX_BODY_BYTES = 65_536

/**
 * Main thread: asks every endpoint for its health and writes the answer where all workers see it. An endpoint is
 * healthy until it failed `unhealthy` times in a row. 2xx and 3xx pass.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions
  readonly #watches = new Map<string, Watch>()
  #started = false

  constructor(options: HealthCheckerOptions) {
    this.#options = options
  }

  start(): void {
    this.#started = true
    for (const watch of this.#watches.values()) watch.start()
  }

  /** From now on these endpoints are checked, and no others. Those that stay keep their state and their schedule. */
  apply(targets: readonly HealthTarget[]): void {
    const wanted = new Map<string, HealthTarget>()
    for (const target of targets) wanted.set(keyOf(target), target)
    for (const [key, watch] of this.#watches) {
      if (wanted.has(key)) continue
      watch.close()
      this.#watches.delete(key)
    }
    for (const [key, target] of wanted) {
      const known = this.#watches.get(key)
      if (known) {
        known.moveTo(target.block)
        continue
      }
      const watch = new Watch(target, this.#options)
      this.#watches.set(key, watch)
      if (this.#started) watch.start()
    }
  }

  close(): void {
    this.#started = false
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
  }
}

const keyOf = ({ gate, variant, endpoint, host, check, tls }: HealthTarget): string =>
  JSON.stringify([
    gate,
    variant,
    endpoint.slot,
    endpoint.origin,
    endpoint.serverName,
    endpoint.basePath,
    host,
    check,
    tls,
  ])

class Watch {
  readonly #target: HealthTarget
  readonly #options: HealthCheckerOptions
  #block: Block
  #word: number
  readonly #client: Client
  #cancel: (() => void) | undefined
  #closed = false
  #unhealthy = false
  #passes = 0
  #failures = 0

  constructor(target: HealthTarget, options: HealthCheckerOptions) {
    this.#target = target
    this.#options = options
    const { block, check, endpoint, tls } = target
    this.#block = block
    this.#word = endpointAt(block.layout, endpoint.slot) + Endpoint.unhealthy
    const dialer = new Dialer(
      targetOf(endpoint.origin, {
        serverName: tls.serverName ?? endpoint.serverName,
        caPem: tls.caPem,
        alpn: ['http/1.1'],
        connectTimeoutMs: check.timeoutMs,
      }),
      options.clock,
    )
    const Client = loadClient()
    this.#client = new Client(endpoint.origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: Math.max(check.intervalMs * 2, 1000),
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_, callback) => {
        dialer.dial((error, socket) => (error ? callback(error, null) : callback(null, socket!)))
      },
    })
  }

  /** A gate's memory was replaced (its shape changed): what is known about the endpoint goes along. */
  moveTo(block: Block): void {
    if (block.ref.buffer === this.#block.ref.buffer) return
    this.#block = block
    this.#word = endpointAt(block.layout, this.#target.endpoint.slot) + Endpoint.unhealthy
    this.#write()
  }

  /** The first check comes at a random moment of the first interval, so that a thousand endpoints are not asked at once. */
  start(): void {
    this.#cancel ??= this.#options.clock.after(this.#target.check.intervalMs * this.#options.random(), () =>
      this.#run(),
    )
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#cancel = undefined
    // Whoever has the slot next starts healthy; an endpoint that is checked no longer is taken as it comes.
    this.#unhealthy = false
    this.#write()
    void this.#client.destroy()
  }

  #run(): void {
    const startedMs = this.#options.clock.nowMs()
    this.#ask((problem) => {
      if (this.#closed) return
      this.#judge(problem)
      // Up to 10 % early or late, so that endpoints (and replicas of the proxy) drift apart.
      const { intervalMs } = this.#target.check
      const pauseMs = intervalMs * (0.9 + 0.2 * this.#options.random()) - (this.#options.clock.nowMs() - startedMs)
      this.#cancel = this.#options.clock.after(Math.max(pauseMs, 1), () => this.#run())
    })
  }

  /** Calls back once: undefined when the endpoint passed, else what was wrong. */
  #ask(callback: (problem: string | undefined) => void): void {
    const { check, endpoint, host } = this.#target
    let done = false
    let status = 0
    let bytes = 0
    let abort: ((error: Error) => void) | undefined
    const settle = (problem: string | undefined): void => {
      if (done) return
      done = true
      stopTimer()
      callback(problem)
    }
    const stopTimer = this.#options.clock.after(check.timeoutMs, () => {
      settle(`no answer within ${check.timeoutMs} ms`)
      abort?.(new Error('timeout'))
    })
    this.#client.dispatch(
      {
        method: 'GET',
        path: endpoint.basePath + check.path,
        headers: ['host', host, 'user-agent', 'streamgate-health-check'],
      },
      {
        onRequestStart: (controller) => {
          abort = (error) => controller.abort(error)
          if (done) abort(new Error('timeout'))
        },
        onResponseStart: (_, code) => {
          if (code >= 200) status = code
        },
        onResponseData: (controller, chunk) => {
          bytes += chunk.length
          if (bytes > MAX_BODY_BYTES) {
            settle(verdict(status))
            controller.abort(new Error('long enough'))
          }
        },
        onResponseEnd: () => settle(verdict(status)),
        onResponseError: (_, error) => settle((error as { code?: string }).code ?? error.message),
      },
    )
  }

  #judge(problem: string | undefined): void {
    const { check, endpoint, gate, variant } = this.#target
    const fields = { gate, variant, endpoint: endpoint.name, path: check.path }
    if (problem === undefined) {
      this.#failures = 0
      this.#passes++
    } else {
      this.#passes = 0
      this.#failures++
    }
    if (this.#unhealthy && this.#passes >= check.healthy) {
      this.#unhealthy = false
      this.#write()
      this.#options.log.info({ ...fields, passes: this.#passes }, 'endpoint is healthy again')
    } else if (!this.#unhealthy && this.#failures >= check.unhealthy) {
      this.#unhealthy = true
      this.#write()
      this.#options.log.warn({ ...fields, failures: this.#failures, problem }, 'endpoint is unhealthy')
    }
  }

  #write(): void {
    Atomics.store(this.#block.words, this.#word, this.#unhealthy ? 1 : 0)
  }
}

const verdict = (status: number): string | undefined => (status >= 200 && status < 400 ? undefined : `status ${status}`)
