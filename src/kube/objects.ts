/** Objects of the Kubernetes API, as far as they are used here. Pure. */

/** Standard object metadata. */
export interface ObjectMeta {
  name: string
  /** Absent for cluster-wide objects. */
  namespace?: string
  uid?: string
  /** Opaque: compared for equality alone. */
  resourceVersion?: string
  /** Grows with every change of the spec; a change of the status or of metadata leaves it. */
  generation?: number
  /** RFC 3339. */
  creationTimestamp?: string
  /** Set: the object is being deleted. */
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
}

/** Any object; its kind's own fields come with the type parameter of the call that gets it. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** A condition of a status. */
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  observedGeneration?: number
  /** RFC 3339; when `status` changed last. */
  lastTransitionTime: string
  /** CamelCase. */
  reason: string
  message: string
}

/** A kind of objects and where the API has it. */
export interface Resource {
  /** '' = the core group. */
  group: string
  version: string
  plural: string
  kind: string
}

/** Names an object; without a namespace a cluster-wide one. */
export interface ObjectRef {
  namespace?: string | undefined
  name: string
}

const resource = (group: string, version: string, plural: string, kind: string): Resource => ({
  group,
  version,
  plural,
  kind,
})

/** Every kind that StreamGate reads or writes; the RBAC manifests list the same. */
export const GATES = resource('streamgate.dev', 'v1alpha1', 'gates', 'Gate')
export const CONFIG_MAPS = resource('', 'v1', 'configmaps', 'ConfigMap')
export const SECRETS = resource('', 'v1', 'secrets', 'Secret')
export const SERVICES = resource('', 'v1', 'services', 'Service')
export const PODS = resource('', 'v1', 'pods', 'Pod')
export const ENDPOINT_SLICES = resource('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice')
export const DEPLOYMENTS = resource('apps', 'v1', 'deployments', 'Deployment')
export const REPLICA_SETS = resource('apps', 'v1', 'replicasets', 'ReplicaSet')
export const AUTOSCALERS = resource('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler')
export const LEASES = resource('coordination.k8s.io', 'v1', 'leases', 'Lease')
export const EVENTS = resource('events.k8s.io', 'v1', 'events', 'Event')
export const TOKEN_REVIEWS = resource('authentication.k8s.io', 'v1', 'tokenreviews', 'TokenReview')
export const ACCESS_REVIEWS = resource('authorization.k8s.io', 'v1', 'subjectaccessreviews', 'SubjectAccessReview')

/** `gates.streamgate.dev`, `services`: as kubectl and errors name it. */
export const resourceName = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`)

/** `streamgate.dev/v1alpha1`, `v1`. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`)

/** Path of a collection (no name) or of an object. */
export function pathOf(of: Resource, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = of.group === '' ? '/api' : `/apis/${of.group}`
  const parts = [root, of.version]
  if (namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace))
  parts.push(of.plural)
  if (name !== undefined) parts.push(encodeURIComponent(name))
  if (subresource !== undefined) parts.push(subresource)
  return parts.join('/')
}

/** `namespace/name`. */
export const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`
