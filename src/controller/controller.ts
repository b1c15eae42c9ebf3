import { resolveGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import { toBps } from '../config/units.ts'
import { ReleaseDriver } from './driver/driver.ts'
import type { Surroundings } from './driver/scene.ts'
import type { Environment } from './environment.ts'
import { HookCaller } from './hooks/caller.ts'
import { Ledger } from './ledger.ts'
import type { Command } from './release/commands.ts'
import type { Example } from './release/observation.ts'
import { releaseOf } from './release/state.ts'
import type { Files } from './store/files.ts'
import { FolderInUse, lockFolder } from './store/lock.ts'
import type { ArchivedRelease, Checkpoint, GateRecord } from './store/records.ts'
import { Store } from './store/store.ts'
import { recordOf, summaryOf } from './view.ts'
import type {
  CommandBody,
  ControlEvent,
  ControllerSurface,
  ControlView,
  ReleaseRecord,
  ReleaseSummary,
  Result,
} from './views.ts'

/** Gates in a release are asked this often whether there is anything new against the candidate: a conviction takes effect within that. */
const TICK_MS = 20
/** Closing never waits longer than this for a disk. */
const CLOSE_MS = 5000
const VERBS = ['start', 'pause', 'resume', 'skip', 'promote', 'abort', 'rollback', 'retry']

type Stored = { record: GateRecord; checkpoint: Checkpoint | undefined }

/** Releases and weights of all gates. */
export class Controller implements ControllerSurface {
  readonly #environment: Environment
  readonly #store: Store
  readonly #around: Surroundings
  readonly #hooks: HookCaller
  readonly #drivers = new Map<string, ReleaseDriver>()
  readonly #listeners = new Set<(event: ControlEvent) => void>()
  #stored = new Map<string, Stored>()
  #unlock: (() => void) | undefined
  #stopTicks: (() => void) | undefined
  #closed: Promise<void> | undefined

  /** `stateDir` may be relative to the working directory; `files` is for tests. */
  constructor(options: { environment: Environment; stateDir: string; files?: Files }) {
    const { environment, stateDir, files } = options
    const { clock, log } = environment
    this.#environment = environment
    const claim = () => this.#claim()
    this.#store = new Store({ dir: stateDir, clock, log, claim, ...(files === undefined ? {} : { files }) })
    this.#hooks = new HookCaller({ clock, log })
    this.#around = {
      environment,
      ledger: new Ledger(this.#store, clock, log),
      hooks: this.#hooks,
      publish: (event) => {
        for (const listener of this.#listeners) listener(event)
      },
    }
  }

  /**
   * Takes and reads the state folder. Throws FolderInUse where another process has it; where it cannot be read or
   * written that is said loudly, and traffic is served all the same: as was recorded, if that can be read.
   */
  async start(): Promise<void> {
    try {
      this.#claim()
    } catch (error) {
      if (error instanceof FolderInUse) throw error
      this.#unusable(error as NodeJS.ErrnoException)
    }
    try {
      this.#stored = await this.#store.open()
    } catch (error) {
      this.#unusable(error as NodeJS.ErrnoException)
    }
    this.#stopTicks = this.#environment.clock.every(TICK_MS, () => this.#tick())
  }

  /** Nothing is written without the lock: where it could not be taken at the start, each write tries again. */
  #claim(): void {
    this.#unlock ??= lockFolder(this.#store.dir)
  }

  #unusable(error: NodeJS.ErrnoException): void {
    const { code, message } = error
    this.#environment.log.error(
      { dir: this.#store.dir, code, error },
      `state folder ${this.#store.dir} cannot be used (${message}): traffic is served, but no release or weight can be recorded`,
    )
  }

  #tick(): void {
    for (const driver of this.#drivers.values()) if (driver.live) this.#guarded(driver)
  }

  /** A mistake in one gate does not stop the others. */
  #guarded(driver: ReleaseDriver): void {
    try {
      driver.glance()
    } catch (error) {
      this.#environment.log.error(
        { gate: driver.key, error },
        `${driver.key} could not be looked at: ${(error as Error).message}`,
      )
    }
  }

  apply(gates: readonly GateConfig[]): void {
    const keys = new Set<string>()
    for (const gate of gates) {
      const { key } = resolveGate(gate)
      keys.add(key)
      const known = this.#drivers.get(key)
      if (known !== undefined) {
        known.configure(gate)
        continue
      }
      const env = this.#environment.gate(key)
      if (env === undefined) continue
      this.#drivers.set(key, new ReleaseDriver(gate, env, this.#aroundOf(key), this.#stored.get(key)))
      this.#stored.delete(key)
    }
    for (const [key, driver] of this.#drivers) {
      if (keys.has(key)) continue
      // The gate may come back: its state stays, in memory and on the disk.
      this.#drivers.delete(key)
      void this.#putAway(key, driver)
    }
  }

  async #putAway(key: string, driver: ReleaseDriver): Promise<void> {
    const stored = { record: driver.record, checkpoint: undefined }
    this.#stored.set(key, stored)
    await driver.close()
    const checkpoint = await this.#store.checkpointOf(key)
    // Not where it has come back in the meantime, or has come and gone.
    if (this.#stored.get(key) === stored) this.#stored.set(key, { ...stored, checkpoint })
  }

  /** A gate whose file cannot be replaced holds up no other: that says nothing about the disk. */
  #aroundOf(key: string): Surroundings {
    if (this.#store.knows(key)) return this.#around
    const { clock, log } = this.#environment
    return { ...this.#around, ledger: new Ledger(this.#store, clock, log) }
  }

  view(key: string): ControlView | undefined {
    return this.#drivers.get(key)?.view()
  }

  async setWeights(
    key: string,
    percent: Record<string, number>,
    options: { force: boolean; who: string },
  ): Promise<Result> {
    const driver = this.#drivers.get(key)
    if (driver === undefined) return unknown(key)
    const weightsBps = Object.fromEntries(Object.entries(percent).map(([name, value]) => [name, toBps(value)]))
    return driver.command({ verb: 'weights', weightsBps, ...options })
  }

  async command(key: string, verb: string, body: CommandBody, who: string): Promise<Result> {
    const driver = this.#drivers.get(key)
    if (driver === undefined) return unknown(key)
    if (!VERBS.includes(verb)) {
      return { ok: false, status: 400, code: 'unknown-verb', detail: `${verb} is none of ${VERBS.join(', ')}` }
    }
    const command = this.#commandOf(driver, key, verb, body, who)
    return 'ok' in command ? command : driver.command(command)
  }

  #commandOf(driver: ReleaseDriver, key: string, verb: string, body: CommandBody, who: string): Command | Result {
    const { image, revision, readyTimeoutSeconds, stepSeconds } = body
    if (verb === 'start') {
      return {
        verb,
        who,
        ...(image === undefined ? {} : { image }),
        ...(revision === undefined ? {} : { revision }),
        ...(readyTimeoutSeconds === undefined ? {} : { readyTimeoutMs: readyTimeoutSeconds * 1000 }),
        ...(stepSeconds === undefined ? {} : { minDurationMs: stepSeconds * 1000 }),
      }
    }
    if (verb !== 'rollback' || revision === undefined) return { verb: verb as 'pause', who }
    const last = releaseOf(driver.release().state)
    const found = this.#all(driver, key)
      .flatMap(({ state }) => releaseOf(state) ?? [])
      .find(({ id, revision: name }) => id === revision || name === revision)
    if (found === undefined) {
      return { ok: false, status: 404, code: 'no-such-release', detail: `no recorded release is called ${revision}` }
    }
    // The version before the last release is what undoing the last release brings back.
    if (found.id === last?.id) {
      return {
        ok: false,
        status: 409,
        code: 'is-last-release',
        detail: `release ${found.id} is the last one: rollback without a revision undoes it`,
      }
    }
    return {
      verb,
      who,
      to: { id: found.id, revision: found.revision, template: this.#environment.gate(key)?.perform !== undefined },
    }
  }

  /** The present or last release and those before it, newest first. */
  #all(driver: ReleaseDriver, key: string): ArchivedRelease[] {
    const present = driver.release()
    const id = releaseOf(present.state)?.id
    const before = this.#store.history(key).filter(({ state }) => releaseOf(state)?.id !== id)
    return id === undefined ? [...before] : [present, ...before]
  }

  releases(key: string): ReleaseSummary[] | undefined {
    const driver = this.#drivers.get(key)
    return (
      driver &&
      this.#all(driver, key).flatMap(({ state, decisions, tally }) => {
        const release = releaseOf(state)
        return release === undefined ? [] : [summaryOf(state, release, decisions, tally)]
      })
    )
  }

  release(key: string, id: string): ReleaseRecord | undefined {
    const driver = this.#drivers.get(key)
    const found = driver && this.#all(driver, key).find(({ state }) => releaseOf(state)?.id === id)
    return found && recordOf(found)
  }

  subscribe(listener: (event: ControlEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A failed request that a worker saw: decisions carry some as examples. */
  sample(sample: Example & { gate: string; variant: string }): void {
    this.#drivers.get(sample.gate)?.sample(sample)
  }

  /** Stops deciding, waits for what is being written but not for ever, and gives the folder back. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stopTicks?.()
    const { clock, log } = this.#environment
    const saved = Promise.all([...this.#drivers.values()].map((driver) => driver.close())).then(() =>
      this.#store.settled(),
    )
    let stop = () => {}
    const late = new Promise<'late'>((resolve) => {
      stop = clock.after(CLOSE_MS, () => resolve('late'))
    })
    if ((await Promise.race([saved, late])) === 'late') {
      log.error({ dir: this.#store.dir }, `the state folder did not take the last writes within ${CLOSE_MS / 1000} s`)
    }
    stop()
    await this.#hooks.close()
    this.#unlock?.()
  }
}

const unknown = (key: string): Result => ({
  ok: false,
  status: 404,
  code: 'no-such-gate',
  detail: `there is no gate ${key}`,
})
