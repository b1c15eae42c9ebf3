import autocannon from 'autocannon'
import type { Test } from 'tap'
import type { GateView, Phase, ReleaseRecord } from '../../../src/admin/index.ts'
import { Backend, type BackendOptions } from '../../support/backend.ts'
import { OpenLoop, type OpenLoopOptions } from './open-loop.ts'
import { type Answer, configOf, Program } from './program.ts'

/** Open-loop load of every scenario that says nothing else. */
export const PER_SECOND = 100

type Section = Record<string, unknown>

/** Steps of a release that is to be held at `weight` until it is convicted or told to go on. */
export const heldAt = (weight: number): Section[] => [{ weight, minDuration: '600s' }, { weight: 100 }]

/**
 * No version is ever slow: for scenarios about failures, as at weight 100 latency is compared with the past, and a machine that is busier
 * than it was is slow.
 */
const NEVER_SLOW = { floor: 99 }

/** What differs from a canary release of one endpoint by variant, two short steps and the default analysis of failures. */
export interface ScenarioOptions {
  /** Backends of a variant; default: one that is well. */
  stable?: BackendOptions[]
  canary?: BackendOptions[]
  release?: Section
  analysis?: Section
  rescue?: Section
  upstream?: Section
  sticky?: Section
  hooks?: Section[]
  /** Lines of the Proxy document. */
  proxy?: string
  load?: Partial<OpenLoopOptions>
  /** Requests before the load begins, as fast as they are answered: what serving is compared by. */
  warm?: number
  command?: readonly string[]
  env?: Record<string, string>
}

/** Two variants behind the program, as users run it, and clients that never stop asking. */
export class Scenario {
  program: Program
  readonly stable: Backend[]
  readonly canary: Backend[]
  readonly load: OpenLoop
  readonly config: string
  readonly #options: ScenarioOptions
  readonly #t: Test

  constructor(
    t: Test,
    program: Program,
    config: string,
    options: ScenarioOptions,
    backends: { stable: Backend[]; canary: Backend[] },
  ) {
    this.#t = t
    this.program = program
    this.config = config
    this.#options = options
    this.stable = backends.stable
    this.canary = backends.canary
    this.load = new OpenLoop({ port: program.ports.http, perSecond: PER_SECOND, ...options.load })
  }

  /** A verb of the API. */
  act(verb: string, body?: unknown): Promise<Answer> {
    return this.program.api('POST', `/v1/gates/default/shop/${verb}`, body)
  }

  /** `act`, and that it was done. */
  async done(verb: string, body?: unknown): Promise<void> {
    const answer = await this.act(verb, body)
    if (answer.status !== 200) throw new Error(`${verb}: ${answer.status} ${answer.body}`)
  }

  gate(): Promise<GateView> {
    return this.program.gate('shop')
  }

  until(wanted: (gate: GateView) => boolean): Promise<GateView> {
    return this.program.until('shop', wanted)
  }

  /** Waits until the release is in one of `phases`. */
  phase(...phases: Phase[]): Promise<GateView> {
    return this.until(({ release }) => release !== null && phases.includes(release.phase))
  }

  /** Waits until the release is over, however it ends. */
  over(): Promise<GateView> {
    return this.phase('Succeeded', 'RolledBack', 'Aborted')
  }

  /** The last release with its decisions. */
  async record(): Promise<ReleaseRecord> {
    const list = (await this.program.api('GET', '/v1/gates/default/shop/releases')).json() as {
      items: { id: string }[]
    }
    const { id } = list.items[0]!
    return (await this.program.api('GET', `/v1/gates/default/shop/releases/${id}`)).json() as ReleaseRecord
  }

  /** Requests that a variant's backends got so far. */
  arrived(variant: 'stable' | 'canary'): number {
    return this[variant].reduce((sum, { requests }) => sum + requests, 0)
  }

  /** Fails `t` if a request still begins on `variant`, whose weight is 0, within the next 150 answers. */
  async quiet(t: Test, variant: 'stable' | 'canary'): Promise<void> {
    const of = (gate: GateView) => gate.variants.find(({ name }) => name === variant)!
    t.equal(of(await this.gate()).weight, 0, `${variant} has weight 0`)
    await this.until((gate) => of(gate).inFlight === 0)
    const before = this.arrived(variant)
    await this.load.more(150)
    t.equal(this.arrived(variant), before, `no request begins on ${variant} any more`)
  }

  /** No client saw a failure so far; else the first ones are shown. */
  unharmed(t: Test, message = 'no user saw a failure'): void {
    const { failed } = this.load
    t.same(failed.slice(0, 3), [], failed.length === 0 ? message : `${message}: ${failed.length} did`)
  }

  /** A further backend of a variant; it ends with the test. */
  async backend(name: 'stable' | 'canary', options: BackendOptions): Promise<Backend> {
    const backend = await Backend.start({ name, ...options })
    this.#t.teardown(() => backend.close())
    return backend
  }

  /** A new process on the same folder; the load follows it. */
  async restart(): Promise<void> {
    this.program = await Program.start(this.program.dir, this.config, this.#options)
    this.load.moveTo(this.program.ports.http)
  }
}

/**
 * Starts all of a scenario; everything ends with `t`. The gate is called shop, its release begins with `done('start')`.
 * Clients and backends share this process: more than two scenarios at a time starve it where processors are few, and clients then wait for
 * the test rather than for the program.
 */
export async function scenario(t: Test, options: ScenarioOptions = {}): Promise<Scenario> {
  const start = (name: string, all: BackendOptions[] = [{}]) =>
    Promise.all(all.map((one) => Backend.start({ name, ...one })))
  const [stable, canary] = await Promise.all([start('stable', options.stable), start('canary', options.canary)])
  const config = configOf(
    gateDocument(stable, canary, options),
    `  accessLog: {enabled: false}\n${options.proxy ?? ''}`,
  )
  t.teardown(() => Promise.all([...stable, ...canary].map((backend) => backend.close())))
  const program = await Program.start(t.testdir({}), config, options)
  if (options.warm !== undefined)
    await autocannon({ url: `http://127.0.0.1:${program.ports.http}/`, connections: 10, amount: options.warm })
  const built = new Scenario(t, program, config, options, { stable, canary })
  t.teardown(async () => {
    const stopped = built.load.stop()
    await built.program.kill()
    await stopped
  })
  await built.load.more(20)
  return built
}

function gateDocument(stable: Backend[], canary: Backend[], options: ScenarioOptions): string {
  const { release, analysis, rescue, upstream, sticky, hooks } = options
  return JSON.stringify({
    apiVersion: 'streamgate.dev/v1alpha1',
    kind: 'Gate',
    metadata: { name: 'shop' },
    spec: {
      variants: [
        { name: 'stable', urls: stable.map(({ origin }) => origin) },
        { name: 'canary', urls: canary.map(({ origin }) => origin) },
      ],
      release: {
        serving: 'stable',
        candidate: 'canary',
        trigger: 'Manual',
        steps: [
          { weight: 25, minDuration: '1s' },
          { weight: 100, minDuration: '1s' },
        ],
        bake: '1s',
        ...release,
      },
      ...Object.fromEntries(
        Object.entries({ analysis: { latency: NEVER_SLOW, ...analysis }, rescue, upstream, sticky, hooks }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
    },
  })
}
