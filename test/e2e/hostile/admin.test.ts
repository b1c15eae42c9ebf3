import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { RawClient } from '../../support/raw-client.ts'
import { ask, configOf, Program } from '../support/program.ts'
import { Edge, gateOf } from './support/edge.ts'
import { Recorder } from './support/recorder.ts'

t.setTimeout(120_000)

const GATE = '/v1/gates/default/shop'
const WEIGHTS = { weights: { only: 100 } }

async function openAll(port: number, count: number, bytes: string): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(bytes)
      return socket
    }),
  )
}

t.test('the admin API without tokens', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))
  const { admin, metrics } = edge.program.ports
  const call = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    ask(admin, method, path, { headers, body })

  await t.test('a page whose name suddenly means this machine (DNS rebinding)', async (t) => {
    for (const host of [
      'evil.example',
      `evil.example:${admin}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '127.0.0.1@evil.example',
      'evil.example#localhost',
      '0x7f000001.example',
    ])
      for (const path of ['/v1/gates', '/v1/version', '/', '/openapi.json']) {
        const { status } = await call('GET', path, { host })
        t.ok(status === 403 || status === 400 || status === 421, `${JSON.stringify(host)} ${path}: ${status}`)
      }
  })
  await t.test('another site’s page writes', async (t) => {
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${admin + 1}` },
      { origin: `https://127.0.0.1:${admin}` },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      t.equal((await call('PUT', `${GATE}/weights`, headers, WEIGHTS)).status, 403, JSON.stringify(headers))
      t.equal((await call('POST', `${GATE}/abort`, headers)).status, 403)
    }
    t.equal(
      (await call('PUT', `${GATE}/weights`, { origin: `http://127.0.0.1:${admin}` }, WEIGHTS)).status,
      200,
      'its own page may',
    )
  })
  await t.test('bodies', async (t) => {
    t.equal((await call('PUT', `${GATE}/weights`, {}, { weights: 'x'.repeat(100_000) })).status, 413)
    t.equal(
      (await call('PUT', `${GATE}/weights`, { 'content-type': 'text/plain' }, WEIGHTS)).status,
      415,
      'no form of another site',
    )
    for (const body of [
      null,
      1,
      [],
      {},
      { weights: { only: 50 } },
      { weights: { only: 'a' } },
      { weights: { other: 100 } },
      { weights: { __proto__: 1 } },
      { ...WEIGHTS, more: 1 },
    ]) {
      const { status } = await call('PUT', `${GATE}/weights`, {}, body)
      t.ok(status >= 400 && status < 500, `${JSON.stringify(body)}: ${status}`)
    }
    const deep = await RawClient.connect(admin)
    const json = '['.repeat(60_000)
    await deep.write(
      `PUT ${GATE}/weights HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
    )
    t.equal((await deep.response()).status, 400)
    deep.destroy()
  })
  await t.test('paths', async (t) => {
    for (const path of [
      '/v1/gates/default/%2e%2e',
      '/v1/gates/..%2f..%2fetc/passwd',
      '/v1/gates/__proto__/constructor',
      '/v1/gates/default/%zz',
      `/v1/gates/default/${'a'.repeat(5000)}`,
      '/v1/gates/default/%00',
    ]) {
      const { status } = await call('GET', path, {})
      t.ok(status >= 400 && status < 500, `${path.slice(0, 40)}: ${status}`)
    }
  })
  await t.test('event streams without end, clients that never finish: others are served', async (t) => {
    const streams = await openAll(admin, 200, 'GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    for (const socket of streams) socket.pause()
    const halves = await openAll(
      admin,
      100,
      `PUT ${GATE}/weights HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    )
    const heads = await openAll(admin, 100, 'GET / HTTP/1.1\r\nHost: loc')
    t.equal((await call('GET', '/v1/gates', {})).status, 200)
    t.equal((await call('PUT', `${GATE}/weights`, {}, WEIGHTS)).status, 200)
    const refused = await call('GET', '/v1/events', {}).catch(() => undefined)
    t.ok(
      refused === undefined || refused.status === 503 || refused.status === 429,
      `one stream too many: ${refused?.status}`,
    )
    for (const socket of [...streams, ...halves, ...heads]) socket.destroy()
  })
  await t.test('the port of metrics', async (t) => {
    t.equal((await ask(metrics, 'POST', '/metrics')).status, 405)
    t.equal((await ask(metrics, 'GET', '/../etc/passwd')).status, 404)
    const garbage = await openAll(metrics, 20, '\x01\x02garbage\r\n\r\n')
    const heads = await openAll(metrics, 100, 'GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ')
    const silent = await openAll(metrics, 100, `GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(20))
    for (const socket of silent) socket.pause()
    t.equal((await ask(metrics, 'GET', '/livez')).status, 200)
    t.equal((await ask(metrics, 'GET', '/readyz')).status, 200)
    t.match((await ask(metrics, 'GET', '/metrics')).body, /streamgate_build_info/)
    for (const socket of [...garbage, ...heads, ...silent]) socket.destroy()
  })
  await edge.unharmed(t)
  t.equal(await edge.stop(), 0)
})

t.test('the admin API with tokens', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const [operator, viewer] = ['operator-token-0123456789', 'viewer-token-0123456789']
  const tokens = '[{name: op, tokenFile: op.token, role: operator}, {name: view, tokenFile: view.token}]'
  const config = configOf(gateOf('shop', recorder.origin)).replace(
    'admin: {port: 0}',
    `admin: {port: 0, tokens: ${tokens}}`,
  )
  const edge = new Edge(await Program.start(t.testdir({ 'op.token': operator, 'view.token': viewer }), config))
  t.teardown(() => edge.stop())
  const { admin } = edge.program.ports
  const call = (method: string, authorization: string | undefined, body?: unknown) =>
    ask(admin, method, method === 'GET' ? '/v1/gates' : `${GATE}/weights`, {
      body,
      headers: authorization === undefined ? {} : { authorization },
    })
  t.equal((await call('GET', undefined)).status, 401)
  t.equal((await call('GET', `Bearer ${viewer}`)).status, 200)
  t.equal((await call('PUT', `Bearer ${viewer}`, WEIGHTS)).status, 403, 'a viewer reads')
  t.equal((await call('PUT', `Bearer ${operator}`, WEIGHTS)).status, 200)
  for (const wrong of [
    'Bearer',
    'Bearer ',
    `Basic ${operator}`,
    `Bearer ${operator}x`,
    `Bearer ${operator.slice(0, -1)}`,
    `Bearer ${operator} ${viewer}`,
    'Bearer undefined',
  ])
    t.ok([400, 401, 429].includes((await call('PUT', wrong, WEIGHTS)).status), JSON.stringify(wrong))
  let last = 0
  for (let i = 0; i < 200 && last !== 429; i++) last = (await call('GET', `Bearer wrong-token-number-${i}`)).status
  t.equal(last, 429, 'guessing is slowed down')
  t.notOk(edge.program.stderr.includes(operator) || edge.program.stdout.includes(operator), 'no token in a log')
  t.equal((await ask(edge.program.ports.metrics, 'GET', '/livez')).status, 200)
  await edge.sound(t)
  t.same(edge.faults, [])
})
