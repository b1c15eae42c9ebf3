import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import t from 'tap'
import { systemClock } from '../../../src/clock.ts'
import { ConnectionStore, createUpstream } from '../../../src/proxy/upstream/pools.ts'
import { Backend, type Echo, patternBytes } from '../../support/backend.ts'
import { certificateFor } from '../../support/certificates.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { Collector, endpointOf, SPEC, turns, upstreamTo } from './upstream-fixture.ts'

const GET = { method: 'GET', path: '/', headers: ['Host', 'a'], body: null }

t.test('connections of endpoints that stay are kept across snapshots', async (t) => {
  const backend = await Backend.start()
  const store = new ConnectionStore(systemClock)
  const first = createUpstream(SPEC, [endpointOf(backend.origin)], store)
  const ask = async (upstream: typeof first) => {
    const collector = new Collector()
    upstream.send(endpointOf(backend.origin), GET, collector)
    return collector.done
  }
  t.same((await ask(first)).sent, [false])
  await turns()
  const second = createUpstream({ ...SPEC, retryAttempts: 5 }, [endpointOf(backend.origin)], store)
  await first.close()
  t.same((await ask(second)).sent, [true], 'the same connection')
  await turns()
  const third = createUpstream({ ...SPEC, connectTimeoutMs: 999 }, [endpointOf(backend.origin)], store)
  await second.close()
  t.same((await ask(third)).sent, [false], 'another timeout, another connection')
  await third.close()
  t.equal(store.size, 0)
  while (backend.sockets.size > 0) await turns()
  await backend.close()
})

t.test('close: idle connections at once, running requests end first, later ones still run', async (t) => {
  const backend = await Backend.start()
  const { begin, send, close } = upstreamTo(backend.origin)
  await send()
  const { collector } = begin({ path: '/delay/50' })
  while (backend.requests < 2) await turns()
  let closed = false
  const closing = close().then(() => {
    closed = true
  })
  t.equal((await collector.done).status, 200)
  await closing
  t.equal(closed, true)
  t.equal((await send()).status, 200, 'a retry of a request that began before')
  await close()
  while (backend.sockets.size > 0) await turns()
  t.pass('no connection is left')
  await backend.close()
})

t.test('close twice, and with nothing open', async (t) => {
  const { close } = upstreamTo('http://127.0.0.1:1')
  await close()
  await close()
  t.pass()
})

t.test('the last connection used is used first; the others age', async (t) => {
  const evil = await evilUpstream(async (connection) => {
    while ((await connection.request()) !== undefined) {
      await connection.answer(
        String(connection.index),
        '200 OK',
        connection.index === 1 ? 'Keep-Alive: timeout=1\r\n' : '',
      )
    }
  })
  const { send, close } = upstreamTo(evil.origin)
  await Promise.all([send(), send(), send()])
  await turns(5)
  t.equal(evil.connections.length, 3)
  const answers = new Set<string>()
  for (let i = 0; i < 6; i++) {
    answers.add((await send()).body.toString())
    await turns()
  }
  t.equal(answers.size, 1)
  await evil.connections[1]!.closed()
  t.pass('an endpoint that keeps connections for a second is believed')
  await close()
  await evil.close()
})

t.test('a request with a body that methods do not expect costs its connection', async (t) => {
  const backend = await Backend.start()
  const { send, close } = upstreamTo(backend.origin)
  await send({ path: '/echo', body: Buffer.from('body of a GET') })
  await turns()
  t.same((await send()).sent, [false])
  await close()
  await backend.close()
})

for (const protocol of ['h2c', 'h2'] as const) {
  t.test(`HTTP/2: ${protocol}`, async (t) => {
    const certificate = certificateFor()
    const backend = await Backend.start({ protocol, certificate })
    const { begin, send, close } = upstreamTo(backend.origin, { protocol: 'HTTP2', tls: { caPem: certificate.caPem } })
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => send({ path: `/echo/${i}` })))
    many.forEach(({ body }, i) => {
      const echo = JSON.parse(body.toString()) as Echo
      t.equal(echo.url, `/echo/${i}`)
      t.equal(echo.httpVersion, '2.0')
    })
    t.equal(backend.connections, 1)

    const sent = patternBytes(1_000_000)
    const { body } = await send({
      method: 'POST',
      path: '/echo',
      headers: ['Host', 'shop.example.com', 'X-A', '1', 'te', 'trailers'],
      body: Readable.from([sent], { objectMode: false }),
    })
    const echo = JSON.parse(body.toString()) as Echo
    t.equal(echo.bodySha256, createHash('sha256').update(sent).digest('hex'))
    t.ok(echo.rawHeaders.join().includes(':authority,shop.example.com'))
    t.ok(echo.rawHeaders.join().includes('te,trailers'))
    t.ok((await send({ path: '/bytes/3000000' })).body.equals(patternBytes(3_000_000)))

    const trailed = await send({ path: '/trailers' })
    t.same(trailed.trailers, ['x-checksum', 'abc', 'x-second', 'two'])
    t.same(trailed.sent, [false])

    const { collector, call } = begin({ path: '/hang' })
    await turns(20)
    call.abort()
    t.equal((await collector.done).failure?.kind, 'aborted')
    t.equal((await send()).status, 200, 'the connection goes on')

    const dying = begin({ path: '/sse/0' })
    await dying.collector.responded
    for (const socket of backend.sockets) socket.destroy()
    t.equal((await dying.collector.done).failure?.kind, 'reset')
    t.equal((await send()).status, 200)
    await close()
    await backend.close()
  })
}

t.test('HTTP/2: no connection is connect, unsent; no answer is a timeout; TLS without h2 falls back', async (t) => {
  const gone = await Backend.start({ protocol: 'h2c' })
  const { origin } = gone
  await gone.close()
  const refused = upstreamTo(origin, { protocol: 'HTTP2' })
  t.match((await refused.send()).failure, { kind: 'connect', unsent: true })
  await refused.close()

  const hanging = await Backend.start({ protocol: 'h2c' })
  const slow = upstreamTo(hanging.origin, { protocol: 'HTTP2', responseTimeoutMs: 100 })
  t.match((await slow.send({ path: '/hang' })).failure, { kind: 'timeout', unsent: false })
  await slow.close()
  await hanging.close()

  const certificate = certificateFor()
  const old = await Backend.start({ protocol: 'https', certificate })
  const fallback = upstreamTo(old.origin, { protocol: 'HTTP2', tls: { caPem: certificate.caPem } })
  const { body } = await fallback.send()
  t.equal((JSON.parse(body.toString()) as Echo).httpVersion, '1.1')
  await fallback.close()
  await old.close()
})
