import type { Test } from 'tap'
import { type Clock, systemClock } from '../../../src/clock.ts'
import {
  advanceEpoch,
  type Block,
  CODE_MIN,
  createBlock,
  emptyVariantTotals,
  FAILURE_KINDS,
  type FailureKind,
  GateMeter,
  type GateTotals,
  type VariantTotals,
} from '../../../src/metrics/index.ts'
import type { FailureSample } from '../../../src/proxy/messages.ts'
import type { GateSpec, ListenerSpec, Snapshot, UpstreamSpec } from '../../../src/proxy/snapshot.ts'
import { WorkerHost } from '../../../src/proxy/worker-host.ts'
import { seededRandom } from '../../../src/random.ts'

/** A gate of one or two variants, by the origins of their endpoints. Weights in basis points. */
export interface TestGate {
  stable: readonly string[]
  canary?: readonly string[]
  /** The canary's weight; the rest is stable's. */
  canaryBps?: number
  observed?: boolean
  upstream?: Partial<UpstreamSpec>
  spec?: Partial<Omit<GateSpec, 'upstream' | 'block' | 'variants'>>
  workers?: number
}

export const UPSTREAM: UpstreamSpec = {
  connectTimeoutMs: 10_000,
  responseTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  retryAttempts: 1,
  retryOn: ['connect', 'reused-reset'],
  retryBudgetPercent: 20,
  loadBalancing: 'LeastRequest',
  consecutive5xx: 0,
  baseEjectionMs: 30_000,
  maxEjectedPercent: 50,
  maxRequests: 1024,
  protocol: 'HTTP1',
  tls: {},
}

/** A gate with its block; variant 0 is `stable` and serves, variant 1 is `canary` and the candidate. */
export function testGate(options: TestGate): GateSpec & { memory: Block } {
  const { stable, canary, canaryBps = 0, observed = false, workers = 1 } = options
  let slot = 0
  const endpoints = (origins: readonly string[]) =>
    origins.map((origin) => ({ name: origin.slice(7), origin, basePath: '', slot: slot++ }))
  const variants = [{ name: 'stable', whenEmpty: 'Fail' as const, endpoints: endpoints(stable) }]
  if (canary) variants.push({ name: 'canary', whenEmpty: 'Fail', endpoints: endpoints(canary) })
  const memory = createBlock({ workers, variants: variants.length, endpoints: Math.max(slot, 1) })
  advanceEpoch(memory, {
    weightsBps: canary ? [10_000 - canaryBps, canaryBps] : [10_000],
    observed,
    candidate: canary ? 1 : -1,
    serving: 0,
    salt: 1,
  })
  return {
    key: 'default/shop',
    block: memory.ref,
    variants,
    failureOn: FAILURE_KINDS,
    overrides: [],
    rescue: { enabled: true, methods: ['GET', 'HEAD', 'OPTIONS'], maxBodyBytes: 0, budgetPercent: 100 },
    mirror: { percent: 0, maxBodyBytes: 65_536 },
    ...options.spec,
    upstream: { ...UPSTREAM, ...options.upstream },
    memory,
  }
}

export const HTTP: ListenerSpec = {
  name: 'http',
  host: '127.0.0.1',
  port: 0,
  protocol: 'HTTP',
  redirectHttps: false,
  proxyProtocol: false,
  certificates: [],
}

/** A snapshot of one gate for every host, unless `over` says otherwise. */
export function testSnapshot(gate: GateSpec | undefined, over: Partial<Snapshot> = {}): Snapshot {
  return {
    version: 1,
    listeners: [HTTP],
    trustedProxies: [],
    limits: {
      maxHeaderBytes: 16_384,
      maxHeaders: 100,
      maxBodyBytes: 0,
      maxConnections: 1000,
      maxConnectionsPerClient: 0,
    },
    timeouts: { headerMs: 10_000, idleMs: 75_000, maxConnectionAgeMs: 0, drainMs: 30_000 },
    accessLog: { enabled: true, sample: 100 },
    routes: gate ? [{ pathPrefix: '/', gate: 0 }] : [],
    gates: gate ? [withoutMemory(gate)] : [],
    ...over,
  }
}

function withoutMemory(gate: GateSpec): GateSpec {
  const { memory: _, ...spec } = gate as GateSpec & { memory?: Block }
  return spec
}

/** A worker's host in this thread, serving on a free port. */
export class TestProxy {
  readonly host: WorkerHost
  /** The access log, as JSON. */
  readonly lines: Record<string, unknown>[] = []
  readonly samples: FailureSample[] = []
  readonly errors: unknown[] = []
  #wake: (() => void)[] = []

  private constructor(clock: Clock) {
    this.host = new WorkerHost({
      index: 0,
      clock,
      random: seededRandom(7),
      openSink: () => ({
        chunkBytes: 65_536,
        write: (chunk) => {
          for (const line of chunk.split('\n')) if (line !== '') this.lines.push(JSON.parse(line))
          for (const wake of this.#wake.splice(0)) wake()
          return 'done' as const
        },
        close() {},
      }),
      onSample: (sample) => this.samples.push(sample),
      onError: (error) => this.errors.push(error),
    })
  }

  /** Starts it; closed at the end of the test, which fails if the proxy met a fault of its own. */
  static async start(
    t: Test,
    gate: GateSpec | undefined,
    over: Partial<Snapshot> = {},
    clock: Clock = systemClock,
  ): Promise<TestProxy> {
    const proxy = new TestProxy(clock)
    const failed = await proxy.host.apply(testSnapshot(gate, over), {})
    if (failed.length > 0) throw new Error(JSON.stringify(failed))
    t.teardown(async () => {
      await proxy.host.close()
      if (proxy.errors.length > 0) throw new Error('a fault of the proxy itself', { cause: proxy.errors[0] })
    })
    return proxy
  }

  get port(): number {
    return this.portOf('http')
  }

  portOf(name: string): number {
    return this.host.bound.find((bound) => bound.name === name)!.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Waits until the access log has `count` lines; they are written within a tenth of a second. */
  async logged(count: number): Promise<Record<string, unknown>[]> {
    while (this.lines.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.lines
  }
}

/** What the gate counted so far. */
export function totals(gate: { memory: Block; variants: GateSpec['variants'] }): {
  gate: GateTotals
  stable: VariantTotals
  canary: VariantTotals
} {
  const names = gate.variants.map(({ name }) => name)
  const meter = new GateMeter(gate.memory, names)
  meter.read()
  return { gate: meter.gate, stable: meter.variant('stable')!, canary: meter.variant('canary') ?? emptyVariantTotals() }
}

/** How many of a variant's attempts failed with a kind. */
export const failuresOf = (variant: VariantTotals, kind: FailureKind): number =>
  variant.failures[FAILURE_KINDS.indexOf(kind)]!

/** How many requests ended with a status. */
export const codesOf = (variant: VariantTotals, status: number): number => variant.codes[status - CODE_MIN]!
