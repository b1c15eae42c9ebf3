import { readFileSync, writeFileSync } from 'node:fs'

/** A process that no other can be mistaken for: pids are reused, pids with the same start time are not. */
export interface ProcessIdentity {
  pid: number
  /** Field 22 of /proc/PID/stat: clock ticks since the machine's start. */
  startedTicks: string
}

/** Who started a cluster, and who removes it when that one is gone. */
export interface Owner {
  starter: ProcessIdentity
  supervisor: ProcessIdentity
}

/** Identity of a running process; undefined when it has ended. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    // The command's name, in brackets, may hold blanks and brackets of its own.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    const state = fields[0]
    return state === 'Z' || state === 'X' ? undefined : { pid, startedTicks: fields[19]! }
  } catch {
    return undefined
  }
}

export const isAlive = (process: ProcessIdentity): boolean =>
  identify(process.pid)?.startedTicks === process.startedTicks

/** The owner that the file names; undefined where there is no file, or a torn one. */
export function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

export function writeOwner(file: string, owner: Owner): void {
  writeFileSync(file, JSON.stringify(owner))
}
