/** A sample application as Kubernetes objects. It runs in StreamGate's own image, which has Node, so no other is needed. */

/** A Kubernetes object, as far as the harness looks at it. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

/** Documents for `Cluster.apply`. */
export const list = (...items: KubeObject[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

export interface SampleOptions {
  name: string
  namespace: string
  image: string
  /** Default 2. */
  replicas?: number
  /** What its answers tell. Default `v1`. */
  version?: string
}

/** What the sample answers. */
export interface SampleAnswer {
  pod: string
  version: string
  url: string
}

/** Port on which the sample and its Service listen. */
export const SAMPLE_PORT = 8000

/** Answers every path with a SampleAnswer, `/healthz` for the probes; ends on SIGTERM when its requests are answered. */
const SERVER = `
import { createServer } from 'node:http'
const { POD: pod, VERSION: version, PORT: port } = process.env
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ pod, version, url: request.url }))
})
server.listen(Number(port))
process.once('SIGTERM', () => server.close(() => process.exit(0)))
`

/** Security settings of the namespace policy `restricted`; the image says which user it is. */
export const RESTRICTED = {
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

/** The sample: a Deployment with probes, a Service of the same name, and the program in a ConfigMap. */
export function sample(options: SampleOptions): KubeObject[] {
  const { name, namespace, image, replicas = 2, version = 'v1' } = options
  const metadata = { name, namespace }
  const labels = { app: name }
  const probe = { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 2, failureThreshold: 15 }
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '/app-source/server.mjs'],
    env: [
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'VERSION', value: version },
      { name: 'PORT', value: String(SAMPLE_PORT) },
    ],
    ports: [{ name: 'http', containerPort: SAMPLE_PORT }],
    livenessProbe: probe,
    readinessProbe: { ...probe, periodSeconds: 1 },
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '256Mi' } },
    securityContext: RESTRICTED,
    volumeMounts: [{ name: 'source', mountPath: '/app-source' }],
  }
  const pod = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 10,
    containers: [container],
    volumes: [{ name: 'source', configMap: { name } }],
  }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'server.mjs': SERVER } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'http', port: SAMPLE_PORT, targetPort: 'http' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    },
  ]
}
