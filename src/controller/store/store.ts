import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { Log } from '../environment.ts'
import { seal, unseal } from './envelope.ts'
import { disk, type Files, replaceFile } from './files.ts'
import { type ArchivedRelease, asGateRecord, type Checkpoint, type GateRecord } from './records.ts'

/** Releases kept of a gate. */
export const MAX_RELEASES = 100
const SUFFIX = '.json'

/**
 * The state folder: `gates/NAMESPACE.NAME.json` holds a gate's state with the decisions of its release,
 * `trials/` the evidence, `releases/NAMESPACE.NAME/ID.json` the history. Names are DNS labels, so a dot tells them apart.
 */
export class Store {
  readonly dir: string
  readonly #files: Files
  readonly #clock: Clock
  readonly #log: Log
  readonly #history = new Map<string, ArchivedRelease[]>()
  /** Writes to one path never overlap. */
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(options: { dir: string; clock: Clock; log: Log; files?: Files }) {
    this.dir = resolve(options.dir)
    this.#files = options.files ?? disk
    this.#clock = options.clock
    this.#log = options.log
  }

  /**
   * Reads all gates; makes the folder where it is missing. A file that cannot be understood is set aside, loudly. Throws
   * where the folder cannot be read or made.
   */
  async open(): Promise<Map<string, { record: GateRecord; checkpoint: Checkpoint | undefined }>> {
    for (const folder of ['gates', 'trials', 'releases']) await this.#files.makeFolder(join(this.dir, folder))
    const found = new Map<string, { record: GateRecord; checkpoint: Checkpoint | undefined }>()
    for (const file of await this.#files.list(join(this.dir, 'gates'))) {
      if (!file.endsWith(SUFFIX)) continue
      const gate = file.slice(0, -SUFFIX.length).replace('.', '/')
      const record = await this.#read(join('gates', file), (value) => asGateRecord(value, gate))
      if (record === undefined) continue
      const checkpoint = await this.#read(join('trials', file), (value) => value as Checkpoint)
      found.set(gate, {
        record,
        checkpoint: checkpoint?.generation === record.generation ? checkpoint : undefined,
      })
    }
    return found
  }

  async #read<T>(name: string, as: (value: unknown) => T): Promise<T | undefined> {
    const path = join(this.dir, name)
    const data = await this.#files.read(path)
    if (data === undefined) return undefined
    try {
      return as(unseal(data))
    } catch (error) {
      const aside = `${path}.broken-${this.#clock.wallMs()}`
      const reason = (error as Error).message
      try {
        await this.#files.rename(path, aside)
        this.#log.error({ file: path, aside }, `state file ${path} ${reason}; it is set aside as ${aside}`)
      } catch (cause) {
        this.#log.error({ file: path, error: cause }, `state file ${path} ${reason}, and cannot be set aside`)
      }
      return undefined
    }
  }

  /** Resolves when the record is on the disk. A release that it no longer holds must have been archived before. */
  save(record: GateRecord): Promise<void> {
    return this.#replace(join(this.dir, 'gates', fileOf(record.gate)), record, true)
  }

  /** Evidence may be lost: the folder is not waited for. */
  checkpoint(checkpoint: Checkpoint): Promise<void> {
    return this.#replace(join(this.dir, 'trials', fileOf(checkpoint.gate)), checkpoint, false)
  }

  #replace(path: string, value: unknown, durable: boolean): Promise<void> {
    const before = this.#queues.get(path) ?? Promise.resolve()
    const data = seal(value)
    const write = before.catch(() => {}).then(() => replaceFile(this.#files, path, data, durable))
    this.#queues.set(path, write)
    const forget = () => {
      if (this.#queues.get(path) === write) this.#queues.delete(path)
    }
    write.then(forget, forget)
    return write
  }

  /** Puts a release that is over into the history. Idempotent by its id. */
  async archive(gate: string, release: ArchivedRelease): Promise<void> {
    if (release.state.phase === 'Idle') return
    const folder = this.#folderOf(gate)
    await this.#files.makeFolder(folder)
    await replaceFile(this.#files, join(folder, `${idOf(release)}${SUFFIX}`), seal(release))
    const known = this.history(gate).filter((one) => idOf(one) !== idOf(release))
    const all = [release, ...known].sort(newestFirst)
    this.#history.set(gate, all.slice(0, MAX_RELEASES))
    for (const old of all.slice(MAX_RELEASES)) await this.#files.remove(join(folder, `${idOf(old)}${SUFFIX}`))
  }

  /** Releases that are over and were followed by another one, newest first. Read when somebody first asks. */
  history(gate: string): readonly ArchivedRelease[] {
    const known = this.#history.get(gate)
    if (known !== undefined) return known
    const releases: ArchivedRelease[] = []
    for (const path of filesIn(this.#folderOf(gate))) {
      try {
        releases.push(unseal(readFileSync(path)) as ArchivedRelease)
      } catch (error) {
        this.#log.error({ file: path }, `release ${path} ${(error as Error).message}; it is not shown`)
      }
    }
    releases.sort(newestFirst)
    this.#history.set(gate, releases)
    return releases
  }

  /** Resolves when what was asked to be written is, or cannot be. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#queues.values())
  }

  #folderOf = (gate: string): string => join(this.dir, 'releases', gate.replace('/', '.'))
}

const fileOf = (gate: string): string => `${gate.replace('/', '.')}${SUFFIX}`

const idOf = ({ state }: ArchivedRelease): string =>
  state.phase === 'Idle' ? '0' : (state.phase === 'Paused' ? state.within.release : state.release).id

const newestFirst = (a: ArchivedRelease, b: ArchivedRelease): number => Number(idOf(b)) - Number(idOf(a))

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}
