import t from 'tap'
import { Cluster } from './support/cluster.ts'
import { type KubeObject, list, RESTRICTED, SAMPLE_PORT, type SampleAnswer, sample } from './support/sample.ts'

// That the harness's cluster is a cluster, and the image an image: what all other suites build on.
const NAMESPACE = 'streamgate-smoke'
const REPLICAS = 2
const REQUESTS = 20
const cluster = Cluster.current()
const foreign = cluster.places === undefined && 'the cluster is not ours'
const image = process.env.STREAMGATE_IMAGE ?? 'localhost/streamgate:test'

interface Items<T> {
  items: T[]
}
interface Node {
  metadata: { creationTimestamp: string }
  status: { conditions: { type: string; status: string; lastTransitionTime: string }[] }
}
interface Slice {
  endpoints: { addresses: string[]; conditions: { ready: boolean }; targetRef: { name: string } }[]
  ports: { name: string; port: number }[]
}

t.before(() => cluster.freshNamespace(NAMESPACE))
t.teardown(() => cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait=false'))

t.test('every node is ready, an own one within a minute', async (t) => {
  const { items } = await cluster.json<Items<Node>>('get', 'nodes')
  t.ok(items.length > 0)
  for (const { metadata, status } of items) {
    const ready = status.conditions.find(({ type }) => type === 'Ready')
    t.equal(ready?.status, 'True')
    if (!cluster.places) continue
    const seconds = (Date.parse(ready!.lastTransitionTime) - Date.parse(metadata.creationTimestamp)) / 1000
    t.ok(seconds < 60, `${seconds} s from registering to Ready`)
  }
})

t.test('a Deployment rolls out by its probes, and its Service answers', async (t) => {
  await cluster.apply(list(...sample({ name: 'shop', namespace: NAMESPACE, image, replicas: REPLICAS })))
  await cluster.rolledOut(NAMESPACE, 'deployment/shop')
  const answer = JSON.parse(await cluster.get(NAMESPACE, `services/shop:${SAMPLE_PORT}`, '/hello')) as SampleAnswer
  t.match(answer, { pod: /^shop-/, version: 'v1', url: '/hello' })
})

t.test('EndpointSlices list the pods', async (t) => {
  const endpoints = await endpointsOf('shop')
  const pods = (await cluster.kubectl('-n', NAMESPACE, 'get', 'pods', '-l', 'app=shop', '-o', 'name'))
    .trim()
    .split('\n')
  t.same(endpoints.map(({ pod }) => `pod/${pod}`).sort(), pods.sort())
  t.equal(pods.length, REPLICAS)
  t.ok(endpoints.every(({ ready, port }) => ready && port === SAMPLE_PORT))
})

t.test('the image runs as it should in production and proxies to pods and to a Service by URL', async (t) => {
  const endpoints = await endpointsOf('shop')
  const address = await cluster.kubectl('-n', NAMESPACE, 'get', 'service', 'shop', '-o', 'jsonpath={.spec.clusterIP}')
  await cluster.apply(
    list(
      ...streamgate(
        endpoints.map((endpoint) => `http://${endpoint.address}:${endpoint.port}`),
        address,
      ),
    ),
  )
  await cluster.kubectl('-n', NAMESPACE, 'wait', '--for=condition=Ready', 'pod/streamgate', '--timeout=120s')
  const answers: SampleAnswer[] = []
  for (let i = 0; i < REQUESTS; i++) {
    answers.push(JSON.parse(await cluster.get(NAMESPACE, 'pods/streamgate:8080', `/page/${i}`)) as SampleAnswer)
  }
  t.same(
    answers.map(({ url }) => url),
    answers.map((_, i) => `/page/${i}`),
  )
  t.ok(answers.every(({ pod }) => endpoints.some((endpoint) => endpoint.pod === pod)))
  const counts = await cluster.until(`${REQUESTS} requests counted`, async () => {
    const found = requestCounts(await cluster.get(NAMESPACE, 'pods/streamgate:9464', '/metrics'))
    return (found.pods ?? 0) + (found.service ?? 0) >= REQUESTS ? found : undefined
  })
  // 50 to 50, exact to within one request.
  t.ok(Math.abs(counts.pods! - REQUESTS / 2) <= 1, JSON.stringify(counts))
  t.equal(counts.pods! + counts.service!, REQUESTS)
})

t.test('pods serve on while the API server is away, and it comes back', { skip: foreign }, async (t) => {
  const [endpoint] = await endpointsOf('shop')
  const url = `http://${endpoint!.address}:${SAMPLE_PORT}/alone`
  await cluster.withoutApiServer(async () => {
    await t.rejects(cluster.kubectl('get', 'nodes', '--request-timeout=5s'))
    t.match(await (await fetch(url)).json(), { pod: endpoint!.pod, url: '/alone' })
  })
  t.equal((await endpointsOf('shop')).length, REPLICAS)
})

const bytes = process.env.STREAMGATE_IMAGE_BYTES
t.test('the image is under 110 MB compressed', { skip: bytes ? false : 'not built here' }, async (t) => {
  t.ok(Number(bytes) < 110e6, `${(Number(bytes) / 1e6).toFixed(1)} MB`)
})

/** Answers with status 200, by variant. */
function requestCounts(metrics: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [, labels, value] of metrics.matchAll(/^streamgate_requests_total\{(.*)\} (\d+)/gm)) {
    const label = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels!)?.[1] ?? ''
    if (label('code') === '200') counts[label('variant')] = Number(value)
  }
  return counts
}

async function endpointsOf(service: string) {
  const selector = `kubernetes.io/service-name=${service}`
  const { items } = await cluster.json<Items<Slice>>('-n', NAMESPACE, 'get', 'endpointslices', '-l', selector)
  return items.flatMap(({ endpoints, ports }) =>
    endpoints.map(({ addresses, conditions, targetRef }) => ({
      address: addresses[0]!,
      port: ports.find(({ name }) => name === 'http')?.port,
      ready: conditions.ready,
      pod: targetRef.name,
    })),
  )
}

/** A pod of the image whose configuration is a ConfigMap: half of the requests to the pods, half to the Service's address. */
function streamgate(urls: string[], address: string): KubeObject[] {
  const metadata = { name: 'streamgate', namespace: NAMESPACE }
  const configuration = [
    { apiVersion: 'streamgate.dev/v1alpha1', kind: 'Proxy', metadata: { name: 'edge' }, spec: { workers: 1 } },
    {
      apiVersion: 'streamgate.dev/v1alpha1',
      kind: 'Gate',
      metadata: { name: 'shop' },
      spec: {
        variants: [
          { name: 'pods', weight: 50, urls },
          { name: 'service', weight: 50, urls: [`http://${address}:${SAMPLE_PORT}`] },
        ],
      },
    },
  ]
  const files = Object.fromEntries(configuration.map((it) => [`${it.kind.toLowerCase()}.yaml`, JSON.stringify(it)]))
  const probe = (path: string) => ({ httpGet: { path, port: 9464 }, periodSeconds: 1, failureThreshold: 60 })
  const container = {
    name: 'streamgate',
    image,
    imagePullPolicy: 'IfNotPresent',
    livenessProbe: probe('/livez'),
    readinessProbe: probe('/readyz'),
    securityContext: RESTRICTED,
    volumeMounts: [
      { name: 'config', mountPath: '/etc/streamgate' },
      { name: 'state', mountPath: '/var/lib/streamgate' },
    ],
  }
  const spec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 5,
    containers: [container],
    volumes: [
      { name: 'config', configMap: { name: 'streamgate' } },
      { name: 'state', emptyDir: {} },
    ],
  }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: files },
    { apiVersion: 'v1', kind: 'Pod', metadata, spec },
  ]
}
