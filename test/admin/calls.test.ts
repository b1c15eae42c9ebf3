import t from 'tap'
import Value from 'typebox/value'
import { GateView, ReleaseRecord, ReleaseSummary, VERBS } from '../../src/admin/views.ts'
import { FakeService, gateView, record } from './fake-service.ts'
import { type Admin, ask, GATE, startTestAdmin } from './harness.ts'

t.test('reads answer in the shapes that OpenAPI describes', async (t) => {
  const admin = await startTestAdmin(t)
  admin.service.records = [record()]
  const list = await ask(admin, '/v1/gates')
  t.equal(list.status, 200)
  t.match(list.headers['content-type'], 'application/json')
  t.same(list.json, { items: admin.service.gates })
  t.ok(Value.Check(GateView, list.json.items[0]))
  t.same((await ask(admin, GATE)).json, gateView())
  const releases = await ask(admin, `${GATE}/releases`)
  t.equal(releases.json.items.length, 1)
  t.ok(Value.Check(ReleaseSummary, releases.json.items[0]))
  t.notOk('decisions' in releases.json.items[0])
  const one = await ask(admin, `${GATE}/releases/7f3a`)
  t.ok(Value.Check(ReleaseRecord, one.json))
  t.equal(one.json.decisions.length, 1)
  t.same((await ask(admin, '/v1/version')).json, { version: '0.1.0', node: 'v26.0.0' })
})

t.test('every answer forbids caching, framing and sniffing', async (t) => {
  const admin = await startTestAdmin(t)
  for (const path of ['/', '/v1/gates', '/v1/gates/default/none', '/none', '/v1/gates/%zz/x', '/openapi.json']) {
    const { headers } = await ask(admin, path)
    t.match(headers['content-security-policy'], "default-src 'none'", path)
    t.equal(headers['cache-control'], 'no-store', path)
    t.equal(headers['x-frame-options'], 'DENY', path)
    t.equal(headers['x-content-type-options'], 'nosniff', path)
    t.notOk(headers['access-control-allow-origin'], path)
  }
})

t.test('weights: two decimals, all variants, whole requests only', async (t) => {
  const admin = await startTestAdmin(t)
  const put = (body: object | string, headers = {}) => ask(admin, `${GATE}/weights`, { method: 'PUT', body, headers })
  const done = await put({ weights: { stable: 66.67, canary: 33.33 } })
  t.equal(done.status, 200)
  t.equal(done.json.message, 'weights are set')
  t.ok(Value.Check(GateView, done.json.gate))
  await put({ weights: { stable: 100 }, force: true })
  t.same(admin.service.writes, [
    {
      verb: 'weights',
      namespace: 'default',
      name: 'shop',
      weights: { stable: 66.67, canary: 33.33 },
      force: false,
      who: 'local',
    },
    {
      verb: 'weights',
      namespace: 'default',
      name: 'shop',
      weights: { stable: 100, canary: 0 },
      force: true,
      who: 'local',
    },
  ])
  admin.service.writes = []
  const wrong: [object | string, string][] = [
    [{ weights: { stable: 90, canary: 11 } }, 'Weights must sum to 100, not 101.'],
    [
      { weights: { stable: 99.999, canary: 0.001 } },
      'Weight of stable must be 0 to 100 with up to two decimals, not 99.999.',
    ],
    [{ weights: { stable: 90, green: 10 } }, 'No variant "green". Variants of this gate: stable, canary.'],
    [{ weights: { stable: 90, toString: 10 } }, 'No variant "toString". Variants of this gate: stable, canary.'],
    [{ weights: { stable: -1, canary: 101 } }, 'body/weights/stable must be >= 0.'],
    [{ weights: { stable: '90', canary: 10 } }, 'body/weights/stable must be number.'],
    [{ weights: {} }, 'body/weights must NOT have fewer than 1 properties.'],
    [{ weight: { stable: 100 } }, "body must have required property 'weights'."],
    [{ weights: { stable: 100 }, forced: true }, 'body has an unknown key "forced".'],
    [[1], 'body must be object.'],
  ]
  for (const [body, detail] of wrong) {
    const { status, json, headers } = await put(body)
    t.same([status, json.code, json.detail], [400, 'invalid', detail])
    t.match(headers['content-type'], 'application/problem+json')
  }
  t.same((await put('{"weights":', { 'content-type': 'application/json' })).json.code, 'bad-request')
  t.same(
    (await put('{"__proto__":{"x":1},"weights":{"stable":100}}', { 'content-type': 'application/json' })).status,
    400,
  )
  t.same(admin.service.writes, [], 'nothing that was refused was done')
})

t.test('verbs: each reaches the program with its options and no other', async (t) => {
  const admin = await startTestAdmin(t)
  for (const verb of VERBS) {
    const { status, json } = await ask(admin, `${GATE}/${verb}`, { method: 'POST' })
    t.same([status, json.message], [200, `${verb} done`])
  }
  t.same(
    admin.service.writes,
    VERBS.map((verb) => ({ verb, namespace: 'default', name: 'shop', body: {}, who: 'local' })),
  )
  admin.service.writes = []
  const body = { image: 'r.example/shop:v3', revision: 'v3', readyTimeoutSeconds: 300, stepSeconds: 0 }
  await ask(admin, `${GATE}/start`, { method: 'POST', body })
  await ask(admin, `${GATE}/rollback`, { method: 'POST', body: { revision: 'v1' } })
  t.match(admin.service.writes, [
    { verb: 'start', body },
    { verb: 'rollback', body: { revision: 'v1' } },
  ])
  const refused = await ask(admin, `${GATE}/pause`, { method: 'POST', body: { image: 'x' } })
  t.same([refused.status, refused.json.detail], [400, 'body has an unknown key "image".'])
  const empty = await ask(admin, `${GATE}/pause`, { method: 'POST', headers: { 'content-type': 'application/json' } })
  t.equal(empty.status, 200, 'an empty JSON body is no body')
})

t.test('a refusal of the program is a problem with its own code', async (t) => {
  const admin = await startTestAdmin(t)
  admin.service.next = { ok: false, status: 409, code: 'not-paused', detail: 'The release is not paused.' }
  const { status, headers, json } = await ask(admin, `${GATE}/resume`, { method: 'POST' })
  t.equal(status, 409)
  t.match(headers['content-type'], 'application/problem+json')
  t.same(json, {
    type: 'about:blank',
    title: 'Not possible now',
    status: 409,
    detail: 'The release is not paused.',
    code: 'not-paused',
  })
})

t.test('an error inside shows nothing outside and is in the log', async (t) => {
  const admin = await startTestAdmin(t)
  admin.service.next = new Error('secret /etc/passwd')
  const { status, text, json } = await ask(admin, `${GATE}/pause`, { method: 'POST' })
  t.equal(status, 500)
  t.equal(json.code, 'internal')
  t.notMatch(text, /secret|passwd|\.ts/)
  t.ok(
    admin.log.lines.some(({ level, fields }) => level === 'error' && (fields.err as Error).message.includes('secret')),
  )
})

t.test('what is not there is 404, and says what may have been meant', async (t) => {
  const service = new FakeService([gateView(), gateView({ namespace: 'edge', name: 'cart' })])
  const admin = await startTestAdmin(t, { service })
  const cases: [string, string, string, string][] = [
    ['GET', '/v1/gates/default/shpo', 'gate-not-found', 'No gate default/shpo. Did you mean default/shop?'],
    ['GET', '/v1/gates/default/cart', 'gate-not-found', 'No gate default/cart. Did you mean edge/cart?'],
    ['GET', '/v1/gates/default/zzzzzz', 'gate-not-found', 'No gate default/zzzzzz. Gates: default/shop, edge/cart.'],
    ['POST', '/v1/gates/default/shpo/pause', 'gate-not-found', 'No gate default/shpo. Did you mean default/shop?'],
    ['GET', '/v1/gates/default/shpo/releases', 'gate-not-found', 'No gate default/shpo. Did you mean default/shop?'],
    ['GET', '/v1/gates/default/shpo/releases/1', 'gate-not-found', 'No gate default/shpo. Did you mean default/shop?'],
    ['GET', `${GATE}/releases/1`, 'release-not-found', 'No release 1 of gate default/shop: the last 100 are kept.'],
    ['GET', '/v1/events?gate=default/shpo', 'gate-not-found', 'No gate default/shpo. Did you mean default/shop?'],
    ['POST', `${GATE}/puase`, 'not-found', `Nothing at POST ${GATE}/puase. See /openapi.json.`],
    ['GET', '/v2?token=x', 'not-found', 'Nothing at GET /v2. See /openapi.json.'],
  ]
  for (const [method, path, code, detail] of cases) {
    const { status, json } = await ask(admin, path, { method })
    t.same([status, json.code, json.detail], [404, code, detail], `${method} ${path}`)
  }
  t.same(service.writes, [])
})

t.test('another method on a known path is 405 with Allow', async (t) => {
  const admin = await startTestAdmin(t)
  const cases: [string, string, string][] = [
    ['POST', '/v1/gates', 'GET, HEAD'],
    ['DELETE', GATE, 'GET, HEAD'],
    ['GET', `${GATE}/weights`, 'PUT'],
    ['GET', `${GATE}/pause`, 'POST'],
    ['PUT', `${GATE}/start`, 'POST'],
    ['PATCH', '/v1/events', 'GET'],
    ['POST', '/', 'GET, HEAD'],
  ]
  for (const [method, path, allow] of cases) {
    const { status, headers, json } = await ask(admin, path, { method })
    t.same([status, headers.allow, json.code], [405, allow, 'method-not-allowed'], `${method} ${path}`)
  }
})

t.test('bodies are JSON of at most 64 KiB', async (t) => {
  const admin = await startTestAdmin(t)
  const post = (body: string, type: string) =>
    ask(admin, `${GATE}/start`, { method: 'POST', body, headers: { 'content-type': type } })
  t.equal((await post('a=b', 'application/x-www-form-urlencoded')).json.code, 'unsupported-media-type')
  t.equal((await post('{}', 'text/plain')).status, 415, 'what a form of another site can send is not read')
  const large = await post(JSON.stringify({ image: 'x'.repeat(65_536) }), 'application/json')
  t.same([large.status, large.json.code], [413, 'body-too-large'])
})

t.test('OpenAPI 3.1 describes every call', async (t) => {
  const admin = await startTestAdmin(t)
  const { json } = await ask(admin, '/openapi.json')
  t.equal(json.openapi, '3.1.0')
  const gate = '/v1/gates/{namespace}/{name}'
  const calls = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  const expected = [
    'get /v1/version',
    'get /v1/gates',
    `get ${gate}`,
    `get ${gate}/releases`,
    `get ${gate}/releases/{id}`,
    'get /v1/events',
    `put ${gate}/weights`,
    ...VERBS.map((verb) => `post ${gate}/${verb}`),
  ]
  t.same(calls.sort(), expected.sort())
  t.match(Object.keys(json.components.schemas), ['GateView', 'ReleaseRecord'])
  const refs = [...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    (match) => match[1]!,
  )
  t.ok(refs.length > 10)
  for (const ref of new Set(refs)) t.ok(ref in json.components.schemas, ref)
})

t.test('the page names the API', async (t) => {
  const admin: Admin = await startTestAdmin(t)
  const { status, headers, text } = await ask(admin, '/')
  t.equal(status, 200)
  t.match(headers['content-type'], 'text/html')
  t.match(text, '/openapi.json')
})
