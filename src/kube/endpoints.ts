import type { EndpointSpec } from '../proxy/index.ts'
import type { KubeObject } from './objects.ts'

/** An endpoint before it has a slot. */
export type Place = Omit<EndpointSpec, 'slot'>

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice extends KubeObject {
  addressType: 'IPv4' | 'IPv6' | 'FQDN'
  endpoints?: SliceEndpoint[] | null
  ports?: SlicePort[] | null
}

export interface SliceEndpoint {
  addresses: string[]
  conditions?: { ready?: boolean | null; serving?: boolean | null; terminating?: boolean | null }
  targetRef?: { kind?: string; name?: string; namespace?: string; uid?: string }
  hostname?: string
}

export interface SlicePort {
  name?: string | null
  port?: number | null
  protocol?: string | null
  appProtocol?: string | null
}

/** core/v1 Service, as far as it is used. */
export interface Service extends KubeObject {
  spec?: {
    ipFamilies?: ('IPv4' | 'IPv6')[]
    ports?: { name?: string; port: number; protocol?: string; appProtocol?: string }[]
    publishNotReadyAddresses?: boolean
  }
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

/** Label of a slice that names its Service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** What the slices of a Service say at this moment. `service` undefined: not seen (yet). */
export declare function placesOfService(
  want: { namespace: string; name: string; port: number | string },
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): ServicePlaces
