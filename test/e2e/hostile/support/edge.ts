import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { RawClient, type RawResponse } from '../../../support/raw-client.ts'
import { ask, configOf, Program } from '../../support/program.ts'

/** The program between hostile clients and hostile upstreams, and the questions that every attack ends with. */
export class Edge {
  readonly program: Program
  #exit: Promise<number | string> | undefined

  constructor(program: Program) {
    this.program = program
  }

  /** `gates`: YAML documents; `proxy`: further lines of the Proxy document's spec. Ends with the test, which fails if it was harmed. */
  static async start(
    t: Test,
    gates: string,
    proxy = '',
    options: { env?: Record<string, string>; files?: Record<string, string> } = {},
  ): Promise<Edge> {
    const { env, files = {} } = options
    const edge = new Edge(await Program.start(t.testdir(files), configOf(gates, proxy), env ? { env } : {}))
    t.teardown(() => edge.stop())
    return edge
  }

  get port(): number {
    return this.program.ports.http
  }

  /** SIGTERM; the exit code. Once. */
  stop(): Promise<number | string> {
    this.#exit ??= this.program.stop()
    return this.#exit
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port)
  }

  /** Lines of the program's log about deaths and faults of workers. */
  get faults(): string[] {
    return this.program.stderr
      .split('\n')
      .filter((line) => /a worker died|met a fault|unhandled|uncaught|"level":60/i.test(line))
  }

  /** Resident memory in MB. */
  get memoryMb(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.program.pid}/status`, 'utf8'))![1]) / 1024
  }

  /** Sum of a metric's samples whose labels contain all of `labels`. */
  async metric(name: string, ...labels: string[]): Promise<number> {
    const { body } = await ask(this.program.ports.metrics, 'GET', '/metrics')
    let sum = 0
    for (const line of body.split('\n')) {
      if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue
      if (labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1))
    }
    return sum
  }

  /** Waits until a metric is as expected: what was answered may be recorded a moment later. */
  async metricIs(t: Test, expected: number, name: string, ...labels: string[]): Promise<void> {
    let seen = -1
    for (let i = 0; i < 100 && seen !== expected; i++) {
      seen = await this.metric(name, ...labels)
      if (seen !== expected) await new Promise((again) => setTimeout(again, 100))
    }
    t.equal(seen, expected, `${name} ${labels.join(' ')}`)
  }

  /** A sound request with an id of its own: whether it is answered, and with its own answer. */
  async sound(t: Test, path = '/', host = 'localhost'): Promise<void> {
    const client = await this.connect()
    const id = newId()
    await client.get(path, host, `x-id: ${id}\r\n`)
    const response = await client.response()
    t.equal(response.status, 200, 'a sound request is answered')
    t.equal(response.headers.get('x-id'), id, 'with its own answer')
    client.destroy()
  }

  /** No worker died or met a fault, nothing is in flight, and a sound request is answered. */
  async unharmed(t: Test, gate = 'shop', path = '/'): Promise<void> {
    await this.sound(t, path)
    await this.program.until(gate, ({ variants }) => variants.every(({ inFlight }) => inFlight === 0))
    t.same(this.faults, [], 'no worker died or met a fault')
  }
}

let ids = 0
/** An id that no other request has. */
export const newId = (): string => `id-${process.pid}-${++ids}`

/** A gate with one variant, as YAML. `more`: further lines of its spec. */
export const gateOf = (name: string, url: string, more = ''): string => `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: ${name}}
spec:
  variants: [{name: only, urls: ["${url}"]}]
${more}`

/** What became of raw bytes: the first answer, and whether the connection serves another request after it. */
export interface Shot {
  status: number
  reason: string
  response: RawResponse | undefined
  connection: 'kept' | 'closed'
  /** What came after the first answer of a closed connection. */
  rest: string
}

/**
 * Sends `bytes` on a connection of its own and reads the answer; then asks for `/after`. Status 0: closed without an answer.
 * `end`: half-closes after the bytes.
 */
export async function shoot(
  port: number,
  bytes: string | Buffer,
  options: { end?: boolean; method?: string } = {},
): Promise<Shot> {
  const client = await RawClient.connect(port)
  await client.write(bytes)
  if (options.end) client.socket.end()
  const shot: Shot = { status: 0, reason: '', response: undefined, connection: 'closed', rest: '' }
  try {
    await client.until(({ length }) => length > 0)
  } catch {
    client.destroy()
    return shot
  }
  const response = await client.response(options.method ?? 'GET')
  shot.status = response.status
  shot.reason = response.headers.get('x-streamgate-reason') ?? ''
  shot.response = response
  if (!options.end && !/close/i.test(response.headers.get('connection') ?? '')) {
    const id = newId()
    await client.get('/after', 'localhost', `x-id: ${id}\r\n`)
    try {
      const after = await client.response()
      if (after.headers.get('x-id') !== id)
        throw new Error(`the answer of another request: ${JSON.stringify(after.rawHeaders)}`)
      shot.connection = 'kept'
      client.destroy()
      return shot
    } catch (error) {
      if (!client.ended) throw error
    }
  }
  shot.rest = (await client.untilEnd()).text
  client.destroy()
  return shot
}
