// Pieces that every bench uses: free ports, processes with their CPU time and memory, waiting for a port.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { sleep } from '../src/clock.ts'

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer()
          server.listen(0, '127.0.0.1', () => done(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

/** Resolves once something listens on the port of 127.0.0.1. */
export async function listening(port: number, withinMs = 20_000): Promise<void> {
  for (let waited = 0; waited < withinMs; waited += 50) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        done(true)
      })
      socket.once('error', () => done(false))
    })
    if (open) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port}`)
}

export interface Running {
  pid: number
  child: ChildProcess
  output(): string
  stop(): Promise<void>
}

/** Starts a command; `core` pins it and all that it starts. */
export function start(command: readonly string[], core?: number, env: NodeJS.ProcessEnv = process.env): Running {
  const whole = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(whole[0]!, whole.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env })
  let text = ''
  const keep = (chunk: Buffer) => {
    text = (text + chunk).slice(-20_000)
  }
  child.stdout!.on('data', keep)
  child.stderr!.on('data', keep)
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  return {
    pid: child.pid!,
    child,
    output: () => text,
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(late)
    },
  }
}

/** A process and all its children. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
    } catch {
      // It has ended meanwhile.
    }
  }
  const tree = [pid]
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []))
  return tree
}

/** utime + stime of the process tree, in microseconds (ticks of 10 ms). */
export function cpuUs(pid: number): number {
  let ticks = 0
  for (const one of treeOf(pid)) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks * 10_000
}

/** Resident memory of the process tree in MiB. */
export function rssMb(pid: number): number {
  let kb = 0
  for (const one of treeOf(pid)) {
    try {
      kb += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one}/status`, 'latin1'))?.[1] ?? 0)
    } catch {
      // It has ended meanwhile.
    }
  }
  return kb / 1024
}
