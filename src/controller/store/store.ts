import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../../clock.ts'
import type { Log } from '../environment.ts'
import { NewerFormat, seal, unseal } from './envelope.ts'
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
  readonly #claim: () => void
  readonly #history = new Map<string, ArchivedRelease[]>()
  /** Writes to one path never overlap. */
  readonly #queues = new Map<string, Promise<unknown>>()
  /** Files that hold what this process does not know, with why: saving would lose it. */
  readonly #unknown = new Map<string, string>()
  #made = false
  /** Why nobody knows which gates are stored. */
  #unlisted: string | undefined
  /** Files of gates that turned out not to be there. */
  readonly #absent = new Set<string>()

  /** `claim`: called before each write; throws where the folder is not this process's. */
  constructor(options: { dir: string; clock: Clock; log: Log; claim: () => void; files?: Files }) {
    this.dir = resolve(options.dir)
    this.#files = options.files ?? disk
    this.#clock = options.clock
    this.#log = options.log
    this.#claim = options.claim
  }

  /**
   * Reads all gates that can be read; makes the folder where it is missing. A file that is damaged is set aside; one that
   * cannot be read, or is a newer version's, stays and is never replaced: all loudly. Throws where the gates cannot be listed.
   */
  async open(): Promise<Map<string, { record: GateRecord; checkpoint: Checkpoint | undefined }>> {
    try {
      await this.#makeFolders()
    } catch (error) {
      // What is there can be read all the same: a disk that is full or read-only takes no folder.
      this.#log.error({ dir: this.dir, error }, `state folder ${this.dir} cannot be made: ${(error as Error).message}`)
    }
    const found = new Map<string, { record: GateRecord; checkpoint: Checkpoint | undefined }>()
    for (const file of await this.#list()) {
      if (!file.endsWith(SUFFIX)) continue
      const gate = file.slice(0, -SUFFIX.length).replace('.', '/')
      const record = await this.#read(join('gates', file), (value) => asGateRecord(value, gate))
      if (record !== undefined) found.set(gate, { record, checkpoint: await this.checkpointOf(gate) })
      else if (!this.knows(gate)) {
        this.#log.error(
          { gate },
          `${gate}: its state is not known: it is served as configured, and nothing is recorded`,
        )
      }
    }
    return found
  }

  async #makeFolders(): Promise<void> {
    for (const folder of ['gates', 'trials', 'releases']) await this.#files.makeFolder(join(this.dir, folder))
    this.#made = true
  }

  async #list(): Promise<string[]> {
    try {
      return await this.#files.list(join(this.dir, 'gates'))
    } catch (error) {
      this.#unlisted = `is in a folder that could not be read: ${(error as Error).message}`
      throw error
    }
  }

  /** The stored evidence of a gate: it may be older than the gate's record. */
  checkpointOf(gate: string): Promise<Checkpoint | undefined> {
    return this.#read(join('trials', fileOf(gate)), (value) => value as Checkpoint)
  }

  async #read<T>(name: string, as: (value: unknown) => T): Promise<T | undefined> {
    const path = join(this.dir, name)
    let data: Buffer | undefined
    try {
      data = await this.#files.read(path)
    } catch (error) {
      return this.#leave(path, `cannot be read: ${(error as Error).message}`)
    }
    if (data === undefined) return undefined
    try {
      return as(unseal(data))
    } catch (error) {
      const { message } = error as Error
      return error instanceof NewerFormat ? this.#leave(path, message) : this.#setAside(path, message)
    }
  }

  #leave(path: string, reason: string): undefined {
    this.#unknown.set(path, reason)
    this.#log.error({ file: path }, `state file ${path} ${reason}; it goes unread`)
  }

  async #setAside(path: string, reason: string): Promise<undefined> {
    const aside = `${path}.broken-${this.#clock.wallMs()}`
    try {
      this.#claim()
      await this.#files.rename(path, aside)
      this.#log.error({ file: path, aside }, `state file ${path} ${reason}; it is set aside as ${aside}`)
    } catch (error) {
      this.#leave(path, `${reason}, and cannot be set aside: ${(error as Error).message}`)
    }
  }

  /** False for a gate that has a file of which nobody knows what it says: nothing of it can be recorded. */
  knows(gate: string): boolean {
    return this.#obstacle(this.#pathOf(gate)) === undefined
  }

  /**
   * Resolves when the record is on the disk. A release that it no longer holds must have been archived before. Rejects
   * where that would replace a file that could not be read.
   */
  save(record: GateRecord): Promise<void> {
    const path = this.#pathOf(record.gate)
    return this.#queue(path, record, async (data) => {
      await this.#refuseUnknown(path)
      await replaceFile(this.#files, path, data)
    })
  }

  /** Evidence may be lost: the folder is not waited for, and evidence that could not be read is replaced. */
  checkpoint(checkpoint: Checkpoint): Promise<void> {
    const path = join(this.dir, 'trials', fileOf(checkpoint.gate))
    return this.#queue(path, checkpoint, (data) => replaceFile(this.#files, path, data, false))
  }

  #obstacle(path: string): string | undefined {
    return this.#absent.has(path) ? undefined : (this.#unknown.get(path) ?? this.#unlisted)
  }

  /** Whoever moves the file away has decided that the gate begins anew. */
  async #refuseUnknown(path: string): Promise<void> {
    const reason = this.#obstacle(path)
    if (reason === undefined) return
    const gone = await this.#files.read(path).then(
      (data) => data === undefined,
      () => false,
    )
    if (!gone) {
      throw new Error(`state file ${path} ${reason}; it is not replaced: mend it and start again, or move it away`)
    }
    this.#absent.add(path)
  }

  #queue(path: string, value: unknown, act: (data: string) => Promise<void>): Promise<void> {
    const before = this.#queues.get(path) ?? Promise.resolve()
    const data = seal(value)
    const write = before
      .catch(() => {})
      .then(async () => {
        this.#claim()
        if (!this.#made) await this.#makeFolders()
        await act(data)
      })
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
    this.#claim()
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

  #pathOf = (gate: string): string => join(this.dir, 'gates', fileOf(gate))

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
