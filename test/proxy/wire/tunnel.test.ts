import { once } from 'node:events'
import t from 'tap'
import { Backend } from '../../support/backend.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { RawClient } from '../../support/raw-client.ts'
import { acceptOf, frame, readFrames } from '../../support/websocket.ts'
import { codesOf, failuresOf, HTTP, TestProxy, testGate, totals } from '../support/proxy.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const upgrade = (path: string, protocol = 'websocket', extra = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${extra}\r\n`

t.test('a WebSocket is tied through byte for byte, and counted when it ends', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  const hello = frame(1, Buffer.from('early'), Buffer.from([1, 2, 3, 4]))
  await client.write(Buffer.concat([Buffer.from(upgrade('/chat')), hello]))
  const response = await client.response()
  t.equal(response.status, 101)
  t.equal(response.headers.get('sec-websocket-accept'), acceptOf(KEY))
  t.same([response.headers.get('upgrade'), response.headers.get('connection')], ['websocket', 'Upgrade'])
  await client.until((bytes) => readFrames(bytes).frames.length === 1)
  t.equal(readFrames(client.buffered).frames[0]!.payload.toString(), 'early', 'bytes behind the head are not lost')
  const big = Buffer.alloc(2_000_000, 'y')
  await client.write(frame(2, big, Buffer.from([9, 9, 9, 9])))
  await client.until((bytes) => readFrames(bytes).frames.length === 2)
  t.ok(readFrames(client.buffered).frames[1]!.payload.equals(big))
  t.equal(totals(gate).stable.inFlight, 1)
  client.socket.end()
  await client.untilEnd()
  const [line] = await proxy.logged(1)
  t.match(line, { 'http.response.status_code': 101, 'streamgate.variant': 'stable' })
  t.match(totals(gate).stable, { inFlight: 0, failed: 0 })
  t.equal(codesOf(totals(gate).stable, 101), 1)
})

t.test('half-close goes through, in both directions', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.request()
    await connection.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n')
    connection.socket.once('end', () => {
      connection.socket.end(`got ${connection.received}`)
    })
  })
  t.teardown(() => upstream.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [upstream.origin] }))
  const client = await RawClient.connect(proxy.port)
  await client.write(upgrade('/', 'raw'))
  t.equal((await client.response()).status, 101)
  client.socket.end('question')
  t.equal((await client.untilEnd()).text, 'got question')
})

t.test('a refusal is passed on; failures have their answers', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const ask = async (origin: string, path: string) => {
    const gate = testGate({ stable: [origin], upstream: { responseTimeoutMs: 150 } })
    const proxy = await TestProxy.start(t, gate)
    const client = await RawClient.connect(proxy.port)
    await client.write(upgrade(path))
    const response = await client.response()
    await client.untilEnd()
    return {
      status: response.status,
      reason: response.headers.get('x-streamgate-reason'),
      body: response.body.toString(),
      gate,
    }
  }
  t.match(await ask(backend.origin, '/status/403'), { status: 403, body: 'refused', reason: undefined })
  const broken = await ask(backend.origin, '/status/500')
  t.equal(broken.status, 500)
  t.equal(failuresOf(totals(broken.gate).stable, '5xx'), 1)
  t.match(await ask('http://127.0.0.1:1', '/'), { status: 502, reason: 'connect-failed' })
  const silent = await evilUpstream(() => {})
  t.teardown(() => silent.close())
  t.match(await ask(silent.origin, '/'), { status: 504, reason: 'response-timeout' })
})

t.test('an upgrade to h2c is not made: the request goes on without it', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write(upgrade('/echo', 'h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'))
  const response = await client.response()
  t.equal(response.status, 200)
  t.notMatch(response.body.toString(), /h2c|HTTP2-Settings/i)
})

t.test('a client that leaves takes the upstream with it, and the other way round', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate)
  const leaving = await RawClient.connect(proxy.port)
  await leaving.write(upgrade('/'))
  await leaving.response()
  const [upstream] = [...backend.sockets]
  leaving.socket.resetAndDestroy()
  await once(upstream!, 'close')
  const staying = await RawClient.connect(proxy.port)
  await staying.write(upgrade('/'))
  await staying.response()
  for (const socket of backend.sockets) socket.destroy()
  await staying.untilEnd()
  await proxy.logged(1)
  t.pass('both ended')
})

t.test('a silent tunnel is closed after the idle time', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin], upstream: { idleTimeoutMs: 100 } }))
  const client = await RawClient.connect(proxy.port)
  await client.write(upgrade('/'))
  await client.response()
  await client.untilEnd()
  t.pass('closed')
})

t.test(
  'the connection of an upgrade that was not made is closed even when its client neither speaks nor leaves',
  async (t) => {
    const backend = await Backend.start()
    t.teardown(() => backend.close())
    const passing = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
    const empty = await TestProxy.start(t, testGate({ stable: [] }))
    const redirecting = await TestProxy.start(t, undefined, { listeners: [{ ...HTTP, redirectHttps: true }] })
    const ask = async (proxy: TestProxy, path: string) => {
      const client = await RawClient.connect(proxy.port)
      await client.write(upgrade(path))
      const { status } = await client.response()
      await client.untilEnd()
      // It does not end its side. Once the proxy has let go of the connection, a byte on it is answered by a reset.
      while (!client.socket.destroyed) {
        client.socket.write('x')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return status
    }
    t.same(await Promise.all([ask(passing, '/status/403'), ask(empty, '/'), ask(redirecting, '/')]), [403, 503, 400])
  },
)

t.test('a refusal whose body breaks off is a failure of the endpoint', async (t) => {
  let proceed = () => {}
  const upstream = await evilUpstream(async (connection) => {
    await connection.request()
    await connection.send('HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nhalf')
    proceed = () => connection.reset()
  })
  t.teardown(() => upstream.close())
  const gate = testGate({ stable: [upstream.origin] })
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  await client.write(upgrade('/'))
  await client.until((bytes) => bytes.includes('half'))
  proceed()
  await client.untilEnd()
  const [line] = await proxy.logged(1)
  t.match(line, { 'http.response.status_code': 403, 'streamgate.flags': ['UC', 'reset'] })
  const { stable } = totals(gate)
  t.match(stable, { failed: 1, inFlight: 0 })
  t.equal(failuresOf(stable, 'reset'), 1)
})

t.test('a client that leaves in the middle of a refusal takes the upstream with it', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.request()
    await connection.send('HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nhalf')
  })
  t.teardown(() => upstream.close())
  const gate = testGate({ stable: [upstream.origin] })
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  await client.write(upgrade('/'))
  await client.until((bytes) => bytes.includes('half'))
  client.socket.resetAndDestroy()
  await upstream.connections[0]!.closed()
  const [line] = await proxy.logged(1)
  t.match(line, { 'http.response.status_code': 499 })
  t.match(totals(gate).stable, { failed: 0, inFlight: 0 })
})
