import type { EndpointSpec } from '../proxy/index.ts'
import type { EndpointSlice, Service, SliceEndpoint, SlicePort } from './services.ts'

/** An endpoint before it has a slot. */
export type Place = Omit<EndpointSpec, 'slot'>

/** What a variant asks for. */
export interface ServicePort {
  namespace: string
  name: string
  /** A port of the Service, by number or name. */
  port: number | string
}

/** Endpoints of one variant. */
export interface ServicePlaces {
  /** Those that get requests: ready and not terminating; one a pod, sorted by name. */
  places: Place[]
  /** Pods that are there but get nothing new: not ready, or terminating. */
  notReady: number
  /** Of those, the ones that terminate: their running requests finish. */
  draining: number
  /** Why there are none, or fewer than there should be; for the Gate's condition. */
  problem?: string
}

/** One pod (or address), from all slices and families in which it stands. */
interface Found {
  place: Place
  family: 'IPv4' | 'IPv6'
  ready: boolean
  terminating: boolean
}

/**
 * What the slices of a Service say at this moment. Pure. `service` undefined: it was not seen (yet).
 *
 * A pod that terminates gets nothing new from the moment its slice says so, also where no other one is left: what
 * happens then is for `whenEmpty` and the release to say. Hints of topology are not followed: shares must be true, and the
 * balancing is ours. With `publishNotReadyAddresses` the slices say ready of every pod; terminating still wins.
 */
export function placesOfService(
  want: ServicePort,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): ServicePlaces {
  const key = `${want.namespace}/${want.name}`
  const preferred = service?.spec?.ipFamilies?.[0]
  const port = portWanted(want, service)
  if (port === undefined) {
    const known = (service?.spec?.ports ?? []).map(({ name, port }) => (name ? `${name} (${port})` : String(port)))
    return empty(`Service ${key} has no port ${want.port}; it has: ${known.join(', ') || 'none'}`)
  }
  const found = new Map<string, Found>()
  let elsewhere = 0
  let named = 0
  for (const slice of slices) {
    const family = slice.addressType
    // A name is no endpoint that can be told from others: kube-proxy passes these over too.
    if (family === 'FQDN') {
      named += slice.endpoints?.length ?? 0
      continue
    }
    const at = matchPort(port, slice.ports ?? [])
    for (const endpoint of slice.endpoints ?? []) {
      if (at === undefined) elsewhere++
      else add(found, placed(endpoint, family, at, want), preferred)
    }
  }
  const all = [...found.values()]
  const usable = all.filter(({ ready, terminating }) => ready && !terminating)
  const places = usable.map(({ place }) => place).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const draining = all.filter(({ terminating }) => terminating).length
  const result = { places, notReady: all.length - usable.length, draining }
  const problem = problemOf(want, service, slices, result, elsewhere, named)
  return problem === undefined ? result : { ...result, problem }
}

/** How a port is recognised in a slice: slices name the Service's port and number the pods'. */
type PortMatch = { by: 'name'; name: string; appProtocol?: string | undefined } | { by: 'number'; port: number }

function portWanted(want: ServicePort, service: Service | undefined): PortMatch | undefined {
  const ports = (service?.spec?.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP')
  if (service === undefined) {
    // Without the Service a number cannot be translated: where the pods listen on the same one it is right.
    return typeof want.port === 'string' ? { by: 'name', name: want.port } : { by: 'number', port: want.port }
  }
  const port = ports.find((one) => (typeof want.port === 'string' ? one.name === want.port : one.port === want.port))
  return port && { by: 'name', name: port.name ?? '', appProtocol: port.appProtocol }
}

function matchPort(wanted: PortMatch, ports: readonly SlicePort[]): { port: number; tls: boolean } | undefined {
  const tcp = ports.filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
  const match =
    wanted.by === 'name'
      ? tcp.find(({ name }) => (name ?? '') === wanted.name)
      : (tcp.find(({ port }) => port === wanted.port) ?? (tcp.length === 1 ? tcp[0] : undefined))
  if (typeof match?.port !== 'number') return undefined
  const appProtocol = (wanted.by === 'name' ? wanted.appProtocol : undefined) ?? match.appProtocol
  return { port: match.port, tls: appProtocol?.toLowerCase() === 'https' }
}

function placed(
  endpoint: SliceEndpoint,
  family: 'IPv4' | 'IPv6',
  { port, tls }: { port: number; tls: boolean },
  { namespace, name }: ServicePort,
): Found & { key: string } {
  // The addresses of one endpoint are interchangeable; only the first is ever set.
  const address = endpoint.addresses[0] ?? ''
  const authority = `${family === 'IPv6' ? `[${address}]` : address}:${port}`
  const { targetRef, conditions = {} } = endpoint
  const pod = targetRef?.kind === 'Pod' ? (targetRef.uid ?? targetRef.name) : undefined
  return {
    // Dual-stack: the same pod stands in the slices of both families. The port tells two containers of a pod apart.
    key: pod === undefined ? authority : `${pod}:${port}`,
    family,
    place: {
      name: targetRef?.name ?? authority,
      origin: `${tls ? 'https' : 'http'}://${authority}`,
      basePath: '',
      ...(tls ? { serverName: `${name}.${namespace}.svc` } : {}),
    },
    // API conventions of the slices: unknown means ready, and what is unknown of terminating is false.
    ready: conditions.ready ?? true,
    terminating: conditions.terminating ?? false,
  }
}

/** While slices are moved around an endpoint stands in two of them, which may be of different age. */
function add(found: Map<string, Found>, next: Found & { key: string }, preferred: 'IPv4' | 'IPv6' = 'IPv4'): void {
  const { key, ...one } = next
  const known = found.get(key)
  if (known === undefined) {
    found.set(key, one)
    return
  }
  // A pod never comes back from terminating, so whoever says it knows more.
  known.terminating ||= one.terminating
  if (known.family === one.family) known.ready ||= one.ready
  else if (one.family === preferred) {
    known.place = one.place
    known.family = one.family
    known.ready = one.ready
  }
}

function problemOf(
  want: ServicePort,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  { places, notReady }: Omit<ServicePlaces, 'problem'>,
  elsewhere: number,
  named: number,
): string | undefined {
  const key = `${want.namespace}/${want.name}`
  if (elsewhere > 0) return `${elsewhere} endpoints of Service ${key} do not have port ${want.port}`
  if (places.length > 0) return undefined
  if (notReady > 0) return `none of the ${notReady} pods of Service ${key} is ready`
  if (named > 0) return `Service ${key} has endpoints by name, which are not supported: give their URLs`
  if (service === undefined && slices.length === 0) return `there is no Service ${key}`
  return `Service ${key} has no pods`
}

const empty = (problem: string): ServicePlaces => ({ places: [], notReady: 0, draining: 0, problem })
