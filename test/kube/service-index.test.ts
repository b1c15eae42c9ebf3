import t from 'tap'
import { type EndpointSlice, type Service, ServiceIndex } from '../../src/kube/index.ts'

const want = { namespace: 'shop', name: 'web', port: 80 }
const service: Service = { metadata: { namespace: 'shop', name: 'web' }, spec: { ports: [{ name: 'http', port: 80 }] } }
const slice = (name: string, address: string, of = 'web'): EndpointSlice => ({
  metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: [{ addresses: [address] }],
})

t.test('keeps slices by Service and tells which one changed', async (t) => {
  const told: string[] = []
  const index = new ServiceIndex((key) => told.push(key))
  const names = () => index.places(want).places.map(({ name }) => name)
  const { sliceHandlers: slices, serviceHandlers: services } = index
  slices.added?.(slice('a', '10.0.0.1'))
  slices.added?.(slice('b', '10.0.0.2'))
  slices.added?.({ ...slice('c', '10.0.0.3'), metadata: { namespace: 'shop', name: 'c' } })
  t.same(told.splice(0), ['shop/web', 'shop/web'], 'a slice of no Service is nobody’s')
  services.added?.(service)
  t.same(names(), ['10.0.0.1:8080', '10.0.0.2:8080'])
  slices.updated?.(slice('a', '10.0.0.9'), slice('a', '10.0.0.1'))
  t.same(names(), ['10.0.0.2:8080', '10.0.0.9:8080'])
  slices.updated?.(slice('a', '10.0.0.9', 'other'), slice('a', '10.0.0.9'))
  t.same(told.splice(0), ['shop/web', 'shop/web', 'shop/web', 'shop/other'])
  t.same(names(), ['10.0.0.2:8080'], 'it was given to another Service')
  services.updated?.({ ...service, spec: { ports: [] } }, service)
  t.match(index.places(want).problem, /has no port 80/)
  services.deleted?.(service)
  t.same(names(), ['10.0.0.2:8080'], 'the only port that there is')
  slices.deleted?.(slice('b', '10.0.0.2'))
  slices.deleted?.(slice('b', '10.0.0.2'))
  t.equal(index.places(want).problem, 'there is no Service shop/web')
  t.same(told, ['shop/web', 'shop/web', 'shop/web'])
})
