import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { joinCgroup, processesIn } from './cgroup.ts'
import type { Places } from './places.ts'
import { until } from './shell.ts'

/** A program of the cluster that runs until the cluster ends. */
export interface Daemon {
  name: string
  /** Resolves when `probe` no longer rejects; rejects at once, with the log's end, when the program has ended. */
  ready(probe: () => Promise<unknown>, timeoutMs: number): Promise<void>
}

/** Starts a program in the cluster's namespace and cgroup, its output in the cluster's log folder. */
export function startDaemon(places: Places, name: string, command: string[]): Daemon {
  const log = join(places.log, `${name}.log`)
  const output = openSync(log, 'a')
  const script = `${joinCgroup(places.cgroup)} && exec ${places.enter.join(' ')} "$@"`
  const child = spawn('sh', ['-c', script, name, ...command], {
    cwd: places.dir,
    env: { ...process.env, PATH: `${places.bin}:${process.env.PATH}` },
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `exit ${signal ?? code}`
  })
  child.unref()
  const fail = (why: string) => new Error(`${name} ${why}; the end of ${log}:\n${lastLines(log, 15)}`)
  return {
    name,
    async ready(probe, timeoutMs) {
      const answered = until(`${name} ready`, timeoutMs, async () => {
        if (ended !== undefined) return false
        await probe()
        return true
      })
      const running = await answered.catch((error: Error) => {
        throw fail(error.message)
      })
      if (!running) throw fail(`ended: ${ended}`)
    },
  }
}

/**
 * Sends a signal to a program of the cluster, whoever started it, and tells to how many processes it went. They are found
 * by the file that they run, among the cluster's own processes alone.
 */
export function signalDaemon(places: Places, name: string, signal: NodeJS.Signals): number {
  const found = processesIn(places.cgroup).filter((pid) => programOf(pid) === name)
  for (const pid of found) process.kill(pid, signal)
  return found.length
}

/** Name of the file that a process runs; undefined when it has ended. */
function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`))
  } catch {
    return undefined
  }
}

function lastLines(file: string, count: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
}
