import t from 'tap'
import { currentEpoch, readCells, setHarmLeft, shutGuard } from '../../../src/metrics/index.ts'
import { Backend } from '../../support/backend.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { RawClient } from '../../support/raw-client.ts'
import { codesOf, failuresOf, TestProxy, testGate, totals } from '../support/proxy.ts'

const deadOrigin = 'http://127.0.0.1:1'

async function ask(
  proxy: TestProxy,
  head: string,
): Promise<{ status: number; backend: string | undefined; body: string }> {
  const client = await RawClient.connect(proxy.port)
  await client.write(head)
  const response = await client.response(head.split(' ')[0]!)
  client.destroy()
  return { status: response.status, backend: response.headers.get('x-backend'), body: response.body.toString() }
}
const get = (path: string, extra = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n`

t.test('a GET that fails on the candidate is answered by serving, whatever way it fails', async (t) => {
  const stable = await Backend.start({ name: 'stable', handle: (_, response) => response.end('fine') !== undefined })
  t.teardown(() => stable.close())
  const canary = await Backend.start({ name: 'canary' })
  t.teardown(() => canary.close())
  const cases: { name: string; origin: string; path: string; kind: '5xx' | 'connect' | 'reset' | 'timeout' }[] = [
    { name: 'a 503', origin: canary.origin, path: '/status/503', kind: '5xx' },
    { name: 'refused', origin: deadOrigin, path: '/', kind: 'connect' },
    { name: 'reset', origin: canary.origin, path: '/reset', kind: 'reset' },
    { name: 'a candidate that hangs', origin: canary.origin, path: '/hang', kind: 'timeout' },
  ]
  for (const { name, origin, path, kind } of cases) {
    await t.test(name, async (t) => {
      const gate = testGate({
        stable: [stable.origin],
        canary: [origin],
        canaryBps: 10_000,
        observed: true,
        upstream: { responseTimeoutMs: 150, retryAttempts: 0 },
      })
      setHarmLeft(gate.memory, 5)
      const proxy = await TestProxy.start(t, gate)
      const answer = await ask(proxy, get(path))
      t.match(answer, { status: 200, backend: 'stable', body: 'fine' })
      const all = totals(gate)
      t.match(all.gate, { rescued: 1, harmed: 0, succeeded: 1 })
      t.match(all.canary, { offered: 1, attempts: 1, failed: 0, inFlight: 0 })
      t.equal(failuresOf(all.canary, kind), 1)
      t.match(all.stable, { offered: 0, attempts: 1, inFlight: 0 }, 'no request of serving, an attempt all the same')
      const [cell] = readCells(gate.memory, 1)
      t.match(cell, { candidate: { started: 1, bad: 1 }, serving: { started: 0, bad: 0 }, pending: 0 })
      const [line] = await proxy.logged(1)
      t.match(line, { 'streamgate.rescued': true, 'streamgate.variant': 'canary', 'streamgate.attempts': 2 })
      t.match(proxy.samples, [{ gate: 'default/shop', variant: 'canary', kind, path, rescued: true }])
    })
  }
})

t.test('what may not be rescued reaches the user and counts as harm', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  const canary = await Backend.start({ name: 'canary' })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const options = { stable: [stable.origin], canary: [canary.origin], canaryBps: 10_000, observed: true }

  await t.test('a POST', async (t) => {
    const gate = testGate(options)
    const proxy = await TestProxy.start(t, gate)
    const answer = await ask(proxy, 'POST /status/503 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
    t.match(answer, { status: 503, backend: 'canary' })
    const all = totals(gate)
    t.match(all.gate, { rescued: 0, harmed: 1 })
    t.match(all.canary, { failed: 1, inFlight: 0 })
    t.equal(codesOf(all.canary, 503), 1)
  })
  await t.test('a kind that is not in failureOn is an answer like any other', async (t) => {
    const gate = testGate({ ...options, spec: { failureOn: ['connect'] } })
    const proxy = await TestProxy.start(t, gate)
    t.match(await ask(proxy, get('/status/503')), { status: 503, backend: 'canary' })
    const all = totals(gate)
    t.match(all.gate, { rescued: 0, harmed: 0 })
    t.match(all.canary, { failed: 0 })
    t.equal(failuresOf(all.canary, '5xx'), 1, 'counted all the same')
  })
  await t.test('rescue is off', async (t) => {
    const gate = testGate({
      ...options,
      spec: { rescue: { enabled: false, methods: ['GET'], maxBodyBytes: 0, budgetPercent: 100 } },
    })
    const proxy = await TestProxy.start(t, gate)
    t.match(await ask(proxy, get('/status/500')), { status: 500, backend: 'canary' })
  })
  await t.test('an override chose the candidate: its failure is shown, not observed, and no harm', async (t) => {
    const gate = testGate({
      ...options,
      canaryBps: 0,
      spec: { overrides: [{ kind: 'header', name: 'x-variant', value: 'canary', variant: 1 }] },
    })
    const proxy = await TestProxy.start(t, gate)
    t.match(await ask(proxy, get('/status/500', 'x-variant: canary\r\n')), { status: 500, backend: 'canary' })
    t.match(totals(gate).gate, { harmed: 0, rescued: 0 })
    t.same(
      readCells(gate.memory, 1).filter(({ candidate }) => candidate.started > 0),
      [],
    )
  })
  await t.test('serving fails too: its answer, bad for the candidate, no harm by it', async (t) => {
    const gate = testGate({ ...options, stable: [deadOrigin] })
    const proxy = await TestProxy.start(t, gate)
    const answer = await ask(proxy, get('/status/503'))
    t.equal(answer.status, 502)
    const all = totals(gate)
    t.match(all.gate, { rescued: 0, harmed: 0 })
    t.match(all.canary, { failed: 1 })
    t.equal(failuresOf(all.stable, 'connect') > 0, true)
  })
  await t.test('the answer had begun: cut, never ended cleanly', async (t) => {
    const gate = testGate(options)
    const proxy = await TestProxy.start(t, gate)
    const client = await RawClient.connect(proxy.port)
    await client.write(get('/truncate'))
    const { text } = await client.untilEnd()
    t.match(text, /content-length: 1000\r\n(.|\r\n)*half$/i)
    await proxy.logged(1)
    const all = totals(gate)
    t.match(all.gate, { rescued: 0, harmed: 1 })
    t.equal(failuresOf(all.canary, 'reset'), 1)
  })
})

t.test('a body that was kept goes to serving whole', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  const canary = await Backend.start({ name: 'canary', failureRate: 1, failureStatus: 500 })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const gate = testGate({
    stable: [stable.origin],
    canary: [canary.origin],
    canaryBps: 10_000,
    observed: true,
    spec: { rescue: { enabled: true, methods: ['PUT'], maxBodyBytes: 100, budgetPercent: 100 } },
  })
  const proxy = await TestProxy.start(t, gate)
  const put = (bytes: number) => `PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`
  const small = await ask(proxy, put(100))
  t.match(small, { status: 200, backend: 'stable' })
  t.equal(JSON.parse(small.body).bodyBytes, 100)
  t.match(await ask(proxy, put(101)), { status: 500, backend: 'canary' })
})

t.test('the connection of a short failed answer is used again', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  const canary = await Backend.start({ name: 'canary' })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const gate = testGate({ stable: [stable.origin], canary: [canary.origin], canaryBps: 10_000, observed: true })
  const proxy = await TestProxy.start(t, gate)
  for (let i = 0; i < 5; i++) t.equal((await ask(proxy, get('/status/503'))).backend, 'stable')
  t.equal(canary.requests, 5)
  t.equal(canary.connections, 1)
})

t.test('with the harm budget used up, or shut, the candidate gets nothing more', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  const canary = await Backend.start({ name: 'canary' })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const options = { stable: [stable.origin], canary: [canary.origin], canaryBps: 10_000, observed: true }
  const gate = testGate(options)
  setHarmLeft(gate.memory, 2)
  const proxy = await TestProxy.start(t, gate)
  const post = 'POST /status/500 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
  for (let i = 0; i < 5; i++) t.equal((await ask(proxy, post)).backend, i < 2 ? 'canary' : 'stable')
  const other = testGate(options)
  shutGuard(other.memory, currentEpoch(other.memory))
  const second = await TestProxy.start(t, other)
  t.equal((await ask(second, get('/'))).backend, 'stable')
})

t.test('a candidate without an endpoint in a release gets no request: no 503', async (t) => {
  const stable = await Backend.start({ name: 'stable' })
  t.teardown(() => stable.close())
  const gate = testGate({ stable: [stable.origin], canary: [], canaryBps: 10_000, observed: true })
  const proxy = await TestProxy.start(t, gate)
  t.match(await ask(proxy, get('/')), { status: 200, backend: 'stable' })
  t.equal(totals(gate).gate.rescued, 0)
})

t.test('a client that leaves is neutral', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.request()
    await connection.closed()
  })
  t.teardown(() => upstream.close())
  const gate = testGate({ stable: [upstream.origin], canary: [upstream.origin], canaryBps: 10_000, observed: true })
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  await client.write(get('/'))
  while (upstream.connections.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const connection = upstream.connections[0]!
  await connection.until((text) => text.includes('\r\n\r\n')).catch(() => {})
  client.destroy()
  await connection.closed()
  await proxy.logged(1)
  const all = totals(gate)
  t.equal(codesOf(all.canary, 499), 1)
  t.match(all.canary, { failed: 0, inFlight: 0 })
  t.match(all.gate, { harmed: 0, rescued: 0 })
  t.match(readCells(gate.memory, 1)[0], { candidate: { started: 1, bad: 0 }, pending: 0 })
})

t.test('a rescue counts once serving has answered, not when it comes to nothing', async (t) => {
  const serving = await evilUpstream(async (connection) => {
    await connection.until((text) => text.includes('\r\n\r\n'))
    await connection.closed()
  })
  t.teardown(() => serving.close())
  const options = { stable: [serving.origin], canary: [deadOrigin], canaryBps: 10_000, observed: true }
  const asked = async () => {
    while (serving.connections.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const connection = serving.connections.pop()!
    await connection.until((text) => text.includes('\r\n\r\n'))
    return connection
  }

  await t.test('the client leaves', async (t) => {
    const gate = testGate(options)
    const proxy = await TestProxy.start(t, gate)
    const client = await RawClient.connect(proxy.port)
    await client.write(get('/'))
    const connection = await asked()
    client.destroy()
    await connection.closed()
    const [line] = await proxy.logged(1)
    t.match(line, { 'http.response.status_code': 499, 'streamgate.rescued': true })
    t.match(totals(gate).gate, { rescued: 0, harmed: 0 })
    t.match(proxy.samples, [{ kind: 'connect', rescued: false }])
  })
  await t.test('the body grows beyond the limit', async (t) => {
    const rescue = { enabled: true, methods: ['PUT'], maxBodyBytes: 1000, budgetPercent: 100 }
    const gate = testGate({ ...options, spec: { rescue } })
    const limits = {
      maxHeaderBytes: 16_384,
      maxHeaders: 100,
      maxBodyBytes: 100,
      maxConnections: 0,
      maxConnectionsPerClient: 0,
    }
    const proxy = await TestProxy.start(t, gate, { limits })
    const client = await RawClient.connect(proxy.port)
    t.teardown(() => client.destroy())
    await client.write('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n')
    await asked()
    await client.write(`c8\r\n${'x'.repeat(200)}\r\n`)
    t.equal((await client.response()).status, 413)
    await proxy.logged(1)
    t.match(totals(gate).gate, { rescued: 0, harmed: 0 })
  })
})
