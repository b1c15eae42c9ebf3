import { suggest } from '../config/suggest.ts'
import { problem } from './problem.ts'
import type { GateService } from './service.ts'
import type { GateView, ReleaseRecord, ReleaseSummary } from './views.ts'

/** The gate, or a 404 that says what may have been meant. */
export function findGate(service: GateService, namespace: string, name: string): GateView {
  const gate = service.get(namespace, name)
  if (gate) return gate
  throw problem('gate-not-found', `No gate ${namespace}/${name}.${meant(namespace, name, service.list())}`)
}

/** The history, or a 404 of the gate. */
export function findReleases(service: GateService, namespace: string, name: string): ReleaseSummary[] {
  const gate = findGate(service, namespace, name)
  return service.releases(gate.namespace, gate.name) ?? []
}

/** The release, or a 404 that says whether the gate or the release is unknown. */
export function findRelease(service: GateService, namespace: string, name: string, id: string): ReleaseRecord {
  const release = service.release(namespace, name, id)
  if (release) return release
  findGate(service, namespace, name)
  throw problem('release-not-found', `No release ${id} of gate ${namespace}/${name}: the last 100 are kept.`)
}

/** ` Did you mean default/shop?`, or the names that there are while they are few. */
function meant(namespace: string, name: string, gates: readonly GateView[]): string {
  if (gates.length === 0) return ' No gate is configured.'
  const beside = gates.filter((gate) => gate.namespace === namespace).map((gate) => gate.name)
  const near = suggest(name, beside)
  if (near !== undefined) return ` Did you mean ${namespace}/${near}?`
  const elsewhere = gates.find((gate) => gate.name === name)
  if (elsewhere) return ` Did you mean ${elsewhere.namespace}/${name}?`
  return gates.length <= 5 ? ` Gates: ${gates.map((gate) => `${gate.namespace}/${gate.name}`).join(', ')}.` : ''
}
