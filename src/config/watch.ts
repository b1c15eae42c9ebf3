import { createHash } from 'node:crypto'
import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { readRegularFile, reason } from './files.ts'
import { listFiles } from './sources.ts'

export interface ConfigWatcherOptions {
  /** Files and folders, as given to loadConfig. */
  paths: readonly string[]
  clock: Clock
  /** The content of a followed file changed: load again. Never called with the content at construction, never twice for the same content. */
  onChange(): void
}

/** After an event, wait for the others that the same save makes. */
const DEBOUNCE_MS = 50
/** Events get lost: on network file systems, in some containers, when the kernel's queue is full. */
const POLL_MS = 2000

/**
 * Notices that the configuration, or a file that it names, has other content than before. Events on the folders only make
 * it look sooner; what counts is the content. So a save by rename, an atomic replacement, the swap of Kubernetes' `..data`
 * link and a file that was away for a moment are all the same to it.
 *
 * Order of use, which misses nothing: construct, load, follow(config.files), start; load and follow again at each change.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions
  #followed: readonly string[] = []
  #digests: Map<string, string>
  /** Watched folders and their inode: a folder that was replaced is watched anew. */
  readonly #folders = new Map<string, { inode: number; watcher: FSWatcher }>()
  #stopPoll: (() => void) | undefined
  #stopDebounce: (() => void) | undefined

  constructor(options: ConfigWatcherOptions) {
    this.#options = options
    this.#digests = this.#read()
  }

  start(): void {
    if (this.#stopPoll !== undefined) return
    this.#stopPoll = this.#options.clock.every(POLL_MS, () => this.#look())
    this.#watchFolders()
    // For what changed before there were events.
    this.#soon()
  }

  /** The files to follow besides the paths: Config.files after each load. Replaces those of the call before. */
  follow(files: readonly string[]): void {
    this.#followed = files
    if (this.#stopPoll !== undefined) this.#watchFolders()
    const known = new Set(files.map((file) => resolve(file)))
    const before = this.#digests
    // What changed or appeared since the load was not in it: the old digest stays, so that the next look sees it.
    this.#digests = new Map(
      [...this.#read()].map(([file, now]) => [file, before.get(file) ?? (known.has(file) ? now : 'unseen')]),
    )
  }

  /** Idempotent. No call back after it. */
  close(): void {
    this.#stopPoll?.()
    this.#stopDebounce?.()
    this.#stopPoll = undefined
    this.#stopDebounce = undefined
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #soon(): void {
    this.#stopDebounce?.()
    this.#stopDebounce = this.#options.clock.after(DEBOUNCE_MS, () => this.#look())
  }

  #look(): void {
    if (this.#stopPoll === undefined) return
    this.#watchFolders()
    const digests = this.#read()
    const before = this.#digests
    this.#digests = digests
    const same = digests.size === before.size && [...digests].every(([file, digest]) => before.get(file) === digest)
    if (!same) this.#options.onChange()
  }

  #files(): string[] {
    const listed = listFiles(this.#options.paths).files
    return [...new Set([...this.#options.paths, ...listed, ...this.#followed].map((file) => resolve(file)))]
  }

  #read(): Map<string, string> {
    return new Map(this.#files().map((file) => [file, digestOf(file)]))
  }

  #watchFolders(): void {
    const wanted = new Set<string>()
    for (const file of this.#files()) for (const folder of foldersOf(file)) wanted.add(folder)
    for (const [folder, { inode, watcher }] of this.#folders) {
      if (wanted.has(folder) && inodeOf(folder) === inode) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#watchFolder(folder)
  }

  #watchFolder(folder: string): void {
    const inode = inodeOf(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon())
      // The poll goes on without it.
      watcher.on('error', () => watcher.close())
      this.#folders.set(folder, { inode, watcher })
    } catch {
      // No inotify watches left, or a file system without events: the poll finds changes.
    }
  }
}

/** A hash of the content, or why there is none. */
function digestOf(file: string): string {
  try {
    return createHash('sha256').update(readRegularFile(file)).digest('base64')
  } catch (error) {
    return reason(error)
  }
}

/** The folders where a change of the file shows: its own (itself, if it is one) and that of the file behind its links. */
function foldersOf(file: string): string[] {
  const folders = [dirname(file)]
  try {
    const real = realpathSync(file)
    folders.push(statSync(real).isDirectory() ? real : dirname(real))
  } catch {
    // It may come back into the same folder.
  }
  return folders
}

function inodeOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.ino
}
