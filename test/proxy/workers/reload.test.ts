import t from 'tap'
import { Backend } from '../../support/backend.ts'
import { RawClient } from '../../support/raw-client.ts'
import { HTTP, TestProxy, testGate, testSnapshot, totals } from '../support/proxy.ts'

t.test('a request keeps the snapshot that it started with; connections to endpoints that stay are kept', async (t) => {
  const waiting: (() => void)[] = []
  const v1 = await Backend.start({
    name: 'v1',
    handle(request, response) {
      if (request.url !== '/held') return false
      waiting.push(() => response.end('from v1'))
      return true
    },
  })
  const v2 = await Backend.start({ name: 'v2' })
  t.teardown(() => Promise.all([v1.close(), v2.close()]))
  const before = testGate({ stable: [v1.origin] })
  const proxy = await TestProxy.start(t, before)
  const ports = { http: proxy.port }
  const client = await RawClient.connect(proxy.port)
  const other = await RawClient.connect(proxy.port)
  t.teardown(() => {
    client.destroy()
    other.destroy()
  })
  await client.get('/held')
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))

  const after = testGate({ stable: [v2.origin] })
  t.same(await proxy.host.apply(testSnapshot(after, { version: 2 }), ports), [])
  await other.get('/')
  t.equal(
    (await other.response()).headers.get('x-backend'),
    'v2',
    'the next request gets the new one, on an open connection',
  )
  waiting[0]!()
  t.equal((await client.response()).body.toString(), 'from v1')
  t.match(totals(before).stable, { offered: 1, inFlight: 0, failed: 0 })
  t.match(totals(after).stable, { offered: 1, inFlight: 0 })

  const connections = v2.connections
  for (let version = 3; version < 6; version++) {
    t.same(await proxy.host.apply(testSnapshot(after, { version }), ports), [])
    await other.get('/')
    t.equal((await other.response()).status, 200)
  }
  t.equal(v2.connections, connections, 'no new connection for the same endpoint')
})

t.test('listeners come and go; the limits of a reload hold for new connections', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate)
  const ports = { http: proxy.port }
  const old = await RawClient.connect(proxy.port)
  await old.get('/')
  await old.response()
  const limits = {
    maxHeaderBytes: 1000,
    maxHeaders: 100,
    maxBodyBytes: 0,
    maxConnections: 0,
    maxConnectionsPerClient: 0,
  }
  const listeners = [HTTP, { ...HTTP, name: 'second' }]
  t.same(await proxy.host.apply(testSnapshot(gate, { version: 2, limits, listeners }), ports), [])
  const long = `x: ${'y'.repeat(2000)}\r\n`
  for (const name of ['http', 'second']) {
    const client = await RawClient.connect(proxy.portOf(name))
    await client.get('/', 'a', long)
    t.equal((await client.response()).status, 431)
    client.destroy()
  }
  await old.get('/')
  t.equal((await old.response()).status, 200, 'an open connection lives on')
  const second = proxy.portOf('second')
  t.same(await proxy.host.apply(testSnapshot(gate, { version: 3 }), ports), [])
  await t.rejects(RawClient.connect(second), { code: 'ECONNREFUSED' })
  await old.get('/')
  t.equal((await old.response()).status, 200)
  old.destroy()
})
