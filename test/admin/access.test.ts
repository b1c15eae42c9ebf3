import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { type ActionResult, type AdminToken, startAdmin } from '../../src/admin/index.ts'
import { fileTls } from '../../src/admin/tls.ts'
import { fileTokens } from '../../src/admin/tokens.ts'
import { systemClock } from '../../src/clock.ts'
import { certificateFor } from '../support/certificates.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { FakeService } from './fake-service.ts'
import { ask, FakeLog, GATE, startTestAdmin } from './harness.ts'

const TOKENS: AdminToken[] = [
  { name: 'grafana', token: 'viewer-token-0123456789', role: 'viewer' },
  { name: 'ci', token: 'operator-token-0123456789', role: 'operator' },
]
/** Decides when it is told to. */
class SlowService extends FakeService {
  asked = Promise.withResolvers<void>()
  decide = Promise.withResolvers<void>()
  override async act(...asked: Parameters<FakeService['act']>): Promise<ActionResult> {
    this.asked.resolve()
    await this.decide.promise
    return super.act(...asked)
  }
}

/** With keys in one order. */
const sorted = (entry: object) => Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const VIEWER = bearer(TOKENS[0]!.token)
const OPERATOR = bearer(TOKENS[1]!.token)

t.test('tokens: none 401, viewer reads, operator acts', async (t) => {
  const admin = await startTestAdmin(t, { tokens: () => TOKENS })
  const none = await ask(admin, '/v1/gates')
  t.same([none.status, none.json.code], [401, 'unauthenticated'])
  t.match(none.headers['www-authenticate'], 'Bearer')
  t.equal((await ask(admin, '/v1/gates', { headers: bearer('wrong') })).status, 401)
  t.equal((await ask(admin, '/v1/gates', { headers: { authorization: 'Basic abc' } })).status, 401)
  t.equal((await ask(admin, '/v1/gates', { headers: VIEWER })).status, 200)
  const refused = await ask(admin, `${GATE}/pause`, { method: 'POST', headers: VIEWER })
  t.same([refused.status, refused.json.code], [403, 'forbidden'])
  t.same(admin.service.writes, [])
  t.equal((await ask(admin, `${GATE}/pause`, { method: 'POST', headers: OPERATOR })).status, 200)
  t.match(admin.service.writes, [{ who: 'ci' }])
  t.equal((await ask(admin, '/v1/events')).status, 401)
  t.equal((await ask(admin, '/')).status, 200, 'the page holds nothing')
  t.equal((await ask(admin, '/openapi.json')).status, 200)
})

t.test('wrong tokens are limited per address; a right one passes all the same', async (t) => {
  const clock = new ManualClock()
  const admin = await startTestAdmin(t, { tokens: () => TOKENS, clock })
  for (let i = 0; i < 10; i++) t.equal((await ask(admin, '/v1/gates', { headers: bearer(`guess-${i}`) })).status, 401)
  const blocked = await ask(admin, '/v1/gates', { headers: bearer('guess') })
  t.same([blocked.status, blocked.json.code, blocked.headers['retry-after']], [429, 'too-many-failures', '6'])
  t.equal((await ask(admin, '/v1/gates', { headers: OPERATOR })).status, 200, 'nobody locks an operator out')
  t.equal((await ask(admin, '/v1/gates', { headers: bearer('guess') })).status, 429, 'and that forgives nothing')
  clock.advance(6_000)
  t.equal((await ask(admin, '/v1/gates', { headers: bearer('guess') })).status, 401)
  t.equal((await ask(admin, '/v1/gates', { headers: bearer('guess') })).status, 429)
})

t.test('a request without a token is no guess', async (t) => {
  const admin = await startTestAdmin(t, { tokens: () => TOKENS, clock: new ManualClock() })
  for (let i = 0; i < 20; i++) await ask(admin, '/v1/gates')
  t.equal((await ask(admin, '/v1/gates', { headers: VIEWER })).status, 200)
})

t.test('token files are read again when they change; a broken one grants nothing', async (t) => {
  const clock = new ManualClock()
  const tokenFile = join(t.testdir({ token: `${TOKENS[1]!.token}\n` }), 'token')
  const log = new FakeLog()
  const tokens = fileTokens([{ name: 'ci', tokenFile, role: 'operator' }], clock, log)
  t.same(tokens(), [TOKENS[1]])
  t.equal(tokens(), tokens(), 'the same list while nothing changes')
  writeFileSync(tokenFile, 'another-token-0123456789')
  t.same(tokens(), [TOKENS[1]], 'looked at once a second')
  clock.advance(1000)
  t.same(tokens(), [{ ...TOKENS[1], token: 'another-token-0123456789' }])
  writeFileSync(tokenFile, 'short')
  clock.advance(1000)
  t.same(tokens(), [])
  t.equal(log.lines.length, 1)
  t.notMatch(JSON.stringify(log.lines), 'short', 'what is in the file is not in the log')
  const missing = fileTokens([{ name: 'x', tokenFile: `${tokenFile}.none`, role: 'viewer' }], clock, log)
  t.same(missing(), [])
  t.match(log.lines.at(-1), { level: 'error', fields: { token: 'x' } })
})

t.test('Host: only this machine and the configured name are answered where nothing authenticates', async (t) => {
  const admin = await startTestAdmin(t, { host: 'localhost' })
  const { port } = admin.server
  const status = async (host: string) => (await ask(admin, '/v1/gates', { headers: { host } })).status
  for (const host of [
    `127.0.0.1:${port}`,
    'localhost',
    `LOCALHOST.:${port}`,
    `[::1]:${port}`,
    '127.8.8.8',
    'a.localhost',
  ]) {
    t.equal(await status(host), 200, host)
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '10.0.0.1',
    '127.0.0.1.nip.io',
    'a@localhost',
  ]) {
    t.equal(await status(host), 403, host)
  }
  const { json } = await ask(admin, '/v1/gates', { headers: { host: 'evil.example' } })
  t.equal(json.code, 'host-not-allowed')
})

t.test('Host: with tokens any name is answered', async (t) => {
  const admin = await startTestAdmin(t, { tokens: () => TOKENS })
  t.equal((await ask(admin, '/v1/gates', { headers: { host: 'admin.edge.svc', ...VIEWER } })).status, 200)
})

t.test('Origin: writes of other sites are refused', async (t) => {
  const admin = await startTestAdmin(t)
  const host = `127.0.0.1:${admin.server.port}`
  const post = async (headers: Record<string, string>) => {
    const { status, json } = await ask(admin, `${GATE}/pause`, { method: 'POST', headers: { host, ...headers } })
    return status === 200 ? 200 : json.code
  }
  t.equal(await post({ origin: `http://${host}` }), 200)
  t.equal(await post({}), 200, 'no browser')
  for (const origin of [
    'null',
    'http://evil.example',
    `https://${host}`,
    'http://127.0.0.1:1',
    `http://${host}.evil.example`,
  ]) {
    t.equal(await post({ origin }), 'origin-not-allowed', origin)
  }
  t.equal(await post({ 'sec-fetch-site': 'cross-site' }), 'origin-not-allowed')
  t.equal(admin.service.writes.length, 2)
})

t.test('an address that is not loopback needs authentication', async (t) => {
  const options = { port: 0, service: new FakeService(), log: new FakeLog(), clock: systemClock }
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
    await t.rejects(
      startAdmin({ ...options, host }),
      { name: 'AdminStartError', code: 'no-authentication', message: /not loopback.*spec\.admin\.tokens/s },
      host,
    )
  }
  const admin = await startTestAdmin(t, { host: '0.0.0.0', tokens: () => TOKENS })
  t.equal((await ask(admin, '/v1/gates', { headers: VIEWER })).status, 200)
  t.ok(
    admin.log.lines.some(({ level, message }) => level === 'warn' && message.includes('clear')),
    'tokens in clear are warned of',
  )
})

t.test('a busy port is an error that names it and the way out', async (t) => {
  const other = net.createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as net.AddressInfo
  const options = { host: '127.0.0.1', port, service: new FakeService(), log: new FakeLog(), clock: systemClock }
  await t.rejects(startAdmin(options), {
    code: 'port-in-use',
    message: `admin: port ${port} on 127.0.0.1 is in use. Stop what listens there, or set another spec.admin.port of the Proxy (0 = any free one).`,
  })
})

t.test('TLS: a client certificate is an operator, none is no connection; a new certificate is taken', async (t) => {
  const server = certificateFor('localhost', '127.0.0.1')
  const client = certificateFor('ci.example')
  const files = { certFile: server.certFile, keyFile: server.keyFile, clientCAFile: server.caFile }
  const admin = await startTestAdmin(t, { tls: fileTls(files) })
  t.match(admin.server.url, /^https:/)
  const tls = { ca: server.caPem, cert: client.certPem, key: client.keyPem }
  const headers = { host: '127.0.0.1' }
  t.equal((await ask(admin, `${GATE}/pause`, { method: 'POST', tls, headers })).status, 200)
  t.match(admin.service.writes, [{ who: /^leaf-/ }])
  await t.rejects(ask(admin, '/v1/gates', { tls: { ca: server.caPem }, headers }))
  admin.server.reloadTls()
  t.equal((await ask(admin, '/v1/gates', { tls, headers })).status, 200)
  await t.rejects(startTestAdmin(t, { tls: () => ({ cert: 'x', key: 'y' }) }), { code: 'bad-certificate' })
})

t.test('every write is in the audit log with who, what, from where and its outcome, never with a token', async (t) => {
  const admin = await startTestAdmin(t, { tokens: () => TOKENS })
  const body = { weights: { stable: 90, canary: 10 } }
  await ask(admin, `${GATE}/weights`, { method: 'PUT', body, headers: OPERATOR })
  await ask(admin, `${GATE}/start`, { method: 'POST', body: { image: 'a:1' }, headers: VIEWER })
  await ask(admin, `${GATE}/start`, { method: 'POST', body: { image: 'a:1' }, headers: bearer('guess-guess-guess') })
  admin.service.next = { ok: false, status: 409, code: 'release-running', detail: 'A release runs.' }
  await ask(admin, `${GATE}/start`, { method: 'POST', body: { image: 'a:1' }, headers: OPERATOR })
  await ask(admin, '/v1/gates', { headers: VIEWER })
  const common = { from: '127.0.0.1', gate: 'default/shop' }
  t.strictSame(
    admin.log.audits.map(sorted),
    [
      {
        ...common,
        who: 'ci',
        action: 'weights',
        request: body,
        outcome: 'done',
        status: 200,
        message: 'weights are set',
      },
      { ...common, who: 'grafana', action: 'start', outcome: 'refused', status: 403, code: 'forbidden' },
      { ...common, who: null, action: 'start', outcome: 'refused', status: 401, code: 'unauthenticated' },
      {
        ...common,
        who: 'ci',
        action: 'start',
        request: { image: 'a:1' },
        outcome: 'refused',
        status: 409,
        code: 'release-running',
      },
    ].map(sorted),
  )
  t.notMatch(JSON.stringify(admin.log.lines), /token-0123456789|guess-guess/)
})

t.test('a write is in the audit log when the client has hung up before it is decided', async (t) => {
  const cases = [
    [undefined, { outcome: 'done', status: 200, message: 'start done' }],
    [
      { ok: false, status: 409, code: 'release-running', detail: 'A release runs.' },
      { outcome: 'refused', status: 409, code: 'release-running' },
    ],
    [new Error('full disk'), { outcome: 'failed', status: 500, code: 'internal' }],
  ] as const
  for (const [next, expected] of cases) {
    const service = new SlowService()
    service.next = next as ActionResult | Error | undefined
    const admin = await startTestAdmin(t, { service })
    const written = new Promise<void>((resolve) => {
      const { info } = admin.log
      admin.log.info = (fields, message) => {
        info(fields, message)
        if ('audit' in fields) resolve()
      }
    })
    const closed = Promise.withResolvers<void>()
    const began = (message: unknown) => (message as { socket: net.Socket }).socket.once('close', () => closed.resolve())
    subscribe('http.server.request.start', began)
    t.teardown(() => unsubscribe('http.server.request.start', began))
    const client = net.connect(admin.server.port, '127.0.0.1')
    client.write(`POST ${GATE}/start HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`)
    await service.asked.promise
    client.destroy()
    await closed.promise
    service.decide.resolve()
    await written
    t.match(admin.log.audits, [{ who: 'local', action: 'start', gate: 'default/shop', ...expected }])
    t.equal(admin.log.audits.length, 1)
  }
})
