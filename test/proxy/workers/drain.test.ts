import { once } from 'node:events'
import { connect } from 'node:http2'
import t from 'tap'
import { Backend } from '../../support/backend.ts'
import { certificateFor } from '../../support/certificates.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RawClient } from '../../support/raw-client.ts'
import { HTTP, TestProxy, testGate } from '../support/proxy.ts'

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n'

/** A backend whose answers wait to be let go. */
async function held(): Promise<{ backend: Backend; release: () => void }> {
  const waiting: (() => void)[] = []
  const backend = await Backend.start({
    handle(request, response) {
      if (request.url !== '/held') return false
      waiting.push(() => response.end('late'))
      return true
    },
  })
  return { backend, release: () => waiting.splice(0).forEach((go) => void go()) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('a drain loses nothing', async (t) => {
  const { backend, release } = await held()
  t.teardown(() => backend.close())
  const clock = new ManualClock()
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), {}, clock)
  const client = async (bytes: string) => {
    const made = await RawClient.connect(proxy.port)
    t.teardown(() => made.destroy())
    await made.write(bytes)
    return made
  }
  const used = await client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal((await used.response()).headers.get('connection'), 'keep-alive')
  const unused = await client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await unused.response()
  const slow = await client('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
  const tunnel = await client(UPGRADE)
  t.equal((await tunnel.response()).status, 101)
  while (backend.requests < 4) await turn()

  let over = false
  const drained = proxy.host.drain(2000, 10_000).then(() => {
    over = true
  })
  await used.get('/')
  const last = await used.response()
  t.same([last.status, last.headers.get('connection')], [200, 'close'], 'an idle connection may be used, once')
  t.match(await used.untilEnd(), { text: '', error: undefined })
  clock.advance(2100)
  t.match(await unused.untilEnd(), { text: '', error: undefined }, 'after the grace idle connections end')
  const late = await client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal((await late.response()).status, 200, 'the listener stays open to the end')
  await tunnel.write('still here')
  await tunnel.until((bytes) => bytes.includes('still here'))
  clock.advance(5000)
  await turn()
  t.notOk(over, 'a request and a tunnel are in hand')
  release()
  t.equal((await slow.response()).body.toString(), 'late')
  clock.advance(1000)
  await turn()
  t.notOk(over, 'a tunnel is in hand')
  clock.advance(2000)
  await drained
  await tunnel.untilEnd()
  t.equal(clock.nowMs(), 1_000_000 + 10_100, 'tunnels are cut at the deadline')
})

t.test('a request that does not end is cut at the deadline', async (t) => {
  const { backend } = await held()
  t.teardown(() => backend.close())
  const clock = new ManualClock()
  const proxy = await TestProxy.start(
    t,
    testGate({ stable: [backend.origin], upstream: { responseTimeoutMs: 0 } }),
    {},
    clock,
  )
  const client = await RawClient.connect(proxy.port)
  await client.get('/held')
  while (backend.requests < 1) await turn()
  const drained = proxy.host.drain(0, 1000)
  clock.advance(1000)
  await drained
  await proxy.host.close()
  t.equal((await client.untilEnd()).text, '')
})

t.test('HTTP/2 clients are told to go, and finish what they began', async (t) => {
  const { backend, release } = await held()
  t.teardown(() => backend.close())
  const clock = new ManualClock()
  const { certPem, keyPem, caPem } = certificateFor('a.test')
  const https = { ...HTTP, protocol: 'HTTPS' as const, certificates: [{ certPem, keyPem, names: ['a.test'] }] }
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), { listeners: [https] }, clock)
  const session = connect(`https://127.0.0.1:${proxy.port}`, { ca: caPem, servername: 'a.test' })
  const stream = session.request({ ':path': '/held', ':authority': 'a.test' })
  let body = ''
  stream.on('data', (chunk: Buffer) => {
    body += chunk
  })
  while (backend.requests < 1) await turn()
  let over = false
  const drained = proxy.host.drain(0, 10_000).then(() => {
    over = true
  })
  const closed = once(session, 'close')
  await once(session, 'goaway')
  release()
  await once(stream, 'close')
  t.equal(body, 'late')
  await closed
  while (!over) {
    clock.advance(100)
    await turn()
  }
  await drained
  t.ok(clock.nowMs() < 1_000_000 + 10_000, 'over before the deadline')
})

t.test('who was accepted a moment ago and has said nothing yet is answered, not cut', async (t) => {
  const { backend, release } = await held()
  t.teardown(() => backend.close())
  const clock = new ManualClock()
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), {}, clock)
  const client = async () => {
    const made = await RawClient.connect(proxy.port)
    t.teardown(() => made.destroy())
    return made
  }
  const slow = await client()
  await slow.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
  while (backend.requests < 1) await turn()
  const drained = proxy.host.drain(2000, 10_000)
  const newcomer = await client()
  for (let i = 0; i < 20; i++) await turn()
  // The grace is over, and several rounds of closing what is idle go by.
  for (let i = 0; i < 4; i++) {
    clock.advance(1000)
    await turn()
    await turn()
  }
  await newcomer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal((await newcomer.response()).status, 200)
  release()
  t.equal((await slow.response()).status, 200)
  clock.advance(10_000)
  await drained
})
