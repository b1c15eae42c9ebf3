import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import {
  ENDPOINT_SLICES,
  GATES,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isNotFound,
  isTransient,
  type KubeAccess,
  KubeClient,
  KubeError,
  LEASES,
  SECRETS,
  type WatchEvent,
} from '../../src/kube/index.ts'
import { certificateFor } from '../support/certificates.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ScriptedApi } from './support/api-server.ts'
import { clientOf, object, until } from './support/things.ts'

const shop = { namespace: 'shop', name: 'web' }

async function failed(promise: Promise<unknown>): Promise<KubeError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof KubeError) return error
    throw error
  }
  throw new Error('it did not fail')
}

t.test('calls over HTTP', async (t) => {
  const api = await ScriptedApi.start()
  const client = clientOf(api)
  t.teardown(async () => {
    await client.close()
    await api.stop()
  })

  t.test('verbs, paths, queries and bodies are those of the API conventions', async (t) => {
    const got = client.get(GATES, shop)
    let ask = await api.next()
    t.equal(`${ask.method} ${ask.path}`, 'GET /apis/streamgate.dev/v1alpha1/namespaces/shop/gates/web')
    t.equal(ask.headers['user-agent'], 'test/1')
    ask.answer(200, object('web', '7'))
    t.equal((await got).metadata.resourceVersion, '7')

    const listed = client.list(SECRETS, { namespace: 'shop', labelSelector: 'a=b,c', fieldSelector: 'x=y', limit: 2 })
    ask = await api.next()
    t.equal(`${ask.method} ${ask.path}`, 'GET /api/v1/namespaces/shop/secrets')
    t.same(Object.fromEntries(ask.query), { labelSelector: 'a=b,c', fieldSelector: 'x=y', limit: '2' })
    ask.list([object('a', '1')], '9', 'more')
    t.match(await listed, { items: [{ metadata: { name: 'a' } }], resourceVersion: '9', continue: 'more' })

    const all = client.list(ENDPOINT_SLICES, {})
    ask = await api.next()
    t.equal(ask.path, '/apis/discovery.k8s.io/v1/endpointslices')
    ask.list([], '9')
    t.equal((await all).continue, undefined, 'no more pages')

    const created = client.create(LEASES, 'shop', { metadata: { name: 'web' } })
    ask = await api.next()
    t.equal(`${ask.method} ${ask.path}`, 'POST /apis/coordination.k8s.io/v1/namespaces/shop/leases')
    t.same(ask.json(), { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'web' } })
    ask.answer(201, object('web', '1'))
    await created

    const patched = client.mergePatch(GATES, shop, { spec: null }, { subresource: 'status' })
    ask = await api.next()
    t.equal(`${ask.method} ${ask.path}`, 'PATCH /apis/streamgate.dev/v1alpha1/namespaces/shop/gates/web/status')
    t.equal(ask.headers['content-type'], 'application/merge-patch+json')
    t.same(ask.json(), { spec: null })
    ask.answer(200, object('web', '8'))
    await patched

    const applied = client.apply(
      GATES,
      shop,
      { metadata: { resourceVersion: '8' } },
      { fieldManager: 'me', force: true },
    )
    ask = await api.next()
    t.equal(ask.headers['content-type'], 'application/apply-patch+yaml')
    t.same(Object.fromEntries(ask.query), { fieldManager: 'me', force: 'true' })
    t.same(ask.json(), {
      apiVersion: 'streamgate.dev/v1alpha1',
      kind: 'Gate',
      metadata: { resourceVersion: '8', name: 'web', namespace: 'shop' },
    })
    ask.answer(200, object('web', '9'))
    await applied

    const gone = client.delete(GATES, shop, { uid: 'u' })
    ask = await api.next()
    t.equal(ask.method, 'DELETE')
    t.match(ask.json(), { kind: 'DeleteOptions', preconditions: { uid: 'u' } })
    ask.refuse(404, 'NotFound', 'gone')
    await gone
    t.pass('what is gone already is no error')
  })

  t.test('an error names verb, resource, object, status and reason', async (t) => {
    const cases: [number, string, (error: unknown) => boolean][] = [
      [404, 'NotFound', isNotFound],
      [403, 'Forbidden', isForbidden],
      [409, 'Conflict', isConflict],
      [409, 'AlreadyExists', isAlreadyExists],
      [410, 'Expired', isGone],
      [503, 'ServiceUnavailable', isTransient],
    ]
    for (const [code, reason, is] of cases) {
      const failing = failed(client.mergePatch(GATES, shop, {}, { subresource: 'status' }))
      ;(await api.next()).refuse(code, reason, 'because of this')
      const error = await failing
      t.equal(
        error.message,
        `patch gates.streamgate.dev/status shop/web: ${code} ${reason}: because of this`,
        error.message,
      )
      for (const [, other, predicate] of cases) t.equal(predicate(error), other === reason, `${reason}: ${other}?`)
      t.equal(is(error), true)
    }
  })

  t.test('an answer that is no Status is told by its status and its text', async (t) => {
    const failing = failed(client.get(GATES, shop))
    ;(await api.next()).answer(502, '<html>\n bad   gateway </html>', { 'retry-after': '7' })
    const error = await failing
    t.equal(error.status, 502)
    t.equal(error.retryAfterMs, 7000)
    t.match(error.message, /502 Unexpected: <html> bad gateway <\/html>$/)
  })

  t.test('an answer that is no JSON, or a list without a version, is refused', async (t) => {
    const one = failed(client.get(GATES, shop))
    ;(await api.next()).answer(200, 'not json')
    t.equal((await one).reason, 'BadAnswer')
    const two = failed(client.list(GATES, {}))
    ;(await api.next()).answer(200, { items: [] })
    t.equal((await two).reason, 'BadAnswer')
  })

  t.test('a connection that dies is Unreachable, and the next call has a new one', async (t) => {
    const failing = failed(client.get(GATES, shop))
    ;(await api.next()).drop()
    const error = await failing
    t.equal(error.status, 0)
    t.equal(error.reason, 'Unreachable')
    t.ok(isTransient(error))
    const got = client.get(GATES, shop)
    ;(await api.next()).answer(200, object('web', '1'))
    await got
  })

  t.test('a watch gives its events in order, however they are cut', async (t) => {
    const events: WatchEvent[] = []
    let opened = 0
    const watch = client.watch(
      GATES,
      { namespace: 'shop', resourceVersion: '5', timeoutS: 60 },
      (event) => events.push(event),
      () => opened++,
    )
    const ask = await api.next()
    t.same(Object.fromEntries(ask.query), {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '5',
      timeoutSeconds: '60',
    })
    const stream = ask.stream()
    const text = Buffer.from(
      ['a', 'ö', '€'].map((name) => `${JSON.stringify({ type: 'ADDED', object: object(name, '6') })}\n`).join('\r\n'),
    )
    for (const byte of text) stream.raw(Buffer.from([byte]))
    stream.end()
    await watch.ended
    t.equal(opened, 1)
    t.same(
      events.map((event) => event.object.metadata.name),
      ['a', 'ö', '€'],
    )
  })

  t.test('a watch that breaks off, says nonsense or is refused fails; one that is closed does not', async (t) => {
    const begin = () => client.watch(GATES, { resourceVersion: '5', timeoutS: 60 }, () => {})
    let watch = begin()
    ;(await api.next()).stream().break()
    t.equal((await failed(watch.ended)).reason, 'Unreachable')
    for (const nonsense of ['{"type":"ADDED"\n', '{"type":"WHAT","object":{}}\n', 'null\n']) {
      watch = begin()
      const stream = (await api.next()).stream()
      stream.raw(nonsense)
      t.equal((await failed(watch.ended)).reason, 'BadAnswer')
      await stream.closed
    }
    watch = begin()
    ;(await api.next()).refuse(410, 'Expired', 'too old')
    t.ok(isGone(await failed(watch.ended)))
    watch = begin()
    const { closed } = (await api.next()).stream()
    watch.close()
    await watch.ended
    await closed
  })
})

t.test('what is too large or too late is given up', async (t) => {
  const api = await ScriptedApi.start()
  const clock = new ManualClock()
  const client = new KubeClient({
    access: { server: api.url, namespace: 'default', origin: 'test' },
    clock,
    userAgent: 'test',
    timeoutMs: 5_000,
    maxBytes: 1_000,
  })
  t.teardown(async () => {
    await client.close()
    await api.stop()
  })
  const large = failed(client.get(GATES, shop))
  ;(await api.next()).answer(200, { metadata: {}, text: 'x'.repeat(2_000) })
  t.equal((await large).reason, 'TooLarge')

  const endless = client.watch(GATES, { resourceVersion: '1', timeoutS: 10 }, () => {})
  ;(await api.next()).stream().raw('x'.repeat(2_000))
  t.equal((await failed(endless.ended)).reason, 'TooLarge')

  const late = failed(client.get(GATES, shop))
  await api.next()
  clock.advance(5_000)
  t.match((await late).message, /Timeout: no answer within 5000 ms$/)

  const stuck = client.watch(
    GATES,
    { resourceVersion: '1', timeoutS: 10 },
    () => {},
    () => clock.advance(25_000),
  )
  ;(await api.next()).stream()
  t.equal((await failed(stuck.ended)).reason, 'Timeout', 'a watch that the server forgets to end')

  const silent = client.watch(
    GATES,
    { resourceVersion: '1', timeoutS: 600 },
    () => clock.advance(179_000),
    () => clock.advance(179_000),
  )
  const silence = failed(silent.ended)
  const stream = (await api.next()).stream()
  stream.send('BOOKMARK', object('a', '2'))
  stream.send('BOOKMARK', object('a', '3'))
  await until(() => clock.nowMs() >= 1_000_000 + 5_000 + 25_000 + 3 * 179_000)
  clock.advance(1_000)
  t.match((await silence).message, /nothing came for 180000 ms/)
})

t.test('a call that was given up while it waited for a connection is never sent', async (t) => {
  const api = await ScriptedApi.start()
  const clock = new ManualClock()
  const client = new KubeClient({
    access: { server: api.url, namespace: 'default', origin: 'test' },
    clock,
    userAgent: 'test',
    timeoutMs: 60_000,
  })
  t.teardown(async () => {
    await client.close()
    await api.stop()
  })
  const get = (name: string, timeoutMs = 60_000) => client.get(GATES, { namespace: 'shop', name }, { timeoutMs })
  // As many as there are connections for calls; watches have others.
  const busy = Array.from({ length: 16 }, () => get('busy'))
  const asks = await Promise.all(busy.map(() => api.next()))
  const impatient = failed(get('impatient', 1_000))
  const patient = get('patient')
  clock.advance(1_000)
  t.equal((await impatient).reason, 'Timeout')
  for (const ask of asks) ask.answer(200, object('busy', '1'))
  await Promise.all(busy)
  const ask = await api.next()
  t.match(ask.path, /patient$/)
  t.notMatch(ask.path, /impatient/)
  ask.answer(200, object('patient', '1'))
  await patient
  t.equal(api.untaken, 0)
})

t.test('a server that is away is named', async (t) => {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  await new Promise((resolve) => server.close(resolve))
  const client = new KubeClient({
    access: { server: `http://127.0.0.1:${port}`, namespace: 'default', origin: 'test' },
    clock: systemClock,
    userAgent: 'test',
  })
  t.teardown(() => client.close())
  t.match((await failed(client.list(GATES, {}))).message, /^list gates\.streamgate\.dev: Unreachable: .*ECONNREFUSED/)
})

t.test('closing rejects what runs and what comes', async (t) => {
  const api = await ScriptedApi.start()
  t.teardown(() => api.stop())
  const client = clientOf(api)
  const running = failed(client.get(GATES, shop))
  const watching = failed(client.watch(GATES, { resourceVersion: '1', timeoutS: 10 }, () => {}).ended)
  await api.next()
  await api.next()
  await Promise.all([client.close(), client.close()])
  t.equal((await running).reason, 'Closed')
  t.equal((await watching).reason, 'Closed')
  t.equal((await failed(client.get(GATES, shop))).reason, 'Closed')
})

t.test('the server is verified, and the token is read again', async (t) => {
  const { certPem, keyPem, caPem, caFile } = certificateFor('127.0.0.1')
  const api = await ScriptedApi.start({ tls: { cert: certPem, key: keyPem } })
  t.teardown(() => api.stop())
  const file = join(t.testdir({ token: 'first\n' }), 'token')
  const clock = new ManualClock()
  const clientWith = (access: Partial<KubeAccess>) => {
    const client = new KubeClient({
      access: { server: `${api.url}/prefix`, namespace: 'default', origin: 'test', ...access },
      clock,
      userAgent: 'test',
    })
    t.teardown(() => client.close())
    return client
  }
  const client = clientWith({ ca: { file: caFile }, token: { file } })
  const told = async (): Promise<string | undefined> => {
    const got = client.get(GATES, shop)
    const ask = await api.next()
    t.equal(ask.path, '/prefix/apis/streamgate.dev/v1alpha1/namespaces/shop/gates/web')
    ask.answer(200, object('web', '1'))
    await got
    return ask.headers.authorization
  }
  t.equal(await told(), 'Bearer first')
  writeFileSync(file, 'second')
  t.equal(await told(), 'Bearer first', 'it is not read at every call')
  clock.advance(60_000)
  t.equal(await told(), 'Bearer second')
  writeFileSync(file, 'third')
  const refused = failed(client.get(GATES, shop))
  ;(await api.next()).refuse(401, 'Unauthorized', 'Unauthorized')
  t.equal((await refused).status, 401)
  t.equal(await told(), 'Bearer third', 'a token that is refused is read again at once')
  writeFileSync(file, '')
  clock.advance(60_000)
  t.equal(await told(), 'Bearer third', 'a file that is being replaced leaves the last one in use')

  const strange = await failed(clientWith({ token: { text: 'secret' } }).get(GATES, shop))
  t.equal(strange.reason, 'Unreachable', strange.message)
  t.match(strange.message, /certificate/, 'an unknown CA')
  const other = await failed(clientWith({ ca: { pem: caPem }, serverName: 'other.example' }).get(GATES, shop))
  t.match(other.message, /other\.example/, 'another name than the certificate has')
  t.equal(api.untaken, 0, 'neither got a request, and so no token')
  const missing = await failed(clientWith({ ca: { pem: caPem }, token: { file: `${file}.gone` } }).get(GATES, shop))
  t.match(missing.message, /ENOENT/)
})
