import t from 'tap'
import { RESOLVE_EVERY_MS, Resolver } from '../../../src/proxy/upstream/resolve.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { turns } from './upstream-fixture.ts'

function setup() {
  const clock = new ManualClock()
  const zone = new Map<string, readonly string[] | Error>()
  const asked: string[] = []
  const lines: string[] = []
  let changes = 0
  const log = {
    info: (_: object, message: string) => void lines.push(message),
    warn: (_: object, message: string) => void lines.push(message),
  }
  const resolver = new Resolver({
    clock,
    log,
    onChange: () => changes++,
    lookup: async (hostname) => {
      asked.push(hostname)
      const answer = zone.get(hostname) ?? new Error('ENOTFOUND')
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  return { clock, zone, asked, lines, resolver, changes: () => changes }
}

t.test('addresses and localhost need no lookup', async (t) => {
  const { resolver, asked } = setup()
  await resolver.ready(['http://127.0.0.1:9001', 'http://[::1]:9001/base/', 'https://localhost', 'http://localhost:1'])
  t.same(resolver.resolve('http://127.0.0.1:9001'), [
    { origin: 'http://127.0.0.1:9001', host: '127.0.0.1:9001', basePath: '' },
  ])
  t.same(resolver.resolve('http://[::1]:9001/base/'), [
    { origin: 'http://[::1]:9001', host: '[::1]:9001', basePath: '/base' },
  ])
  t.same(resolver.resolve('https://localhost'), [{ origin: 'https://localhost', host: 'localhost', basePath: '' }])
  t.same(asked, [])
})

t.test('a name becomes one endpoint an address, under its own name', async (t) => {
  const { resolver, zone } = setup()
  zone.set('shop.internal', ['10.0.0.2', '10.0.0.1', 'fd00::1', '10.0.0.1'])
  await resolver.ready(['https://Shop.internal:8443/v2'])
  const more = { host: 'shop.internal:8443', serverName: 'shop.internal', basePath: '/v2' }
  t.same(resolver.resolve('https://shop.internal:8443/v2'), [
    { origin: 'https://10.0.0.1:8443', ...more },
    { origin: 'https://10.0.0.2:8443', ...more },
    { origin: 'https://[fd00::1]:8443', ...more },
  ])
})

t.test('looked up again every 10 s; a change is called back, an order is no change', async (t) => {
  const { resolver, zone, asked, clock, changes, lines } = setup()
  zone.set('a.internal', ['10.0.0.1', '10.0.0.2'])
  await resolver.ready(['http://a.internal'])
  resolver.start()
  zone.set('a.internal', ['10.0.0.2', '10.0.0.1'])
  clock.advance(RESOLVE_EVERY_MS - 1000)
  await turns()
  t.equal(asked.length, 1)
  clock.advance(1000)
  await turns()
  t.equal(asked.length, 2)
  t.equal(changes(), 0)
  zone.set('a.internal', ['10.0.0.3'])
  clock.advance(RESOLVE_EVERY_MS)
  await turns()
  t.equal(changes(), 1)
  t.equal(resolver.resolve('http://a.internal')[0]?.origin, 'http://10.0.0.3')
  t.same(lines, ['addresses changed'])
  resolver.close()
  t.equal(clock.pending, 0)
})

t.test('DNS that fails takes nothing away', async (t) => {
  const { resolver, zone, asked, clock, changes, lines } = setup()
  zone.set('a.internal', ['10.0.0.1'])
  await resolver.ready(['http://a.internal'])
  resolver.start()
  for (const failure of [new Error('EAI_AGAIN'), [] as string[]]) {
    zone.set('a.internal', failure)
    clock.advance(RESOLVE_EVERY_MS)
    await turns()
    t.equal(resolver.resolve('http://a.internal')[0]?.origin, 'http://10.0.0.1')
  }
  t.same(lines, ['name does not resolve'], 'said once')
  const before = asked.length
  zone.set('a.internal', ['10.0.0.1'])
  clock.advance(1000)
  await turns()
  t.equal(asked.length, before + 1, 'a second after a failure')
  t.equal(changes(), 0)
  t.same(lines, ['name does not resolve', 'name resolves again'])
  resolver.close()
})

t.test('a name that did not resolve at the start is taken in when it does', async (t) => {
  const { resolver, zone, clock, changes } = setup()
  await resolver.ready(['http://late.internal'])
  t.same(resolver.resolve('http://late.internal'), [])
  resolver.start()
  zone.set('late.internal', ['10.0.0.9'])
  clock.advance(1000)
  await turns()
  t.equal(changes(), 1)
  t.equal(resolver.resolve('http://late.internal')[0]?.origin, 'http://10.0.0.9')
  resolver.close()
})

t.test('names that are used no longer are forgotten; refresh asks at once', async (t) => {
  const { resolver, zone, asked, clock } = setup()
  zone.set('a.internal', ['10.0.0.1'])
  zone.set('b.internal', ['10.0.0.2'])
  await resolver.ready(['http://a.internal', 'http://b.internal', 'http://b.internal/other'])
  t.same(asked, ['a.internal', 'b.internal'])
  await resolver.ready(['http://b.internal'])
  resolver.start()
  clock.advance(RESOLVE_EVERY_MS)
  await turns()
  t.same(asked.slice(2), ['b.internal'])
  resolver.refresh('http://b.internal')
  clock.advance(1000)
  await turns()
  t.same(asked.slice(3), ['b.internal'])
  resolver.close()
})

t.test('the system’s resolver', async (t) => {
  const resolver = new Resolver({ clock: new ManualClock(), log: { info() {}, warn() {} }, onChange() {} })
  await resolver.ready(['http://ip6-localhost:1', 'http://localhost.invalid'])
  t.same(resolver.resolve('http://localhost.invalid'), [], 'unknown names have no endpoints')
})
