import type { ActionResult, GateService, GateView, VariantView } from '../admin/index.ts'
import type { Clock } from '../clock.ts'
import type { ControllerSurface, Result } from '../controller/index.ts'
import { countEndpoints } from '../metrics/index.ts'
import type { Gate } from './gate.ts'
import type { GateDirectory } from './gate-directory.ts'

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/** What the admin API shows and does: the controller's knowledge and the meters' numbers, joined. */
export function gateService(
  directory: GateDirectory,
  controller: ControllerSurface,
  clock: Clock,
  version: GateService['version'],
): GateService {
  const view = (gate: Gate): GateView | undefined => {
    const control = controller.view(gate.key)
    if (control === undefined) return undefined
    const [namespace, name] = gate.key.split('/') as [string, string]
    return {
      namespace,
      name,
      strategy: control.strategy,
      serving: control.serving,
      candidate: control.candidate,
      variants: gate.names.map((one, index) => variantView(gate, index, control.weights[one] ?? 0, clock)),
      release: control.release,
    }
  }
  const get = (namespace: string, name: string): GateView | undefined => {
    const gate = directory.get(`${namespace}/${name}`)
    return gate && view(gate)
  }
  const after = (namespace: string, name: string, result: Result): ActionResult => {
    if (!result.ok) return result
    const gate = get(namespace, name)
    if (gate === undefined) return { ok: false, status: 404, code: 'no-such-gate', detail: 'the gate was removed' }
    return { ok: true, message: result.message, gate }
  }
  return {
    list: () => directory.all().flatMap((gate) => view(gate) ?? []),
    get,
    async setWeights(namespace, name, weights, options) {
      return after(namespace, name, await controller.setWeights(`${namespace}/${name}`, weights, options))
    },
    async act(namespace, name, verb, body, who) {
      return after(namespace, name, await controller.command(`${namespace}/${name}`, verb, body, who))
    },
    releases: (namespace, name) => controller.releases(`${namespace}/${name}`),
    release: (namespace, name, id) => controller.release(`${namespace}/${name}`, id),
    subscribe: (listener) =>
      controller.subscribe((event) => {
        const [namespace, name] = event.key.split('/') as [string, string]
        if (event.type === 'gate') listener({ type: 'gate', namespace, name })
        else listener({ type: 'decision', decision: { ...event.decision, namespace, name, release: event.release } })
      }),
    version,
  }
}

function variantView(gate: Gate, index: number, weight: number, clock: Clock): VariantView {
  const name = gate.names[index]!
  const stats = gate.stats.stats(name)
  const totals = gate.meter.variant(name)
  const endpoints = gate.endpoints[index] ?? []
  const { ready } = countEndpoints(
    gate.block,
    endpoints.map(({ slot }) => slot),
    clock.nowMs(),
  )
  return {
    name,
    weight,
    share: round(stats.share ?? 0, 2),
    requestsPerSecond: round(stats.requestsPerSecond, 1),
    errorRate: round(stats.errorRate, 2),
    latencyMs: stats.latencyMs,
    inFlight: totals?.inFlight ?? 0,
    requests: totals?.offered ?? 0,
    failures: totals?.failed ?? 0,
    endpoints: { ready, total: endpoints.length },
  }
}
