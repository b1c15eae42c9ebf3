import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join, resolve } from 'node:path'
import type { GateView } from '../../../src/admin/index.ts'

const bin = resolve(import.meta.dirname, '../../../bin/streamgate')

export interface Answer {
  status: number
  body: string
  /** The body as JSON; throws where it is none. */
  json(): unknown
}

/** A request of its own connection to 127.0.0.1. */
export function ask(
  port: number,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((done, fail) => {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body)
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.once('end', () => done({ status: response.statusCode!, body, json: () => JSON.parse(body) }))
        response.once('error', fail)
      },
    )
    call.once('error', fail)
    call.end(payload)
  })
}

/** `streamgate run` as users start it: a process of its own, from a folder of its own. */
export class Program {
  readonly #child: ChildProcess
  readonly dir: string
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>
  /** Everything on stdout (the access log) and stderr (the program's log). */
  stdout = ''
  stderr = ''
  ports = { http: 0, admin: 0, metrics: 0 }
  #waiting: (() => void)[] = []

  private constructor(child: ChildProcess, dir: string) {
    this.#child = child
    this.dir = dir
    child.stdout!.on('data', (chunk) => {
      this.stdout += chunk
      this.#wake()
    })
    child.stderr!.on('data', (chunk) => {
      this.stderr += chunk
      this.#wake()
    })
    this.ended = new Promise((done) =>
      child.once('exit', (code, signal) => {
        done(code ?? signal ?? 'unknown')
        this.#wake()
      }),
    )
  }

  /** Writes `config` as `dir/streamgate.yaml`, starts the program there and waits until it serves. */
  static async start(
    dir: string,
    config: string,
    options: { command?: readonly string[]; env?: Record<string, string> } = {},
  ): Promise<Program> {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'streamgate.yaml'), config)
    const [command, ...args] = [...(options.command ?? []), bin, 'run', '-c', 'streamgate.yaml']
    const child = spawn(command!, args, {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    })
    const program = new Program(child, dir)
    let gone = false
    void program.ended.then(() => {
      gone = true
    })
    const line = await program.line(
      (entry) => entry.message === 'serving',
      () => gone,
    )
    const { listeners, admin, metrics } = line as unknown as {
      listeners: { port: number }[]
      admin: { port: number }
      metrics: { port: number }
    }
    program.ports = { http: listeners[0]!.port, admin: admin.port, metrics: metrics.port }
    return program
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Resolves with the first line of the program's log that `wanted` accepts. */
  async line(
    wanted: (entry: Record<string, unknown>) => boolean,
    gone = () => false,
  ): Promise<Record<string, unknown>> {
    let from = 0
    for (;;) {
      const end = this.stderr.lastIndexOf('\n') + 1
      for (const text of this.stderr.slice(from, end).split('\n')) {
        if (!text.startsWith('{')) continue
        const entry = JSON.parse(text)
        if (wanted(entry)) return entry
      }
      from = end
      if (gone()) throw new Error(`the program ended:\n${this.stderr}${this.stdout}`)
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }

  api(method: string, path: string, body?: unknown): Promise<Answer> {
    return ask(this.ports.admin, method, path, { body })
  }

  /** The gate's view; `name` in namespace default. */
  async gate(name: string): Promise<GateView> {
    return (await this.api('GET', `/v1/gates/default/${name}`)).json() as GateView
  }

  /** Polls the gate until `wanted` holds. tap's own time-out ends a wait that is in vain. */
  async until(name: string, wanted: (gate: GateView) => boolean, everyMs = 50): Promise<GateView> {
    for (;;) {
      const gate = await this.gate(name)
      if (wanted(gate)) return gate
      await new Promise((again) => setTimeout(again, everyMs))
    }
  }

  reconfigure(config: string): void {
    writeFileSync(join(this.dir, 'streamgate.yaml'), config)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | string> {
    this.#child.kill('SIGTERM')
    return this.ended
  }

  /** kill -9, and nothing else. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}

/** A configuration with free ports, without access log, for `gates` as YAML documents. */
export function configOf(gates: string, proxy = ''): string {
  return `apiVersion: streamgate.dev/v1alpha1
kind: Proxy
metadata: {name: test}
spec:
  listeners: [{name: http, host: 127.0.0.1, port: 0}]
  workers: 2
  admin: {port: 0}
  metrics: {host: 127.0.0.1, port: 0}
${proxy}---
${gates}`
}
