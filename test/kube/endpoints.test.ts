import fc from 'fast-check'
import t from 'tap'
import {
  type EndpointSlice,
  keepSlice,
  placesOfService,
  type Service,
  type SliceEndpoint,
  serviceOf,
} from '../../src/kube/index.ts'

const want = { namespace: 'shop', name: 'web', port: 'http' as string | number }

const service = (spec: NonNullable<Service['spec']> = {}): Service => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec: { ports: [{ name: 'http', port: 80 }], ...spec },
})

const pod = (name: string, address: string, conditions: SliceEndpoint['conditions'] = { ready: true }) => ({
  addresses: [address],
  conditions,
  targetRef: { kind: 'Pod', name, uid: `uid-${name}` },
})

const slice = (endpoints: SliceEndpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  metadata: { namespace: 'shop', name: 'web-abc', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints,
  ...more,
})

const origins = (slices: EndpointSlice[], of: Service | undefined = service(), ask = want) =>
  placesOfService(ask, of, slices).places.map(({ origin }) => origin)

t.test('ready pods of all slices, sorted by name', async (t) => {
  const slices = [slice([pod('b', '10.0.0.2')]), slice([pod('a', '10.0.0.1')])]
  t.same(placesOfService(want, service(), slices), {
    places: [
      { name: 'a', origin: 'http://10.0.0.1:8080', basePath: '' },
      { name: 'b', origin: 'http://10.0.0.2:8080', basePath: '' },
    ],
    notReady: 0,
    draining: 0,
  })
})

t.test('a pod that is not ready or terminates gets nothing new, even where it is the last', async (t) => {
  const slices = [
    slice([
      pod('ready', '10.0.0.1', { ready: true, serving: true, terminating: false }),
      pod('starting', '10.0.0.2', { ready: false, serving: false, terminating: false }),
      pod('leaving', '10.0.0.3', { ready: false, serving: true, terminating: true }),
    ]),
  ]
  const { places, notReady, draining } = placesOfService(want, service(), slices)
  t.same([places.map(({ name }) => name), notReady, draining], [['ready'], 2, 1])
  const last = placesOfService(want, service(), [
    slice([pod('leaving', '10.0.0.3', { ready: false, serving: true, terminating: true })]),
  ])
  t.match(last, { places: [], draining: 1, problem: 'none of the 1 pods of Service shop/web is ready' })
})

t.test(
  'unknown conditions mean ready; publishNotReadyAddresses makes all ready but those that terminate',
  async (t) => {
    t.equal(origins([slice([{ addresses: ['10.0.0.1'] }])]).length, 1)
    t.equal(origins([slice([pod('a', '10.0.0.1', { ready: null, terminating: null })])]).length, 1)
    const published = [
      slice([
        pod('unready', '10.0.0.1', { ready: true, serving: false, terminating: false }),
        pod('leaving', '10.0.0.2', { ready: true, serving: true, terminating: true }),
      ]),
    ]
    t.same(origins(published), ['http://10.0.0.1:8080'])
  },
)

t.test('ports: by number and by name, unnamed, and those of each pod', async (t) => {
  const two = service({
    ports: [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  })
  const ports = [
    { name: 'admin', port: 9000 },
    { name: 'http', port: 8080 },
    { name: 'dns', port: 5353, protocol: 'UDP' },
  ]
  const one = slice([pod('a', '10.0.0.1')], { ports })
  t.same(origins([one], two, { ...want, port: 80 }), ['http://10.0.0.1:8080'], "the Service's number, not the pod's")
  t.same(origins([one], two, { ...want, port: 'admin' }), ['http://10.0.0.1:9000'])
  t.equal(
    placesOfService({ ...want, port: 8080 }, two, [one]).problem,
    'Service shop/web has no port 8080; it has: http (80), admin (81), dns (53)',
  )
  t.match(placesOfService({ ...want, port: 'dns' }, two, [one]).problem, /has no port dns/, 'UDP is no port for HTTP')
  // A named target port leads to different numbers while a rollout changes it.
  const next = slice([pod('b', '10.0.0.2')], { ports: [{ name: 'http', port: 3000 }] })
  t.same(origins([one, next], two), ['http://10.0.0.1:8080', 'http://10.0.0.2:3000'])
  const unnamed = slice([pod('a', '10.0.0.1')], { ports: [{ name: '', port: 8080 }] })
  t.same(origins([unnamed], service({ ports: [{ port: 80 }] }), { ...want, port: 80 }), ['http://10.0.0.1:8080'])
  const half = placesOfService(want, service(), [one, slice([pod('c', '10.0.0.3')], { ports: [] })])
  t.equal(half.places.length, 1)
  t.equal(half.problem, '1 endpoints of Service shop/web do not have port http')
})

t.test('without the Service a name is enough, and a number where it is the only one or the same', async (t) => {
  const one = slice([pod('a', '10.0.0.1')])
  t.same(origins([one], undefined), ['http://10.0.0.1:8080'])
  t.same(placesOfService({ ...want, port: 80 }, undefined, [one]).places.length, 1)
  const two = slice([pod('a', '10.0.0.1')], {
    ports: [
      { name: 'x', port: 8080 },
      { name: 'y', port: 80 },
    ],
  })
  t.same(placesOfService({ ...want, port: 80 }, undefined, [two]).places[0]?.origin, 'http://10.0.0.1:80')
  t.equal(placesOfService(want, undefined, []).problem, 'there is no Service shop/web')
  t.equal(placesOfService(want, service(), []).problem, 'Service shop/web has no pods')
})

t.test('dual-stack: one endpoint a pod, of the family that the Service prefers', async (t) => {
  const slices = [
    slice([pod('a', '10.0.0.1'), pod('b', '10.0.0.2')]),
    slice([pod('a', 'fd00::1'), pod('b', 'fd00::2')], { addressType: 'IPv6' }),
  ]
  for (const order of [slices, slices.toReversed()]) {
    t.same(origins(order), ['http://10.0.0.1:8080', 'http://10.0.0.2:8080'])
    t.same(origins(order, service({ ipFamilies: ['IPv6', 'IPv4'] })), [
      'http://[fd00::1]:8080',
      'http://[fd00::2]:8080',
    ])
  }
  t.same(origins([slices[1]!]), ['http://[fd00::1]:8080', 'http://[fd00::2]:8080'], 'single-stack IPv6')
})

t.test('while slices are moved a pod stands in two of them', async (t) => {
  const stale = slice([pod('a', '10.0.0.1'), pod('b', '10.0.0.2', { ready: false })])
  const fresh = slice([pod('a', '10.0.0.1', { ready: false, terminating: true }), pod('b', '10.0.0.2')])
  for (const order of [
    [stale, fresh],
    [fresh, stale],
  ]) {
    const { places, draining } = placesOfService(want, service(), order)
    t.same([places.map(({ name }) => name), draining], [['b'], 1])
  }
})

t.test('TLS by appProtocol, verified by the name of the Service; names are no endpoints', async (t) => {
  const https = service({ ports: [{ name: 'http', port: 443, appProtocol: 'https' }] })
  t.same(placesOfService(want, https, [slice([pod('a', '10.0.0.1')])]).places, [
    { name: 'a', origin: 'https://10.0.0.1:8080', basePath: '', serverName: 'web.shop.svc' },
  ])
  const named = slice([{ addresses: ['example.com'] }], { addressType: 'FQDN' })
  t.match(placesOfService(want, service(), [named]), { places: [], problem: /by name/ })
})

t.test('what is kept of a slice gives the same endpoints', async (t) => {
  const whole = {
    ...slice([{ ...pod('a', '10.0.0.1'), zone: 'z', hints: { forZones: [{ name: 'z' }] } } as SliceEndpoint]),
    apiVersion: 'discovery.k8s.io/v1',
  }
  whole.metadata.annotations = { long: 'text' }
  const kept = keepSlice(whole)
  t.same(origins([kept]), origins([whole]))
  t.equal(serviceOf(kept), 'shop/web')
  t.notMatch(JSON.stringify(kept), /hints|zone|annotations/)
})

t.test('no order of slices and endpoints changes the answer, and no pod is told twice', async () => {
  const endpoint = fc.record({
    id: fc.integer({ min: 0, max: 5 }),
    ready: fc.boolean(),
    terminating: fc.boolean(),
    six: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(endpoint, { maxLength: 12 }), fc.integer(), (all, seed) => {
      const slices = all.map(({ id, ready, terminating, six }) =>
        slice([pod(`p${id}`, six ? `fd00::${id}` : `10.0.0.${id}`, { ready, terminating })], {
          addressType: six ? 'IPv6' : 'IPv4',
        }),
      )
      const turn = slices.length === 0 ? 0 : Math.abs(seed) % slices.length
      const turned = [...slices.slice(turn), ...slices.slice(0, turn)].toReversed()
      const one = placesOfService(want, service(), slices)
      const other = placesOfService(want, service(), turned)
      const names = one.places.map(({ name }) => name)
      const leaving = new Set(all.filter(({ terminating }) => terminating).map(({ id }) => `p${id}`))
      return (
        JSON.stringify(one) === JSON.stringify(other) &&
        new Set(names).size === names.length &&
        !names.some((name) => leaving.has(name))
      )
    }),
    { seed: 7, numRuns: 300 },
  )
})
