import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { joinCgroup } from './cgroup.ts'
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

function lastLines(file: string, count: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
}
