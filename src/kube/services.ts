import type { KubeObject } from './objects.ts'

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
  }
}

/** Label of a slice that names its Service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** `namespace/name` of a slice's Service; undefined: it belongs to none. */
export function serviceOf({ metadata }: KubeObject): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL]
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`
}

/** What is kept of a slice: half of a slice is what nobody here reads. */
export function keepSlice(object: KubeObject): EndpointSlice {
  const { metadata, addressType, endpoints, ports } = object as EndpointSlice
  const service = metadata.labels?.[SERVICE_NAME_LABEL]
  return {
    metadata: {
      ...identityOf(metadata),
      ...(service === undefined ? {} : { labels: { [SERVICE_NAME_LABEL]: service } }),
    },
    addressType,
    ports: ports ?? null,
    endpoints: (endpoints ?? []).map(({ addresses, conditions, targetRef }) => ({
      addresses,
      ...(conditions === undefined ? {} : { conditions }),
      ...(targetRef === undefined
        ? {}
        : {
            targetRef: {
              ...(targetRef.kind && { kind: targetRef.kind }),
              ...(targetRef.name && { name: targetRef.name }),
              ...(targetRef.uid && { uid: targetRef.uid }),
            },
          }),
    })),
  }
}

/** What is kept of a Service. */
export function keepService(object: KubeObject): Service {
  const { metadata, spec } = object as Service
  return {
    metadata: identityOf(metadata),
    spec: {
      ...(spec?.ipFamilies && { ipFamilies: spec.ipFamilies }),
      ports: (spec?.ports ?? []).map(({ name, port, protocol, appProtocol }) => ({
        port,
        ...(name && { name }),
        ...(protocol && { protocol }),
        ...(appProtocol && { appProtocol }),
      })),
    },
  }
}

const identityOf = ({ name, namespace, uid, resourceVersion }: KubeObject['metadata']): KubeObject['metadata'] => ({
  name,
  ...(namespace && { namespace }),
  ...(uid && { uid }),
  ...(resourceVersion && { resourceVersion }),
})
