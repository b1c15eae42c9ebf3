import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import { Backoff } from '../../src/kube/backoff.ts'
import { ENDPOINT_SLICES, Informer, type InformerOptions, type KubeObject } from '../../src/kube/index.ts'
import { seededRandom } from '../../src/random.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ScriptedApi } from './support/api-server.ts'
import { Bell, clientOf, keptLog, object, until } from './support/things.ts'

/** An informer on a scripted API server, and what it told. */
async function begin(t: Test, options: Partial<InformerOptions<KubeObject>> & { throwOn?: string } = {}) {
  let api = await ScriptedApi.start()
  const client = clientOf(api)
  const told: string[] = []
  const bell = new Bell()
  const log = keptLog()
  const tell = (what: string, { metadata }: KubeObject) => {
    told.push(`${what} ${metadata.name} ${metadata.resourceVersion}`)
    bell.ring()
    if (options.throwOn === metadata.name) throw new Error('handler')
  }
  const informer = new Informer({
    client,
    clock: systemClock,
    random: seededRandom(1),
    log,
    resource: ENDPOINT_SLICES,
    handlers: {
      added: (one) => tell('added', one),
      updated: (one, before) => tell(`updated ${before.metadata.resourceVersion} ->`, one),
      deleted: (one) => tell('deleted', one),
      synced: () => void told.push('synced'),
    },
    ...options,
  })
  t.teardown(async () => {
    informer.close()
    await client.close()
    await api.stop()
  })
  informer.start()
  return {
    informer,
    told,
    bell,
    log,
    get api() {
      return api
    },
    /** The server comes back at the same address. */
    async restart() {
      api = await ScriptedApi.start({ port: api.port })
    },
  }
}

type Test = Pick<typeof t, 'teardown'>

t.test('lists in pages, tells what is there, then follows with what changed', async (t) => {
  const { api, informer, told, bell } = await begin(t, { namespace: 'shop', labelSelector: 'app=web' })
  let ask = await api.next()
  t.equal(ask.path, '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices')
  t.same(Object.fromEntries(ask.query), { labelSelector: 'app=web', limit: '500' })
  ask.list([object('a', '1'), object('b', '2')], '10', 'next')
  ask = await api.next()
  t.equal(ask.query.get('continue'), 'next')
  t.equal(informer.synced, false, 'half a list is none')
  t.equal(informer.size, 0)
  ask.list([object('c', '3', { metadata: { ...object('c', '3').metadata, managedFields: [{}] } })], '11')
  ask = await api.next((one) => one.isWatch)
  await informer.whenSynced()
  t.same(told, ['added a 1', 'added b 2', 'added c 3', 'synced'])
  t.equal(ask.query.get('resourceVersion'), '11')
  t.equal(ask.query.get('labelSelector'), 'app=web')
  const seconds = Number(ask.query.get('timeoutSeconds'))
  t.ok(seconds >= 300 && seconds <= 600, `a watch of ${seconds} s`)
  t.equal(Object.hasOwn(informer.get('shop', 'c')?.metadata ?? {}, 'managedFields'), false)

  const stream = ask.stream()
  stream.send('ADDED', object('d', '12'))
  stream.send('MODIFIED', object('a', '13'))
  stream.send('MODIFIED', object('a', '13'))
  stream.send('DELETED', object('b', '14'))
  stream.send('DELETED', object('never', '15'))
  await bell.until(() => told.includes('deleted b 2'))
  t.same(told.slice(4), ['added d 12', 'updated 1 -> a 13', 'deleted b 2'])
  t.same(
    informer
      .list()
      .map((one) => one.metadata.name)
      .sort(),
    ['a', 'c', 'd'],
  )
  t.equal(informer.connected, true)
  t.ok(informer.lastContactMs !== undefined && informer.lastContactMs <= systemClock.nowMs())
})

t.test('goes on where a watch ended, a bookmark included, without listing again', async (t) => {
  const { api, informer, told, bell } = await begin(t)
  ;(await api.next()).list([object('a', '1')], '10')
  let stream = (await api.next()).stream()
  stream.send('MODIFIED', object('a', '20'))
  stream.send('BOOKMARK', { kind: 'EndpointSlice', metadata: { resourceVersion: '30' } })
  stream.end()
  let ask = await api.next()
  t.equal(ask.isWatch, true)
  t.equal(ask.query.get('resourceVersion'), '30')
  stream = ask.stream()
  stream.send('MODIFIED', object('a', '31'))
  await bell.until(() => told.length === 4)
  stream.break()
  ask = await api.next()
  t.equal(ask.isWatch, true, 'a broken connection is no reason to list again')
  t.equal(ask.query.get('resourceVersion'), '31')
  t.equal(informer.size, 1)
})

for (const how of ['as an event', 'as an answer'] as const) {
  t.test(`410 Gone ${how}: lists again and tells the difference alone`, async (t) => {
    const { api, informer, told, bell, log } = await begin(t)
    ;(await api.next()).list([object('a', '1'), object('b', '2'), object('c', '3')], '10')
    const ask = await api.next()
    if (how === 'as an answer') ask.refuse(410, 'Expired', 'too old resource version')
    else ask.stream().send('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })
    const again = await api.next()
    t.equal(again.isWatch, false)
    t.equal(informer.size, 3, 'until the list is here the last state stands')
    again.list([object('a', '1'), object('b', '22'), object('d', '40')], '50')
    const next = await api.next()
    t.equal(next.query.get('resourceVersion'), '50')
    await bell.until(() => told.length === 7)
    t.same(told, ['added a 1', 'added b 2', 'added c 3', 'synced', 'deleted c 3', 'updated 2 -> b 22', 'added d 40'])
    t.same(log.lines, [], 'it happens every day')
  })
}

t.test('a list whose pages expire on the way begins anew', async (t) => {
  const { api, informer, told } = await begin(t)
  ;(await api.next()).list([object('a', '1')], '10', 'next')
  ;(await api.next()).refuse(410, 'Expired', 'The provided continue parameter is too old')
  const ask = await api.next()
  t.equal(ask.query.get('continue'), null)
  ask.list([object('b', '2')], '12')
  await informer.whenSynced()
  t.same(told, ['added b 2', 'synced'])
})

t.test('a dead API server: what is known stays, and the watch goes on when it is back', async (t) => {
  const world = await begin(t)
  const { informer, told, bell, log } = world
  ;(await world.api.next()).list([object('a', '1')], '10')
  ;(await world.api.next()).stream()
  await informer.whenSynced()
  await world.api.stop()
  // Some tries in vain, so that it has waited for longer and longer.
  const beganMs = systemClock.nowMs()
  await until(() => log.lines.length > 0 && systemClock.nowMs() - beganMs > 700)
  t.equal(informer.connected, false)
  t.equal(informer.synced, true)
  t.equal(informer.get('shop', 'a')?.metadata.resourceVersion, '1')
  const before = informer.lastContactMs!
  await world.restart()
  const ask = await world.api.next()
  t.equal(ask.isWatch, true, 'no list: nothing was forgotten')
  t.equal(ask.query.get('resourceVersion'), '10')
  ask.stream().send('MODIFIED', object('a', '11'))
  await bell.until(() => told.includes('updated 1 -> a 11'))
  t.ok(informer.lastContactMs! > before)
  t.match(log.lines[0], { level: 'warn', fields: { resource: 'endpointslices.discovery.k8s.io' } })
  t.match(log.lines.at(-1), { level: 'info', message: 'the API server answers again' })
})

t.test('a refusal is told once it lasts, its Retry-After is kept, and it is tried again', async (t) => {
  const clock = new ManualClock()
  const { api, log, informer } = await begin(t, { clock })
  for (let turn = 0; turn < 3; turn++) {
    ;(await api.next()).refuse(429, 'TooManyRequests', 'later', { retryAfterSeconds: 20 })
    await until(() => clock.pending === 1)
    t.equal(log.lines.length, turn === 0 ? 0 : 1, 'one failure is no news, the same one within a minute no more')
    clock.advance(19_000)
    t.equal(api.untaken, 0)
    clock.advance(1_000)
  }
  ;(await api.next()).list([], '1')
  await informer.whenSynced()
  t.match(log.lines[0], { level: 'warn', fields: { error: /429 TooManyRequests: later/, forS: 20 } })
})

t.test('a watch that the server ends at once does not spin', async (t) => {
  const clock = new ManualClock()
  const { api } = await begin(t, { clock })
  ;(await api.next()).list([], '1')
  const waits: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    ;(await api.next()).stream().end()
    await until(() => clock.pending === 1)
    const sinceMs = clock.nowMs()
    while (clock.pending === 1) clock.advance(1)
    waits.push(clock.nowMs() - sinceMs)
  }
  t.ok(waits[0]! >= 125, `first ${waits[0]} ms`)
  t.ok(waits[4]! >= 2_000, `fifth ${waits[4]} ms`)
})

t.test('a handler that throws is logged, and the others go on', async (t) => {
  const { api, told, log, informer } = await begin(t, { throwOn: 'a' })
  ;(await api.next()).list([object('a', '1'), object('b', '2')], '10')
  await informer.whenSynced()
  t.same(told, ['added a 1', 'added b 2', 'synced'])
  t.match(log.lines, [{ level: 'error', fields: { error: { message: 'handler' } } }])
})

t.test('what is kept is what `keep` says', async (t) => {
  const { api, informer } = await begin(t, { keep: ({ metadata }) => ({ metadata: { ...metadata, uid: 'kept' } }) })
  ;(await api.next()).list([object('a', '1', { spec: { big: true } })], '10')
  const stream = (await api.next()).stream()
  await informer.whenSynced()
  t.same(informer.list(), [{ metadata: { namespace: 'shop', name: 'a', uid: 'kept', resourceVersion: '1' } }])
  stream.end()
})

t.test('nothing is told after close, and close ends a watch and a wait', async (t) => {
  const { api, informer, told } = await begin(t)
  ;(await api.next()).list([object('a', '1')], '10')
  const stream = (await api.next()).stream()
  await informer.whenSynced()
  informer.close()
  informer.close()
  stream.send('ADDED', object('b', '11'))
  await stream.closed
  t.same(told, ['added a 1', 'synced'])
  t.equal(informer.connected, false)
  t.equal(informer.size, 1)

  const clock = new ManualClock()
  const waiting = await begin(t, { clock })
  ;(await waiting.api.next()).drop()
  await until(() => clock.pending === 1)
  waiting.informer.close()
  t.equal(clock.pending, 0)
})

t.test('delays double up to a limit and are spread over half of each', async (t) => {
  const options = { firstMs: 100, maxMs: 1_000 }
  const least = new Backoff({ ...options, random: () => 0 })
  const most = new Backoff({ ...options, random: () => 0.999_999 })
  const five = (backoff: Backoff) => Array.from({ length: 5 }, () => Math.round(backoff.nextMs()))
  t.same(five(least), [50, 100, 200, 400, 500])
  t.same(five(most), [100, 200, 400, 800, 1000])
  for (let turn = 0; turn < 2_000; turn++) least.nextMs()
  t.equal(least.nextMs(), 500, 'no overflow after a night of failures')
  least.reset()
  t.equal(least.nextMs(), 50)
})
