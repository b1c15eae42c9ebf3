import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { HookConfig } from '../../src/config/schema.ts'
import { HookCaller } from '../../src/controller/hooks/caller.ts'
import type { HookPayload } from '../../src/controller/hooks/payload.ts'

interface Seen {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A hook's server: answers as `answer` says and keeps what it saw. */
async function server(t: Test, answer: (seen: Seen, response: ServerResponse) => void) {
  const seen: Seen[] = []
  const http = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body }
      seen.push(one)
      answer(one, response)
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  return { seen, url: `http://127.0.0.1:${(http.address() as { port: number }).port}` }
}

const status =
  (code: number, body = '') =>
  (_seen: Seen, response: ServerResponse) =>
    void response.writeHead(code).end(body)

const hook = (url: string, changes: Partial<HookConfig> = {}): HookConfig => ({
  phase: 'BeforeStep',
  url,
  timeout: 10_000,
  retries: 0,
  format: 'Json',
  ...changes,
})

const payload = (changes: Partial<HookPayload> = {}): HookPayload => ({
  type: 'BeforeStep',
  id: 'default/shop/1.1/1/BeforeStep/0',
  time: '2026-01-01T00:00:00.000Z',
  gate: { namespace: 'default', name: 'shop' },
  release: { id: '1', revision: 'v2', strategy: 'Canary', phase: 'Progressing' },
  step: 1,
  weights: { stable: 100, canary: 0 },
  serving: 'stable',
  candidate: 'canary',
  ...changes,
})

function caller(t: Test, warn: (fields: object, message: string) => void = () => {}): HookCaller {
  const log = { info() {}, warn, error() {} }
  const hooks = new HookCaller({ clock: systemClock, log })
  t.teardown(() => hooks.close())
  return hooks
}
const never = new AbortController().signal
const ask = (hooks: HookCaller, ...list: HookConfig[]) => hooks.ask(list, 'BeforeStep', payload(), never)

t.test('the HTTP client is loaded by the first call, not before', async (t) => {
  const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /undici.index\.js$/.test(file))
  const hooks = caller(t)
  hooks.tell([], payload())
  t.equal(loaded(), false)
  const { url } = await server(t, status(204))
  await ask(hooks, hook(url))
  t.equal(loaded(), true)
})

t.test('a 2xx passes; the body says what is asked of', async (t) => {
  const { seen, url } = await server(t, status(204))
  t.match(await ask(caller(t), hook(`${url}/check`)), { result: 'passed' })
  t.equal(seen[0]?.path, '/check')
  t.strictSame(JSON.parse(seen[0]!.body), payload())
})

t.test('with a secret, time and body are signed', async (t) => {
  const { seen, url } = await server(t, status(200))
  const dir = mkdtempSync(join(tmpdir(), 'streamgate-hook-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'secret'), 'hush\n')
  await ask(caller(t), hook(url, { secretFile: join(dir, 'secret') }))
  const { headers, body } = seen[0]!
  const timestamp = headers['x-streamgate-timestamp']
  t.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
  const expected = createHmac('sha256', 'hush').update(`${timestamp}.${body}`).digest('hex')
  t.equal(headers['x-streamgate-signature'], `sha256=${expected}`)
})

t.test('another status refuses at once, with what the hook says', async (t) => {
  const { seen, url } = await server(t, status(403, 'not on\n a Friday'))
  const answer = await ask(caller(t), hook(url, { retries: 3 }))
  t.match(answer, { result: 'refused', detail: /answered 403: not on a Friday/ })
  t.equal(seen.length, 1)
})

t.test('a server error is asked again, and may pass', async (t) => {
  let calls = 0
  const { url } = await server(t, (_seen, response) => void response.writeHead(++calls < 3 ? 503 : 200).end())
  t.match(await ask(caller(t), hook(url, { retries: 2 })), { result: 'passed' })
  t.equal(calls, 3)
})

t.test('a redirect is not followed', async (t) => {
  const { seen, url } = await server(t, (_seen, response) => void response.writeHead(302, { location: '/else' }).end())
  t.match(await ask(caller(t), hook(url)), { result: 'refused', detail: /302 \(redirects are not followed\)/ })
  t.equal(seen.length, 1)
})

t.test('nobody there and no answer are not refusals', async (t) => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as { port: number }
  closed.close()
  t.match(await ask(caller(t), hook(`http://127.0.0.1:${port}`)), {
    result: 'unreachable',
    detail: /connection refused/,
  })
  const { url } = await server(t, () => {})
  t.match(await ask(caller(t), hook(url, { timeout: 50 })), { result: 'unreachable', detail: /no answer within 50 ms/ })
})

t.test('a missing secret is said', async (t) => {
  t.match(await ask(caller(t), hook('http://127.0.0.1:1', { secretFile: '/nowhere/secret' })), {
    result: 'unreachable',
    detail: /secret cannot be read/,
  })
})

t.test('the log names a hook by its host: password, path and query may be credentials', async (t) => {
  const { url } = await server(t, status(403))
  const { host } = new URL(url)
  const logged: { fields: object; message: string }[] = []
  let told = () => {}
  const toldOf = new Promise<void>((resolve) => (told = resolve))
  const hooks = caller(t, (fields, message) => {
    logged.push({ fields, message })
    if (logged.length === 2) told()
  })
  const secret = `http://user:s3cret@${host}/services/s3cret?token=s3cret`
  await ask(hooks, hook(secret))
  hooks.tell([hook(secret, { phase: 'OnEvent' })], payload({ type: 'Event' }))
  await toldOf
  t.match(logged, [{ fields: { hook: host } }, { fields: { hook: host } }])
  t.notMatch(JSON.stringify(logged), /s3cret/)
})

t.test('an endless answer is cut', async (t) => {
  const { url } = await server(t, (_seen, response) => {
    response.writeHead(400)
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  })
  const { result, detail } = await ask(caller(t), hook(url))
  t.equal(result, 'refused')
  t.ok(detail.length < 400)
})

t.test('hooks of one phase are asked in order; the first that refuses decides', async (t) => {
  const first = await server(t, status(200))
  const second = await server(t, status(409))
  const third = await server(t, status(200))
  const other = hook(third.url, { phase: 'AfterStep' })
  t.match(await ask(caller(t), other, hook(first.url), hook(second.url), hook(third.url)), { result: 'refused' })
  t.equal(first.seen.length, 1)
  t.equal(third.seen.length, 0)
})

t.test('events come in order, a slow hook loses the oldest, and nobody waits', async (t) => {
  const open: ServerResponse[] = []
  let got: (() => void) | undefined
  const { seen, url } = await server(t, (_seen, response) => {
    open.push(response)
    got?.()
  })
  const next = async (count: number) => {
    while (seen.length < count) await new Promise<void>((resolve) => (got = resolve))
  }
  const hooks = caller(t)
  const events = [hook(url, { phase: 'OnEvent' })]
  for (let n = 0; n < 300; n++) hooks.tell(events, payload({ type: 'Event', step: n }))
  await next(1)
  open[0]!.end()
  await next(2)
  open[1]!.end()
  await next(3)
  const steps = seen.map(({ body }) => JSON.parse(body).step)
  t.strictSame(steps, [0, 200, 201])
})

t.test("Slack's format", async (t) => {
  const { seen, url } = await server(t, status(200))
  const decision = {
    time: '2026-01-01T00:00:00.000Z',
    phase: 'RolledBack',
    step: 1,
    weights: { stable: 100, canary: 0 },
    verdict: 'Degraded',
    reason: 'ErrorRate',
    message: 'canary failed <6> of 41',
    evidence: null,
  } as const
  await caller(t).ask([hook(url, { format: 'Slack' })], 'BeforeStep', payload({ decision }), never)
  const { text, attachments } = JSON.parse(seen[0]!.body)
  t.equal(text, '*default/shop: release 1 of v2*\nRolledBack: canary failed &lt;6&gt; of 41 (ErrorRate)')
  t.match(attachments, [{ color: 'danger', fields: [{ title: 'stable', value: '100 %' }, {}] }])
})
