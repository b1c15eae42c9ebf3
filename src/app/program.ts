import { availableParallelism } from 'node:os'
import type { AdminServer } from '../admin/index.ts'
import { startAdmin } from '../admin/index.ts'
import { fileTls } from '../admin/tls.ts'
import { fileTokens } from '../admin/tokens.ts'
import type { Clock } from '../clock.ts'
import { formatConfigError } from '../config/errors.ts'
import { type Config, loadConfig } from '../config/load.ts'
import { ConfigWatcher } from '../config/watch.ts'
import { type ControlEvent, Controller, type Log } from '../controller/index.ts'
import { loadMetricsRegistry, type MetricsRegistry, MetricsServer } from '../metrics/index.ts'
import { HealthChecker, type ListenerSpec, Resolver, Workers } from '../proxy/index.ts'
import { systemRandom } from '../random.ts'
import { VERSION } from '../version.ts'
import { Due } from './due.ts'
import { GateDirectory } from './gate-directory.ts'
import { gateEnvironment } from './gate-environment.ts'
import { gateService } from './gate-service.ts'
import { healthTargets } from './health-targets.ts'
import { listenerSpec } from './listener-spec.ts'
import { placesOf } from './places.ts'
import { compileSnapshot } from './snapshot.ts'

/** The configuration cannot be used: every mistake in it, ready to be printed. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
}

/** Where a running program can be reached. */
export interface Addresses {
  listeners: readonly { name: string; host: string; port: number }[]
  admin: { url: string; host: string; port: number }
  metrics: { host: string; port: number }
}

const TICK_MS = 500

/** The whole program: constructs the rooms, wires them, and keeps them in step with the configuration. */
export class Program {
  readonly #paths: readonly string[]
  readonly #clock: Clock
  readonly #log: Log
  #config: Config
  #listeners: readonly ListenerSpec[]
  readonly #workerCount: number
  readonly #registry: MetricsRegistry
  readonly #directory: GateDirectory
  readonly #controller: Controller
  readonly #workers: Workers
  readonly #health: HealthChecker
  readonly #resolver: Resolver
  readonly #metrics: MetricsServer
  readonly #watcher: ConfigWatcher
  readonly #relocation: Due
  readonly #downtime = new Map<string, number>()
  #admin: AdminServer | undefined
  #metricsPort = 0
  #version = 0
  #draining = false
  #applying: Promise<void> = Promise.resolve()
  #stopTicks: (() => void) | undefined
  #closed: Promise<void> | undefined

  private constructor(
    paths: readonly string[],
    config: Config,
    watcher: ConfigWatcher,
    registry: MetricsRegistry,
    clock: Clock,
    log: Log,
  ) {
    const { spec } = config.proxy
    this.#paths = paths
    this.#config = config
    this.#clock = clock
    this.#log = log
    this.#listeners = spec.listeners.map(listenerSpec)
    this.#workerCount = spec.workers === 'auto' ? availableParallelism() : spec.workers
    this.#registry = registry
    this.#resolver = new Resolver({ clock, log, onChange: () => this.#relocate() })
    this.#directory = new GateDirectory({
      workers: this.#workerCount,
      nowMs: clock.nowMs,
      locate: (url) => placesOf(this.#resolver, url),
      registry: this.#registry,
      onOverflow: (gate, endpoints) =>
        log.error({ gate, endpoints }, 'more endpoints than the gate has room for: these are not used'),
    })
    this.#controller = new Controller({
      environment: {
        clock,
        log,
        telemetry: this.#registry.release,
        gate: (key) => {
          const gate = this.#directory.get(key)
          return gate && gateEnvironment(gate, clock)
        },
      },
      stateDir: spec.state.dir,
    })
    this.#health = new HealthChecker({ clock, random: systemRandom, log })
    this.#workers = new Workers({
      count: this.#workerCount,
      clock,
      log,
      onSample: (sample) => this.#controller.sample(sample),
    })
    this.#metrics = new MetricsServer({
      host: spec.metrics.host ?? '0.0.0.0',
      port: spec.metrics.port ?? 9464,
      scrape: (accept) => this.#registry.scrape(accept),
      readiness: () => this.#readiness(),
    })
    this.#watcher = watcher
    const relocate = async () => {
      this.#directory.relocate()
      this.#health.apply(healthTargets(this.#directory))
      await this.#workers.apply(this.#snapshot())
    }
    this.#relocation = new Due(clock, relocate, (error) => log.error({ error }, 'endpoints could not be changed'))
  }

  /** Starts the program; resolves when it serves. Throws a ConfigurationError, or an error that names the port that is taken. */
  static async start(paths: readonly string[], clock: Clock, log: Log): Promise<Program> {
    let program: Program | undefined
    // Made before the files are read, so that no change after that goes unseen.
    const watcher = new ConfigWatcher({ paths, clock, onChange: () => program?.reload() })
    const loaded = loadConfig(paths)
    if (!loaded.ok) throw new ConfigurationError(loaded.errors.map(formatConfigError).join('\n'))
    const Registry = await loadMetricsRegistry()
    program = new Program(paths, loaded.config, watcher, new Registry({ clock, version: VERSION }), clock, log)
    try {
      await program.#start()
    } catch (error) {
      await program.close()
      throw error
    }
    return program
  }

  async #start(): Promise<void> {
    const { admin } = this.#config.proxy.spec
    await this.#resolver.ready(urlsOf(this.#config))
    this.#resolver.start()
    await this.#controller.start()
    this.#controller.subscribe((event) => {
      if (event.type === 'decision') logDecision(this.#log, event)
    })
    this.#directory.apply(this.#config)
    this.#controller.apply(this.#config.gates)
    await this.#workers.start(this.#snapshot())
    this.#health.apply(healthTargets(this.#directory))
    this.#health.start()
    this.#registry.setReloadSuccess(true)
    this.#metricsPort = await this.#metrics.start()
    this.#admin = await startAdmin({
      host: admin.host ?? '127.0.0.1',
      port: admin.port ?? 8081,
      service: gateService(this.#directory, this.#controller, this.#clock, () => ({
        version: VERSION,
        node: process.version,
      })),
      log: this.#log,
      clock: this.#clock,
      ...(admin.tokens.length === 0 ? {} : { tokens: fileTokens(admin.tokens, this.#clock, this.#log) }),
      ...(admin.tls === undefined ? {} : { tls: fileTls(admin.tls) }),
    })
    this.#stopTicks = this.#clock.every(TICK_MS, () => this.#tick())
    this.#watcher.follow(this.#config.files)
    this.#watcher.start()
    this.#log.info(
      { version: VERSION, workers: this.#workerCount, gates: this.#directory.all().length, ...this.addresses },
      'serving',
    )
  }

  get addresses(): Addresses {
    const admin = this.#admin
    return {
      listeners: this.#workers.listeners.map(({ name, host, port }) => ({ name, host, port })),
      admin: { url: admin?.url ?? '', host: admin?.host ?? '', port: admin?.port ?? 0 },
      metrics: { host: this.#config.proxy.spec.metrics.host ?? '', port: this.#metricsPort },
    }
  }

  /** Loads the configuration again. A bad one is refused: every mistake is logged and the running one stays. */
  reload(): void {
    const loaded = loadConfig(this.#paths)
    if (!loaded.ok) {
      // A file that was missing is followed too: when it appears, the configuration is tried again.
      this.#watcher.follow([...this.#config.files, ...loaded.files])
      this.#refuse(loaded.errors.map(formatConfigError))
      return
    }
    let listeners: ListenerSpec[]
    try {
      listeners = loaded.config.proxy.spec.listeners.map(listenerSpec)
    } catch (error) {
      this.#refuse([(error as Error).message])
      return
    }
    this.#warnOfRestart(loaded.config)
    this.#config = loaded.config
    this.#listeners = listeners
    this.#watcher.follow(loaded.config.files)
    this.#applying = this.#applying.then(() => this.#apply(loaded.config))
  }

  async #apply(config: Config): Promise<void> {
    try {
      await this.#resolver.ready(urlsOf(config))
      if (config !== this.#config) return
      this.#directory.apply(config)
      this.#controller.apply(config.gates)
      this.#health.apply(healthTargets(this.#directory))
      await this.#workers.apply(this.#snapshot())
      this.#admin?.reloadTls()
      this.#registry.setReloadSuccess(true)
      this.#log.info({ gates: config.gates.length }, 'configuration reloaded')
    } catch (error) {
      this.#registry.setReloadSuccess(false)
      this.#log.error({ error }, `configuration reloaded, but not all of it is in force: ${(error as Error).message}`)
    }
  }

  #refuse(mistakes: readonly string[]): void {
    this.#registry.setReloadSuccess(false)
    this.#log.error({ mistakes }, 'the changed configuration is refused, the running one stays')
  }

  #warnOfRestart(config: Config): void {
    const of = ({ proxy: { spec } }: Config) => ({
      workers: spec.workers,
      admin: spec.admin,
      metrics: spec.metrics,
      state: spec.state,
    })
    const before = of(this.#config)
    const after = of(config)
    const changed = (Object.keys(before) as (keyof typeof before)[]).filter(
      (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
    )
    if (changed.length > 0) this.#log.warn({ changed }, 'these keys take effect at the next start of the program')
  }

  /** Names lead elsewhere. */
  #relocate(): void {
    this.#relocation.taken()
    this.#applying = this.#applying.then(() => this.#relocation.run())
  }

  #snapshot() {
    return compileSnapshot(++this.#version, this.#config, this.#listeners, this.#directory, this.#workerCount)
  }

  #tick(): void {
    if (this.#relocation.due) this.#relocate()
    this.#directory.tick()
    for (const gate of this.#directory.all()) {
      const before = this.#downtime.get(gate.key) ?? 0
      const now = gate.stats.downtimeS
      if (now === before) continue
      this.#downtime.set(gate.key, now)
      const phase = this.#controller.view(gate.key)?.phase
      if (phase === 'Progressing' || phase === 'Paused' || phase === 'Promoting')
        this.#registry.release.addDowntime(gate.key, now - before)
    }
  }

  #readiness() {
    const reasons = []
    if (this.#draining) reasons.push('draining')
    if (this.#workers.ready === 0) reasons.push('no worker is ready')
    return { ready: reasons.length === 0, reasons }
  }

  /** Stops taking part: not ready, answers with `Connection: close`, and resolves when all is answered or the drain deadline passed. */
  async drain(acceptMs?: number): Promise<void> {
    this.#draining = true
    this.#watcher.close()
    await this.#workers.drain(acceptMs)
  }

  /** Ends everything now; idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stopTicks?.()
    this.#watcher.close()
    await this.#admin?.close()
    await this.#controller.close()
    await this.#workers.close()
    this.#health.close()
    this.#resolver.close()
    await this.#metrics.close()
  }
}

/** A decision with its inputs, under stable keys: what happened at 3 a.m. can be read off the log alone. */
function logDecision(log: Log, { key, release, decision }: Extract<ControlEvent, { type: 'decision' }>): void {
  const { phase, step, weights, verdict, reason, message, evidence, inputs } = decision
  const fields = { gate: key, release, phase, step, weights, verdict, reason, evidence, inputs }
  const text = `${key} release ${release}: ${phase}, ${reason}: ${message}`
  if (verdict === 'Degraded' || phase === 'RolledBack') log.warn({ decision: fields }, text)
  else log.info({ decision: fields }, text)
}

const urlsOf = (config: Config): string[] =>
  config.gates.flatMap(({ spec }) => spec.variants.flatMap(({ urls }) => urls ?? []))
