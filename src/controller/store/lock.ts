import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** The state folder is in use by another process. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
}

interface Holder {
  pid: number
  /** Start of the process in the kernel's clock ticks: a process id comes again, with another start. */
  startedAt: string
  host: string
}

/** Folders that this process holds. */
const held = new Set<string>()

/**
 * Takes the folder for this process; returns how to give it back. A lock whose process is gone is taken over. Throws
 * FolderInUse, or the error of a folder that cannot be written.
 */
export function lockFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true })
  const path = join(dir, 'lock')
  const me: Holder = { pid: process.pid, startedAt: startOf(process.pid) ?? '', host: hostname() }
  const text = JSON.stringify(me)
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const holder = readHolder(path)
    if (holder !== undefined && isAlive(holder, me, dir)) {
      throw new FolderInUse(
        `state folder ${dir} is in use by process ${holder.pid}: stop it, or give this one another spec.state.dir`,
      )
    }
    // Whoever else takes it over at this moment renames too: the one that is in the file at the end has it.
    const temporary = `${path}.${process.pid}`
    writeFileSync(temporary, text)
    renameSync(temporary, path)
    if (readHolder(path)?.pid !== me.pid) throw new FolderInUse(`state folder ${dir} was taken by another process`)
  }
  held.add(dir)
  return () => {
    held.delete(dir)
    if (readHolder(path)?.pid !== me.pid) return
    try {
      rmSync(path, { force: true })
    } catch {
      // On a disk that turned read-only it stays: the lock of a process that is gone is taken over.
    }
  }
}

function isAlive(holder: Holder, me: Holder, dir: string): boolean {
  if (holder.pid === me.pid && holder.startedAt === me.startedAt) return held.has(dir)
  // A container that starts again has another name: a folder belongs to one host, and a lock of another one is old.
  if (holder.host !== me.host) return false
  const startedAt = startOf(holder.pid)
  if (startedAt !== undefined) return startedAt === holder.startedAt
  if (process.platform === 'linux') return false
  try {
    process.kill(holder.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof holder === 'object' && holder !== null && 'pid' in holder ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

/** Field 22 of /proc/PID/stat; undefined where there is no such process, or no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
