import { setImmediate as nextTurn } from 'node:timers/promises'
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import { GATE_SERIES, type LabelledGate, labelGate } from './gate-series.ts'
import type { MeteredGate } from './metered-gate.ts'
import { METRICS, type MetricKey } from './names.ts'
import { prefersOpenMetrics } from './negotiate.ts'
import { ReleaseSeries } from './release-series.ts'
import type { ReleaseTelemetry } from './release-telemetry.ts'
import { type Series, sample } from './series.ts'

export interface RegistryOptions {
  clock: Clock
  /** StreamGate's version, for `streamgate_build_info`. */
  version: string
}

/** An answer to a scrape. */
export interface Exposition {
  contentType: string
  body: string
}

/** What prom-client needs of a metric: its samples, read when asked. */
interface ReadMetric {
  name: string
  help: string
  type: string
  get(): Promise<{ name: string; help: string; type: string; values: readonly object[] }>
}

/**
 * All metrics of the process. Samples are read off the gates' meters when somebody scrapes; nothing is done a request.
 * What belongs to a gate appears when it is added and vanishes when it is removed.
 */
export class MetricsRegistry {
  readonly #clock: Clock
  readonly #text = new Registry()
  readonly #open = new Registry()
  readonly #gates = new Map<string, LabelledGate>()
  readonly #releases = new ReleaseSeries()
  readonly #build: Record<string, string>
  #reloadSuccess = true

  constructor({ clock, version }: RegistryOptions) {
    this.#clock = clock
    this.#open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    this.#build = { version, node: process.versions.node }
    for (const key of Object.keys(METRICS) as MetricKey[]) register(this.#text, this.#metric(key))
    // The default precision of 10 ms wakes an idle process a hundred times a second.
    collectDefaultMetrics({ register: this.#text, eventLoopMonitoringPrecision: 100 })
    for (const metric of this.#text.getMetricsAsArray())
      register(this.#open, openMetric(metric as unknown as ReadMetric))
  }

  /** Where the controller tells about releases. */
  get release(): ReleaseTelemetry {
    return this.#releases
  }

  /** Adds a gate, or takes the place of the one with the same key. */
  addGate(gate: MeteredGate): void {
    this.#gates.set(gate.key, labelGate(gate))
    if (gate.strategy === undefined) this.#releases.remove(gate.key)
    else this.#releases.add(gate.key, gate.strategy)
  }

  removeGate(key: string): void {
    this.#gates.delete(key)
    this.#releases.remove(key)
  }

  setReloadSuccess(success: boolean): void {
    this.#reloadSuccess = success
  }

  /** Everything as text; OpenMetrics where the Accept header prefers it. Leaves the thread to others between two metrics. */
  async scrape(accept = ''): Promise<Exposition> {
    for (const { gate } of this.#gates.values()) gate.meter.read()
    const open = prefersOpenMetrics(accept)
    const registry = open ? this.#open : this.#text
    const parts: string[] = []
    for (const { name } of registry.getMetricsAsArray() as unknown as ReadMetric[]) {
      parts.push(await registry.getSingleMetricAsString(name))
      await nextTurn()
    }
    const body = open ? `${parts.join('\n')}\n# EOF\n` : `${parts.join('\n\n')}\n`
    return { contentType: registry.contentType, body }
  }

  #metric(key: MetricKey): ReadMetric {
    const [name, type, help] = METRICS[key]
    return { name, type, help, get: async () => ({ name, type, help, values: this.#read(key) }) }
  }

  #read(key: MetricKey): Series[] {
    if (key === 'reload') return [sample({}, this.#reloadSuccess ? 1 : 0)]
    if (key === 'build') return [sample(this.#build, 1)]
    const read = GATE_SERIES[key]
    if (!read) return this.#releases.read(key) ?? []
    const nowMs = this.#clock.nowMs()
    const series: Series[] = []
    for (const gate of this.#gates.values()) for (const each of read(gate, nowMs)) series.push(each)
    return series
  }
}

/**
 * The same metric under the name that OpenMetrics wants: a counter's family has no `_total`, its samples do. (prom-client
 * would rename the metric itself, for good, so that the next plain scrape is wrong.)
 */
function openMetric(metric: ReadMetric): ReadMetric {
  const { name, help, type } = metric
  return {
    name,
    help,
    type,
    async get() {
      const read = await metric.get()
      return read.type === 'counter' ? { ...read, name: read.name.replace(/_total$/, '') } : read
    },
  }
}

const register = (registry: Registry, metric: ReadMetric): void => registry.registerMetric(metric as unknown as Metric)
