import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { AccessLog, type LogSink } from './access-log/index.ts'
import { drain } from './drain.ts'
import { Front } from './front.ts'
import type { GateParts } from './gate-runtime.ts'
import { compileNetworks } from './headers/trusted.ts'
import { idSource } from './ids.ts'
import { Admission } from './listen/admission.ts'
import type { ListenerParts } from './listen/listener.ts'
import { Listeners } from './listen/listeners.ts'
import type { BoundListener, FailedListener, FailureSample } from './messages.ts'
import { Redirect } from './redirect.ts'
import { Runtime, type Services } from './runtime.ts'
import type { Snapshot } from './snapshot.ts'
import { Splitters } from './splitters.ts'
import { Sweeper } from './sweeper.ts'
import { ConnectionStore, createUpstream } from './upstream/pools.ts'

export interface WorkerHostOptions {
  /** The worker's row in every block. */
  index: number
  clock: Clock
  random: Random
  /** Opens the access log's sink; called when a snapshot first asks for one. */
  openSink: () => LogSink
  onSample: (sample: FailureSample) => void
  /** A fault of the proxy itself, survived. */
  onError: (error: unknown) => void
}

/** Everything of one worker but its thread: listeners, the runtime in force, what is left of earlier ones, the drain. */
export class WorkerHost {
  readonly #options: WorkerHostOptions
  readonly #admission = new Admission({ maxConnections: 0, maxConnectionsPerClient: 0 })
  readonly #listeners = new Listeners(this.#admission)
  readonly #sweeper: Sweeper
  readonly #parts: GateParts
  readonly #newId = idSource()
  #front: Front | undefined
  #redirect: Redirect | undefined
  /** Runtimes of earlier snapshots that still have requests. */
  #retired: Runtime[] = []
  #accessLog: AccessLog | undefined
  #applying: Promise<unknown> = Promise.resolve()
  #draining: Promise<void> | undefined

  constructor(options: WorkerHostOptions) {
    const { index, clock, random } = options
    this.#options = options
    this.#sweeper = new Sweeper(clock, () => this.#runtimes())
    const store = new ConnectionStore(clock)
    this.#parts = {
      worker: index,
      clock,
      random,
      splitters: new Splitters(random),
      upstream: ({ upstream, variants }) =>
        createUpstream(
          upstream,
          variants.flatMap(({ endpoints }) => endpoints),
          store,
        ),
    }
  }

  get bound(): BoundListener[] {
    return this.#listeners.bound
  }

  /** Puts a snapshot in force, listeners last. One at a time: a later call waits. Returns what could not be bound. */
  apply(snapshot: Snapshot, ports: Readonly<Record<string, number>>): Promise<FailedListener[]> {
    const result = this.#applying.then(() => this.#apply(snapshot, ports))
    this.#applying = result.catch(() => {})
    return result
  }

  async #apply(snapshot: Snapshot, ports: Readonly<Record<string, number>>): Promise<FailedListener[]> {
    const { clock, onError } = this.#options
    const runtime = new Runtime(snapshot, this.#services(snapshot), this.#parts)
    const before = this.#front?.runtime
    if (this.#front) this.#front.runtime = runtime
    else {
      const front = new Front(runtime, clock, onError)
      this.#front = front
      this.#redirect = new Redirect(front, () => front.runtime.snapshot.limits)
    }
    if (before) this.#retire(before)
    this.#admission.limits = snapshot.limits
    const front = this.#front
    const redirect = this.#redirect!
    const { limits, timeouts } = snapshot
    const trusted = compileNetworks(snapshot.trustedProxies)
    const wanted = snapshot.listeners.map(
      (spec): ListenerParts => ({
        spec,
        limits,
        timeouts,
        trusted,
        frontend: spec.redirectHttps ? redirect : front,
      }),
    )
    return this.#listeners.apply(wanted, ports)
  }

  /** Accepts for `acceptMs` more, finishes what is in flight, resolves by `deadlineMs`. Idempotent. */
  drain(acceptMs: number, deadlineMs: number): Promise<void> {
    const host = this
    const front = this.#front
    if (!front) return Promise.resolve()
    this.#draining ??= drain(
      {
        beginDraining() {
          front.draining = true
        },
        stopAccepting: () => this.#listeners.stop(),
        closeIdle: () => this.#listeners.closeIdle(),
        closeTunnels: () => front.closeTunnels(),
        get connections() {
          return host.#admission.total
        },
        get tunnels() {
          return front.tunnels
        },
        get requests() {
          return host.#runtimes().reduce((sum, runtime) => sum + runtime.active, 0) - front.tunnels
        },
      },
      this.#options.clock,
      acceptMs,
      deadlineMs,
    )
    return this.#draining
  }

  /** Cuts everything. Idempotent. */
  async close(): Promise<void> {
    this.#listeners.close()
    this.#front?.closeTunnels()
    this.#sweeper.close()
    await this.#accessLog?.close()
  }

  #services(snapshot: Snapshot): Services {
    const { clock, random, onSample } = this.#options
    const { enabled, sample } = snapshot.accessLog
    if (enabled) {
      this.#accessLog ??= new AccessLog({ sink: this.#options.openSink(), clock, random, sample })
      this.#accessLog.setSample(sample)
    }
    return {
      clock,
      random,
      newId: this.#newId,
      accessLog: enabled ? this.#accessLog : undefined,
      sample: onSample,
      observed: () => this.#sweeper.wake(),
    }
  }

  /** Its requests keep it; its connections are those of the new runtime wherever endpoints stayed. */
  #retire(runtime: Runtime): void {
    this.#retired = this.#retired.filter(({ active }) => active > 0)
    this.#retired.push(runtime)
    for (const { upstream } of runtime.gates) void upstream.close().catch(this.#options.onError)
  }

  #runtimes(): readonly Runtime[] {
    const front = this.#front
    return front ? [front.runtime, ...this.#retired] : []
  }
}
