import t from 'tap'
import { type EvilConnection, evilUpstream } from '../../support/evil-upstream.ts'
import { RawClient } from '../../support/raw-client.ts'
import { Edge, newId } from './support/edge.ts'

t.setTimeout(180_000)

/** What the client must see: an answer of the proxy's own, its own whole answer (by the id in the body), or a body that visibly breaks off. */
type Expected = { status: number; reason: string; kind: string } | 'own' | { cut: string }

interface Evil {
  /** Path, unique. */
  name: string
  act: (connection: EvilConnection, id: string) => Promise<void> | void
  expected: Expected
  method?: string
  body?: string
  /** Served by the gate with short time-outs. */
  slow?: boolean
}

const reset: Expected = { status: 502, reason: 'upstream-reset', kind: 'reset' }
const protocol: Expected = { status: 502, reason: 'upstream-protocol', kind: 'reset' }
const late: Expected = { status: 504, reason: 'response-timeout', kind: 'timeout' }
const head = (fields: string, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields}\r\n`
const raw = (bytes: string | ((id: string) => string)) => (connection: EvilConnection, id: string) =>
  connection.send(typeof bytes === 'string' ? bytes : bytes(id))
const then = (bytes: string, end: 'close' | 'reset') => async (connection: EvilConnection) => {
  await connection.send(bytes)
  connection[end]()
}
const tick = () => new Promise<void>((done) => setImmediate(done))

const EVILS: Evil[] = [
  { name: 'reset-at-once', act: (c) => c.reset(), expected: reset },
  { name: 'close-at-once', act: (c) => c.close(), expected: reset },
  { name: 'close-in-status-line', act: then('HTTP/1.', 'close'), expected: reset },
  { name: 'reset-in-status-line', act: then('HTTP/1.1 20', 'reset'), expected: reset },
  { name: 'close-in-head', act: then('HTTP/1.1 200 OK\r\nX-A: b', 'close'), expected: reset },
  { name: 'reset-before-empty-line', act: then('HTTP/1.1 200 OK\r\nX-A: b\r\n', 'reset'), expected: reset },
  { name: 'truncated-length', act: then(`${head('Content-Length: 10\r\n')}half`, 'close'), expected: { cut: 'reset' } },
  { name: 'reset-length', act: then(`${head('Content-Length: 10\r\n')}half`, 'reset'), expected: { cut: 'reset' } },
  {
    name: 'truncated-chunk',
    act: then(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhel`, 'close'),
    expected: { cut: 'reset' },
  },
  {
    name: 'truncated-between-chunks',
    act: then(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n`, 'close'),
    expected: { cut: 'reset' },
  },
  {
    name: 'truncated-last-chunk',
    act: then(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n`, 'close'),
    expected: { cut: 'reset' },
  },
  {
    name: 'truncated-trailers',
    act: then(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\nX-T: a\r\n`, 'close'),
    expected: { cut: 'reset' },
  },
  { name: 'reset-close-delimited', act: then(`${head('')}half`, 'reset'), expected: { cut: 'reset' } },
  {
    name: 'bad-chunk-size',
    act: raw(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\nzz\r\n`),
    expected: { cut: 'reset' },
  },
  {
    name: 'bad-chunk-end',
    act: raw(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhelloXX0\r\n\r\n`),
    expected: { cut: 'reset' },
  },
  { name: 'garbage', act: raw('\x00\x01\x02\x03 no http at all\r\n\r\n'), expected: protocol },
  { name: 'ssh', act: raw('SSH-2.0-OpenSSH_9.6\r\n'), expected: protocol },
  { name: 'http-0.9', act: then('<html>hello</html>', 'close'), expected: protocol },
  { name: 'status-000', act: raw(head('Content-Length: 0\r\n', '000 No')), expected: protocol },
  { name: 'status-099', act: raw(head('Content-Length: 0\r\n', '099 No')), expected: protocol },
  { name: 'status-600', act: raw(head('Content-Length: 0\r\n', '600 No')), expected: protocol },
  { name: 'status-888', act: raw(head('Content-Length: 0\r\n', '888 No')), expected: protocol },
  { name: 'status-1000', act: raw(head('Content-Length: 0\r\n', '1000 No')), expected: protocol },
  { name: 'status-2x', act: raw(head('Content-Length: 0\r\n', '2x0 No')), expected: protocol },
  { name: 'two-lengths', act: raw(`${head('Content-Length: 2\r\nContent-Length: 3\r\n')}hello`), expected: protocol },
  { name: 'negative-length', act: raw(`${head('Content-Length: -2\r\n')}hello`), expected: protocol },
  {
    name: 'length-and-chunked',
    act: raw(`${head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n\r\n`),
    expected: protocol,
  },
  { name: 'unknown-coding', act: then(`${head('Transfer-Encoding: gzip\r\n')}hello`, 'close'), expected: protocol },
  { name: 'nul-in-value', act: raw(head('X-A: a\0b\r\nContent-Length: 0\r\n')), expected: protocol },
  { name: 'cr-in-value', act: raw(head('X-A: a\rSet-Cookie: b\r\nContent-Length: 0\r\n')), expected: protocol },
  { name: 'space-before-colon', act: raw(head('X-A : b\r\nContent-Length: 0\r\n')), expected: protocol },
  { name: 'huge-head', act: raw(head(`X-A: ${'a'.repeat(100_000)}\r\nContent-Length: 0\r\n`)), expected: protocol },
  { name: 'many-fields', act: raw(head(`${'X-A: a\r\n'.repeat(20_000)}Content-Length: 0\r\n`)), expected: protocol },
  {
    name: 'unasked-101',
    act: raw(head('Connection: upgrade\r\nUpgrade: websocket\r\n', '101 Switching Protocols')),
    expected: reset,
  },
  {
    name: 'endless-1xx',
    expected: protocol,
    act: async (c) => {
      while (!c.socket.destroyed && !c.socket.readableEnded) {
        await c.send(head('Link: </a>; rel=preload\r\n', '103 Early Hints').repeat(200))
        await tick()
      }
    },
  },
  { name: 'silent', act: () => {}, expected: late, slow: true },
  {
    name: 'dripping-head',
    slow: true,
    expected: late,
    act: (c) => c.drip(head(`X-A: ${'a'.repeat(10_000)}\r\n`), 1, () => new Promise((done) => setTimeout(done, 50))),
  },
  { name: 'stalled-body', slow: true, expected: { cut: 'timeout' }, act: raw(`${head('Content-Length: 10\r\n')}half`) },
  {
    name: 'stalled-chunk',
    slow: true,
    expected: { cut: 'timeout' },
    act: raw(`${head('Transfer-Encoding: chunked\r\n')}5\r\nhe`),
  },

  { name: 'plain', act: (c, id) => c.answer(id, '200 OK', `X-Id: ${id}\r\n`), expected: 'own' },
  { name: 'drip', act: (c, id) => c.drip(`${head(`Content-Length: ${id.length}\r\n`)}${id}`), expected: 'own' },
  {
    name: 'close-delimited',
    act: async (c, id) => {
      await c.send(`${head('')}${id}`)
      c.halfClose()
    },
    expected: 'own',
  },
  {
    name: 'unasked-100',
    act: raw((id) => `${head('', '100 Continue')}${head(`Content-Length: ${id.length}\r\n`)}${id}`),
    expected: 'own',
  },
  {
    name: 'some-1xx',
    act: raw(
      (id) =>
        `${head('', '102 Processing').repeat(3)}${head('Link: </a>\r\n', '103 Early Hints').repeat(3)}${head(`Content-Length: ${id.length}\r\n`)}${id}`,
    ),
    expected: 'own',
  },
  {
    name: 'two-answers',
    act: raw((id) => `${head(`Content-Length: ${id.length}\r\n`)}${id}${head('Content-Length: 7\r\n')}strange`),
    expected: 'own',
  },
  {
    name: 'too-long',
    act: raw((id) => `${head(`Content-Length: ${id.length}\r\n`)}${id}and more than that`),
    expected: 'own',
  },
  {
    name: 'bytes-when-idle',
    act: async (c, id) => {
      await c.answer(id)
      await tick()
      await c.send(`${head('Content-Length: 7\r\n')}strange`)
    },
    expected: 'own',
  },
  {
    name: 'close-when-idle',
    act: async (c, id) => {
      await c.answer(id)
      c.halfClose()
    },
    expected: 'own',
  },
  {
    name: 'reset-when-idle',
    act: async (c, id) => {
      await c.answer(id)
      await tick()
      c.reset()
    },
    expected: 'own',
  },
  {
    name: 'head-with-body',
    method: 'HEAD',
    act: (c, id) => c.answer('a body that HEAD has not', '200 OK', `X-Id: ${id}\r\n`),
    expected: 'own',
  },
  { name: '204-with-body', act: raw((id) => `${head(`X-Id: ${id}\r\n`, '204 No Content')}strange`), expected: 'own' },
  {
    name: '304-with-body',
    act: raw((id) => `${head(`X-Id: ${id}\r\nContent-Length: 7\r\n`, '304 Not Modified')}strange`),
    expected: 'own',
  },
  {
    name: 'early-answer',
    method: 'POST',
    body: 'x'.repeat(200_000),
    act: (c, id) => c.answer(id, '413 Too Large', 'Connection: close\r\n'),
    expected: 'own',
  },
  {
    name: 'early-answer-and-reset',
    method: 'POST',
    body: 'x'.repeat(200_000),
    act: async (c, id) => {
      await c.answer(id, '413 Too Large')
      c.halfClose()
    },
    expected: 'own',
  },
]

const GATE = (name: string, origin: string, path: string, upstream: string) => `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: ${name}}
spec:
  paths: [${path}]
  variants: [{name: only, urls: ["${origin}"]}]
  upstream: {${upstream}, outlierEjection: {consecutive5xx: 0}, retries: {attempts: 0}}
`
const QUICK = 'timeouts: {connect: 20s, response: 500ms, idle: 500ms}'
const PATIENT = 'timeouts: {connect: 60s, response: 60s, idle: 60s}'

/** Plays the script that the path names; on one connection as often as it is asked. */
async function play(connection: EvilConnection): Promise<void> {
  for (;;) {
    if (!(await connection.until((text) => text.includes('\r\n\r\n')))) return
    const text = connection.received
    const [, name] = /^[A-Z]+ \/(?:slow\/)?([^ ]+) /.exec(text) ?? []
    const [, id = ''] = /\r\nx-id: ([^\r]+)\r\n/i.exec(text) ?? []
    const evil = EVILS.find((one) => one.name === name)
    // One that answers early does not wait for the body.
    if (!evil?.name.startsWith('early') && (await connection.request()) === undefined) return
    await (evil ?? EVILS.find((one) => one.name === 'plain')!).act(connection, id)
    if (evil?.name.startsWith('early')) return
  }
}

/** Sends one request and says what became of it; throws when an answer is not its own. */
async function attack(port: number, evil: Evil, version: '1.1' | '1.0'): Promise<string> {
  const id = newId()
  const { method = 'GET', body = '' } = evil
  const client = await RawClient.connect(port)
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  void client.write(
    `${method} ${evil.slow ? '/slow' : ''}/${evil.name} HTTP/${version}\r\nHost: a\r\nx-id: ${id}\r\n${length}\r\n${body}`,
  )
  try {
    for (;;) {
      const response = await client.response(method)
      if (response.status < 200) {
        if (version === '1.0') throw new Error('1xx to HTTP/1.0')
        continue
      }
      const reason = response.headers.get('x-streamgate-reason')
      if (reason !== undefined) return `${response.status} ${reason}`
      const mine = response.body.toString() === id || response.headers.get('x-id') === id
      return mine ? 'own' : `strange ${response.status} ${JSON.stringify(response.body.toString().slice(0, 100))}`
    }
  } catch (error) {
    // The strict client says so when an answer is not whole.
    return `cut: ${(error as Error).message.slice(0, 100)}`
  } finally {
    client.destroy()
  }
}

t.test('evil upstreams', async (t) => {
  const upstream = await evilUpstream(play)
  t.teardown(() => upstream.close())
  const edge = await Edge.start(
    t,
    `${GATE('shop', upstream.origin, '/', PATIENT)}---\n${GATE('slow', upstream.origin, '/slow', QUICK)}`,
  )
  const wanted = ({ expected }: Evil) =>
    expected === 'own' ? /^own$/ : 'cut' in expected ? /^cut: / : new RegExp(`^${expected.status} ${expected.reason}$`)
  const kinds = new Map<string, number>()

  for (const version of ['1.1', '1.0'] as const) {
    for (const evil of EVILS) {
      await t.test(`${evil.name}, HTTP/${version}`, async (t) => {
        t.match(await attack(edge.port, evil, version), wanted(evil))
        const { expected } = evil
        if (expected === 'own') return
        const kind = `${evil.slow ? 'slow' : 'shop'} ${'cut' in expected ? expected.cut : expected.kind}`
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      })
    }
  }

  await t.test('each failure was counted, by its kind', async (t) => {
    for (const [key, count] of kinds) {
      const [gate, kind] = key.split(' ')
      await edge.metricIs(t, count, 'streamgate_upstream_failures_total', `gate="default/${gate}"`, `kind="${kind}"`)
    }
    for (const kind of ['connect', 'overflow', 'unavailable'])
      t.equal(await edge.metric('streamgate_upstream_failures_total', `kind="${kind}"`), 0, kind)
  })

  await t.test('all at once, among sound ones: no answer is ever another one’s', async (t) => {
    const quick = EVILS.filter(({ slow, name }) => !slow && name !== 'endless-1xx')
    const jobs = Array.from({ length: 400 }, (_, i) =>
      i % 2 === 0 ? quick.find(({ name }) => name === 'plain')! : quick[(i * 7) % quick.length]!,
    )
    const wrong: string[] = []
    // Connections are shared with the evil answers: one that was kept may be reset under a sound request, and the one it is repeated on too.
    // That failure is honest, as long as it is rare; a strange answer never is.
    let lost = 0
    const worker = async () => {
      for (let job = jobs.pop(); job; job = jobs.pop()) {
        const seen = await attack(edge.port, job, '1.1')
        if (wanted(job).test(seen)) continue
        if (seen.startsWith('502 upstream-reset')) lost++
        else wrong.push(`${job.name}: ${seen}`)
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    t.same(wrong, [])
    t.ok(lost <= 20, `${lost} of 400 were lost with their connections`)
  })
  await edge.unharmed(t, 'shop', '/plain')
  t.equal((await edge.program.gate('slow')).variants[0]!.inFlight, 0)
})

t.test('bounded memory: an upstream that talks for ever to a client that does not listen', async (t) => {
  let sent = 0
  const upstream = await evilUpstream(async (connection) => {
    const request = await connection.request()
    if (request === undefined) return
    const block = request.includes('/hints')
      ? head(`Link: <${'a'.repeat(2000)}>\r\n`, '103 Early Hints').repeat(20)
      : 'x'.repeat(65_536)
    if (!request.includes('/hints')) await connection.send(head('Content-Length: 100000000000\r\n'))
    while (!connection.socket.destroyed && sent < 400_000_000) {
      await connection.send(block)
      sent += block.length
    }
  })
  t.teardown(() => upstream.close())
  const edge = await Edge.start(t, GATE('shop', upstream.origin, '/', PATIENT))
  for (const path of ['/body', '/hints']) {
    sent = 0
    const before = edge.memoryMb
    const client = await edge.connect()
    client.socket.pause()
    await client.get(path)
    // Back-pressure reaches the upstream, or the answer is given up: what it can send comes to a stand.
    let last = -1
    while (last !== sent || sent === 0) {
      last = sent
      await new Promise((again) => setTimeout(again, 1000))
    }
    t.ok(sent < 100_000_000, `${path}: stopped after ${sent} bytes`)
    t.ok(edge.memoryMb - before < 100, `${path}: ${Math.round(edge.memoryMb - before)} MB more`)
    client.destroy()
    await edge.program.until('shop', ({ variants }) => variants.every(({ inFlight }) => inFlight === 0))
  }
  t.same(edge.faults, [])
})
