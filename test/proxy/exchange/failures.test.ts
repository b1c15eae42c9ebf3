import t from 'tap'
import { readCells } from '../../../src/metrics/index.ts'
import { Backend } from '../../support/backend.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { RawClient } from '../../support/raw-client.ts'
import { failuresOf, TestProxy, testGate, totals } from '../support/proxy.ts'

const deadOrigin = 'http://127.0.0.1:1'

async function ask(proxy: TestProxy, bytes: string) {
  const client = await RawClient.connect(proxy.port)
  await client.write(bytes)
  const response = await client.response()
  client.destroy()
  return {
    status: response.status,
    reason: response.headers.get('x-streamgate-reason'),
    body: response.body.toString(),
  }
}
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

t.test('every way to fail has its answer, its reason and its kind', async (t) => {
  const cases: {
    name: string
    answer: string | undefined
    status: number
    reason: string
    kind: 'reset' | 'timeout'
  }[] = [
    { name: 'closed without a word', answer: '', status: 502, reason: 'upstream-reset', kind: 'reset' },
    { name: 'garbage', answer: 'SSH-2.0-OpenSSH\r\n', status: 502, reason: 'upstream-protocol', kind: 'reset' },
    {
      name: 'half a head',
      answer: 'HTTP/1.1 200 OK\r\nContent-Le',
      status: 502,
      reason: 'upstream-reset',
      kind: 'reset',
    },
    {
      name: 'an impossible status',
      answer: 'HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n',
      status: 502,
      reason: 'upstream-protocol',
      kind: 'reset',
    },
    { name: 'silence', answer: undefined, status: 504, reason: 'response-timeout', kind: 'timeout' },
  ]
  for (const { name, answer, status, reason, kind } of cases) {
    await t.test(name, async (t) => {
      const upstream = await evilUpstream(async (connection) => {
        await connection.request()
        if (answer === undefined) return
        await connection.send(answer)
        connection.close()
      })
      t.teardown(() => upstream.close())
      const gate = testGate({ stable: [upstream.origin], upstream: { responseTimeoutMs: 200, retryAttempts: 0 } })
      const proxy = await TestProxy.start(t, gate)
      const got = await ask(proxy, GET)
      t.same([got.status, got.reason], [status, reason])
      t.notMatch(got.body, /127\.0\.0\.1|ECONN|UND_ERR/)
      const { stable } = totals(gate)
      t.equal(failuresOf(stable, kind), 1)
      t.match(stable, { failed: 1, inFlight: 0 })
    })
  }
  await t.test('refused', async (t) => {
    const gate = testGate({ stable: [deadOrigin], upstream: { retryAttempts: 0 } })
    const got = await ask(await TestProxy.start(t, gate), GET)
    t.same([got.status, got.reason], [502, 'connect-failed'])
    t.equal(failuresOf(totals(gate).stable, 'connect'), 1)
  })
  await t.test('no endpoint', async (t) => {
    const gate = testGate({ stable: [] })
    const got = await ask(await TestProxy.start(t, gate), GET)
    t.same([got.status, got.reason], [503, 'no-endpoint'])
    t.equal(failuresOf(totals(gate).stable, 'unavailable'), 1)
  })
  await t.test('overflow', async (t) => {
    const backend = await Backend.start()
    t.teardown(() => backend.close())
    const gate = testGate({ stable: [backend.origin], upstream: { maxRequests: 1 } })
    const proxy = await TestProxy.start(t, gate)
    const first = await RawClient.connect(proxy.port)
    await first.get('/hang')
    while (backend.requests === 0) await new Promise((resolve) => setImmediate(resolve))
    const got = await ask(proxy, GET)
    t.same([got.status, got.reason], [503, 'overflow'])
    first.destroy()
  })
})

t.test('retries', async (t) => {
  await t.test('a refused connection is tried on another endpoint, whatever the method', async (t) => {
    const backend = await Backend.start()
    t.teardown(() => backend.close())
    const gate = testGate({ stable: [deadOrigin, backend.origin], upstream: { loadBalancing: 'RoundRobin' } })
    const proxy = await TestProxy.start(t, gate)
    for (let i = 0; i < 4; i++) {
      const got = await ask(proxy, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
      t.equal(got.status, 200)
      t.equal(JSON.parse(got.body).bodyBytes, 5)
    }
    const all = totals(gate)
    t.ok(all.gate.retried >= 2)
    t.equal(all.stable.attempts, 4 + all.gate.retried)
    t.equal(all.stable.failed, 0, 'attempts failed, outcomes did not')
  })
  await t.test('a reset of a reused connection is replayed, and nobody is to blame', async (t) => {
    const upstream = await evilUpstream(async (connection) => {
      await connection.request()
      await connection.answer('one')
      if ((await connection.request()) === undefined) return
      connection.reset()
    })
    t.teardown(() => upstream.close())
    const gate = testGate({ stable: [upstream.origin], observed: true })
    const proxy = await TestProxy.start(t, gate)
    for (let i = 0; i < 3; i++) t.same((await ask(proxy, GET)).status, 200)
    const all = totals(gate)
    t.ok(all.gate.retried >= 1)
    t.same(
      [...all.stable.failures].reduce((a, b) => a + b),
      0,
    )
    t.equal(all.stable.failed, 0)
  })
  await t.test('a POST on it is not sent a second time (RFC 9110 9.2.2)', async (t) => {
    let posts = 0
    const upstream = await evilUpstream(async (connection) => {
      await connection.request()
      await connection.answer('one')
      if ((await connection.request()) === undefined) return
      posts++
      connection.reset()
    })
    t.teardown(() => upstream.close())
    const gate = testGate({ stable: [upstream.origin] })
    const proxy = await TestProxy.start(t, gate)
    t.equal((await ask(proxy, GET)).status, 200)
    t.equal((await ask(proxy, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')).status, 502)
    t.equal(posts, 1)
  })
  await t.test('a 503 only where the gate says so, and within its attempts', async (t) => {
    const backend = await Backend.start()
    t.teardown(() => backend.close())
    const gate = testGate({ stable: [backend.origin], upstream: { retryAttempts: 2, retryOn: ['5xx'] } })
    const proxy = await TestProxy.start(t, gate)
    t.equal((await ask(proxy, 'GET /status/503 HTTP/1.1\r\nHost: a\r\n\r\n')).status, 503)
    t.equal(backend.requests, 3)
    t.equal(totals(gate).stable.failed, 1, 'one outcome however many attempts')
  })
})

t.test('a retried failure within the candidate is one bad observation', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({
    stable: [backend.origin],
    canary: [deadOrigin],
    canaryBps: 10_000,
    observed: true,
    upstream: { retryAttempts: 3 },
  })
  const proxy = await TestProxy.start(t, gate)
  t.equal((await ask(proxy, GET)).status, 200)
  t.match(readCells(gate.memory, 1)[0], { candidate: { started: 1, bad: 1 } })
  t.ok(failuresOf(totals(gate).canary, 'connect') > 1)
})

t.test('an early refusal reaches a client that still uploads, and the upload stops', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.until((text) => text.includes('\r\n\r\n'))
    await connection.send('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
    connection.halfClose()
  })
  t.teardown(() => upstream.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [upstream.origin] }))
  const client = await RawClient.connect(proxy.port)
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
  await client.write('x'.repeat(1000))
  const response = await client.response()
  t.same([response.status, response.body.toString(), response.headers.get('connection')], [413, 'big', 'close'])
  client.destroy()
})

t.test('gRPC: the status in trailers or head decides', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    for (;;) {
      const request = await connection.request()
      if (request === undefined) return
      const grpc = 'HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n'
      if (request.startsWith('POST /head')) await connection.send(`${grpc}grpc-status: 14\r\nContent-Length: 0\r\n\r\n`)
      else {
        const status = request.startsWith('POST /bad') ? 13 : 5
        await connection.send(
          `${grpc}Transfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: ${status}\r\n\r\n`,
        )
      }
    }
  })
  t.teardown(() => upstream.close())
  const gate = testGate({ stable: [upstream.origin] })
  const proxy = await TestProxy.start(t, gate)
  for (const path of ['/head', '/bad', '/notfound']) {
    const got = await ask(proxy, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    t.equal(got.status, 200)
  }
  const { stable } = totals(gate)
  t.equal(failuresOf(stable, 'grpc'), 2)
  t.equal(stable.failed, 2)
})

t.test('a mirror copies, compares and forgets, and never delays', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  const seen: string[] = []
  const canary = await Backend.start({
    name: 'canary',
    handle(request) {
      seen.push(`${request.method} ${request.url} ${request.headers['x-streamgate-mirror']}`)
      return request.url!.includes('hang')
    },
  })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const gate = testGate({
    stable: [stable.origin],
    canary: [canary.origin],
    observed: true,
    spec: { mirror: { percent: 100, maxBodyBytes: 10 } },
  })
  const proxy = await TestProxy.start(t, gate)
  t.equal(
    (await ask(proxy, 'GET /status/204?hang HTTP/1.1\r\nHost: a\r\n\r\n')).status,
    204,
    'the mirror hangs, the client does not',
  )
  for (const length of [5, 11]) {
    const post = `POST /bytes/7 HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
    t.equal((await ask(proxy, post)).status, 200)
  }
  while (totals(gate).gate.mirrored < 1) await new Promise((resolve) => setTimeout(resolve, 10))
  t.same(seen, ['GET /status/204?hang 1', 'POST /bytes/7 1'])
  t.match(totals(gate).gate, { mirrored: 1, mirrorStatusDiffers: 0, mirrorLengthDiffers: 0, mirrorFailed: 0 })
  t.match(totals(gate).canary, { offered: 0, attempts: 0, failed: 0 })
})
