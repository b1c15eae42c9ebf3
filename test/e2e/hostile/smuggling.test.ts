import t from 'tap'
import { configOf } from '../support/program.ts'
import { Edge, gateOf, newId, shoot } from './support/edge.ts'
import { fieldsOf, Recorder } from './support/recorder.ts'

t.setTimeout(120_000)

interface Case {
  name: string
  /** Raw bytes, latin1. */
  bytes: string
  status: number
  reason?: string
  /** Default: closed. */
  connection?: 'kept' | 'closed'
  method?: string
}

const HOST = 'Host: localhost\r\n'
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
const post = (fields: string, body: string) => `POST /p HTTP/1.1\r\n${HOST}${fields}\r\n${body}`
const get = (fields: string, target = '/p', start = `GET ${target} HTTP/1.1\r\n${HOST}`) => `${start}${fields}\r\n`

/** What is refused, with a request behind it that a parser of another opinion would take for one. */
const REFUSED: Case[] = [
  ...(
    [
      ['F1 length and chunked', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F1 chunked and length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F1 chunked and length 0', post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 identity', post('Transfer-Encoding: identity\r\n', SMUGGLED)],
      ['F2 xchunked', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      [
        'F2 chunked twice',
        post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`),
      ],
      ['F2 chunked, chunked', post('Transfer-Encoding: chunked, chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 chunked with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 chunked with a parameter', post('Transfer-Encoding: chunked;q=1\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 quoted chunked', post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 empty coding', post('Transfer-Encoding:\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F2 chunked in HTTP/1.0', `POST /p HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
      ['F3 two lengths', post('Content-Length: 5\r\nContent-Length: 0\r\n', `hello${SMUGGLED}`)],
      ['F3 the same length twice', post('Content-Length: 5\r\nContent-Length: 5\r\n', `hello${SMUGGLED}`)],
      ['F3 a list of lengths', post('Content-Length: 5, 5\r\n', `hello${SMUGGLED}`)],
      ['F3 +5', post('Content-Length: +5\r\n', `hello${SMUGGLED}`)],
      ['F3 -5', post('Content-Length: -5\r\n', SMUGGLED)],
      ['F3 0x5', post('Content-Length: 0x5\r\n', `hello${SMUGGLED}`)],
      ['F3 5 5', post('Content-Length: 5 5\r\n', `hello${SMUGGLED}`)],
      ['F3 empty', post('Content-Length: \r\n', SMUGGLED)],
      ['F3 overflow', post('Content-Length: 18446744073709551621\r\n', `hello${SMUGGLED}`)],
      ['F3 1e1', post('Content-Length: 1e1\r\n', `hello${SMUGGLED}`)],
      ['F4 folded value', get('X-A: a\r\n b\r\n')],
      ['F4 folded length', post('Content-Length:\r\n 5\r\n', `hello${SMUGGLED}`)],
      ['F4 folded coding', post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F4 folded after a coding', post('Transfer-Encoding: chunked\r\n , identity\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F5 bare LF ends a line', `GET /p HTTP/1.1\nHost: localhost\n\n`],
      ['F5 bare LF between fields', get('X-A: a\nX-B: b\r\n')],
      ['F5 bare CR in a value', get('X-A: a\rX-B: b\r\n')],
      ['F5 CR CR LF', get('X-A: a\r\r\n')],
      ['F5 NUL in a value', get('X-A: a\0b\r\n')],
      ['F5 control byte in a value', get('X-A: a\x01b\r\n')],
      ['F5 DEL in a value', get('X-A: a\x7fb\r\n')],
      ['F5 NUL in a name', get('X\0A: a\r\n')],
      ['F5 control byte in a name', get('X\x02A: a\r\n')],
      ['F5 a byte above 127 in a name', get('X\xe4A: a\r\n')],
      ['F6 space before the colon', post('Content-Length : 5\r\n', `hello${SMUGGLED}`)],
      ['F6 tab before the colon', post('Transfer-Encoding\t: chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
      ['F6 space before the first field', `GET /p HTTP/1.1\r\n Host: localhost\r\n\r\n`],
      ['F6 a line without a colon', get('X-A\r\n')],
      ['F6 an empty name', get(': a\r\n')],
      ['F6 parentheses in a name', get('X(A): a\r\n')],
      ['F11 no Host', 'GET /p HTTP/1.1\r\n\r\n'],
      ['F11 two Hosts', get('Host: localhost\r\n')],
      ['F11 two Hosts, two names', get('Host: other\r\n')],
      ['F11 an empty Host', 'GET /p HTTP/1.1\r\nHost:\r\n\r\n'],
      ['F11 a list of Hosts', 'GET /p HTTP/1.1\r\nHost: localhost, other\r\n\r\n'],
      ['F11 a path in Host', 'GET /p HTTP/1.1\r\nHost: localhost/x\r\n\r\n'],
      ['F11 user information in Host', 'GET /p HTTP/1.1\r\nHost: a@localhost\r\n\r\n'],
      ['F11 a port that is none', 'GET /p HTTP/1.1\r\nHost: localhost:99999\r\n\r\n'],
      ['F11 a port of letters', 'GET /p HTTP/1.1\r\nHost: localhost:8x\r\n\r\n'],
      ['F11 a space in Host', 'GET /p HTTP/1.1\r\nHost: local host\r\n\r\n'],
      ['F11 an escape in Host', 'GET /p HTTP/1.1\r\nHost: local%68ost\r\n\r\n'],
      ['F11 an unclosed literal', 'GET /p HTTP/1.1\r\nHost: [::1\r\n\r\n'],
      ['F12 absolute form without a host', get('', 'http:///p')],
      ['F12 absolute form with user information', get('', 'http://a@b/p')],
      ['F12 absolute form of another scheme', get('', 'gopher://localhost/p')],
      ['F12 a star for OPTIONS: it is nobody’s in particular', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
      ['F12 a star for GET', get('', '*')],
      ['F12 a relative target', get('', 'p')],
      ['F19 a raw byte above 127 in the target', get('', '/\xe4')],
      ['F13 a fragment', get('', '/p#x')],
      ['F13 a space in the target', get('', '/p q')],
      ['F13 a tab in the target', get('', '/p\tq')],
      ['F13 a control byte in the target', get('', '/p\x01')],
      ['F13 an escaped NUL', get('', '/p%00')],
      ['F13 climbing', get('', '/a/../p')],
      ['F13 climbing, escaped', get('', '/a/%2e%2E/p')],
      ['F13 climbing by %2f', get('', '/a/..%2fp')],
      ['F13 climbing by a backslash', get('', '/a/..\\p')],
      ['F13 climbing with a parameter', get('', '/a/..;x/p')],
      ['F15 HTTP/1.2', `GET /p HTTP/1.2\r\n${HOST}\r\n`],
      ['F15 lower-case version', `GET /p http/1.1\r\n${HOST}\r\n`],
      ['F15 HTTP/01.1', `GET /p HTTP/01.1\r\n${HOST}\r\n`],
      ['F15 HTTP/0.9', 'GET /p\r\n\r\n'],
      ['a method that is no token', `GE(T /p HTTP/1.1\r\n${HOST}\r\n`],
      ['a TLS hello on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['an HTTP/2 preface on a plain port', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ] as const
  ).map(([name, bytes]): Case => ({ name, bytes, status: 400 })),
  { name: 'F12 CONNECT', bytes: `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`, status: 405 },
  { name: 'F12 TRACE', bytes: `TRACE /p HTTP/1.1\r\n${HOST}\r\n`, status: 405 },
  { name: 'F15 HTTP/2.0 in HTTP/1 form', bytes: `GET /p HTTP/2.0\r\n${HOST}\r\n`, status: 505 },
  { name: 'F15 HTTP/3.0', bytes: `GET /p HTTP/3.0\r\n${HOST}\r\n`, status: 505 },
  { name: 'F17 101 fields', bytes: get('X: y\r\n'.repeat(100)), status: 431, reason: 'too-many-headers' },
  { name: 'F17 a field that is too large', bytes: get(`X: ${'y'.repeat(17_000)}\r\n`), status: 431 },
  { name: 'F17 a target that is too large', bytes: get('', `/${'y'.repeat(17_000)}`), status: 431 },
  { name: 'an unknown expectation', bytes: get('Expect: 200-maybe\r\n'), status: 417 },
]

t.test('what is refused never reaches an upstream, nor does anything behind it', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))
  for (const { name, bytes, status, reason, method } of REFUSED) {
    await t.test(name, async (t) => {
      recorder.clear()
      const shot = await shoot(edge.port, bytes, method ? { method } : {})
      // RFC 9112 2.2, 2.3: what is not even HTTP may be 400 or 505.
      const wanted = /^F15|ends a line/.test(name)
        ? [400, 505]
        : name.includes('target that is too large')
          ? [414, 431]
          : [status]
      t.ok(wanted.includes(shot.status), `${shot.status} ${shot.reason}`)
      if (reason) t.equal(shot.reason, reason)
      t.equal(shot.response?.headers.get('content-type'), 'application/problem+json')
      t.match(shot.reason, /^[a-z0-9-]+$/, 'and why')
      t.equal(shot.rest, '', 'one answer')
      if (bytes.includes('/smuggled'))
        t.equal(shot.connection, 'closed', 'framing that is in doubt ends the connection')
      const reached = recorder.requests.filter(({ target }) => target !== '/after')
      t.same(reached, [], 'nothing reached the upstream')
      t.same(recorder.violations, [])
    })
  }
  await edge.unharmed(t)
})

t.test('what passes arrives exactly, in a frame of the proxy’s own', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))
  const cases: [name: string, bytes: string, target: string, body: string][] = [
    [
      'F7 chunk extensions',
      post('Transfer-Encoding: chunked\r\n', '5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n'),
      '/p',
      'hello',
    ],
    ['F7 leading zeros', post('Transfer-Encoding: chunked\r\n', '00005\r\nhello\r\n000\r\n\r\n'), '/p', 'hello'],
    [
      'F8 trailers that would be fields',
      post('Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\nX-Streamgate-Variant: a\r\nHost: evil\r\n\r\n'),
      '/p',
      'hello',
    ],
    ['CHUNKED in capitals', post('transfer-encoding: CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'), '/p', 'hello'],
    ['a body that looks like a request', post(`Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED), '/p', SMUGGLED],
    [
      'a GET with a body',
      `GET /p HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
      '/p',
      SMUGGLED,
    ],
    [
      'DELETE with chunks',
      `DELETE /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      '/p',
      'hello',
    ],
    [
      'OPTIONS with chunks',
      `OPTIONS /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      '/p',
      'hello',
    ],
    ['F12 absolute form', get('', 'http://localhost/q?x=http://a/b'), '/q?x=http://a/b', ''],
    [
      'F13 bytes of the path',
      get('', '/a//b/%7Ec;d=1/{e}|^`"<>?q={}&r=%zz'),
      '/a//b/%7Ec;d=1/{e}|^`"<>?q={}&r=%zz',
      '',
    ],
    ['F18 __proto__', get('__proto__: x\r\nconstructor: y\r\nhasOwnProperty: z\r\n'), '/p', ''],
    ['F19 latin1', get('X-A: \xe4\xff\r\n'), '/p', ''],
    ['two spaces behind the method', `GET  /p HTTP/1.1\r\n${HOST}\r\n`, '/p', ''],
    ['empty lines in front', `\r\n\r\n${get('')}`, '/p', ''],
  ]
  for (const [name, bytes, target, body] of cases) {
    await t.test(name, async (t) => {
      recorder.clear()
      const shot = await shoot(edge.port, bytes)
      t.equal(shot.status, 200, shot.reason)
      t.equal(shot.connection, 'kept')
      const [request, ...others] = recorder.requests.filter((one) => one.target !== '/after')
      t.equal(request?.target, target)
      t.equal(request?.body, body)
      t.same(others, [])
      t.same(fieldsOf(request!, 'host'), ['localhost'])
      t.same(fieldsOf(request!, 'x-streamgate-variant'), [])
      t.same(recorder.violations, [])
    })
  }

  await t.test('a body that is not chunked as RFC 9112 says never ends as a whole one', async (t) => {
    for (const body of [
      '5\nhello\r\n0\r\n\r\n',
      '0x5\r\nhello\r\n0\r\n\r\n',
      '5 \r\nhello\r\n0\r\n\r\n',
      ' 5\r\nhello\r\n0\r\n\r\n',
      '-1\r\nhello\r\n0\r\n\r\n',
      '5\r\nhelloX\r\n0\r\n\r\n',
      '5\r\nhelloXX0\r\n\r\n',
      '5\r\nhello\n0\r\n\r\n',
      'FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n',
      '5;\nx\r\nhello\r\n0\r\n\r\n',
      '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
      '5\r\nhello\r\n0\r\nbad trailer\r\n\r\n',
      '5\r\nhello\r\n0\r\n folded: x\r\n\r\n',
      `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
    ]) {
      recorder.clear()
      const shot = await shoot(edge.port, post('Transfer-Encoding: chunked\r\n', body))
      t.ok(
        shot.status === 0 || (shot.status >= 400 && shot.status < 500),
        `${JSON.stringify(body.slice(0, 30))}: ${shot.status}`,
      )
      t.equal(shot.connection, 'closed')
      t.same(recorder.requests, [], 'no whole request reached the upstream')
    }
    t.same(recorder.violations, [])
  })

  await t.test('F9 a client that leaves in the middle of its body takes the upstream connection with it', async (t) => {
    for (const framing of ['Content-Length: 100\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n']) {
      recorder.clear()
      const client = await edge.connect()
      await client.write(`POST /left HTTP/1.1\r\n${HOST}${framing}`)
      client.socket.resetAndDestroy()
      // Whatever comes next on any connection is a request of its own.
      for (let i = 0; i < 5; i++) await edge.sound(t)
      t.same(
        recorder.requests.filter(({ target }) => target === '/left'),
        [],
      )
    }
    t.same(recorder.violations, [])
  })
  await edge.unharmed(t)
})

t.test('fields that clients must not set', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))
  const seen = async (fields: string) => {
    recorder.clear()
    const shot = await shoot(edge.port, get(fields))
    t.equal(shot.status, 200, shot.reason)
    t.same(recorder.violations, [])
    return recorder.requests[0]!
  }
  const spoofed = await seen(
    'X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n' +
      'X-Streamgate-Variant: canary\r\nx-streamgate-reason: x\r\nX-Forwarded-Client-Cert: x\r\n',
  )
  t.same(fieldsOf(spoofed, 'x-forwarded-for'), ['127.0.0.1'])
  t.same(fieldsOf(spoofed, 'x-forwarded-proto'), ['http'])
  t.same(fieldsOf(spoofed, 'x-forwarded-host'), ['localhost'])
  t.same(fieldsOf(spoofed, 'x-forwarded-port'), [String(edge.port)])
  t.notOk(JSON.stringify(spoofed.fields).includes('1.2.3.4'), 'no trace of the spoofed address')
  t.notOk(spoofed.fields.some((name) => /^x-streamgate-/i.test(name)))
  t.same(fieldsOf(spoofed, 'x-forwarded-client-cert'), [])

  const abused = await seen(
    'Connection: close, x-forwarded-for, host, content-length, authorization, cookie, x-request-id, via, traceparent, x-mine\r\nAuthorization: Basic x\r\nCookie: a=b\r\nX-Mine: 1\r\n' +
      'Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
  )
  t.same(fieldsOf(abused, 'x-forwarded-for'), ['127.0.0.1'], 'a token of Connection takes nothing of ours away')
  t.same(fieldsOf(abused, 'authorization'), ['Basic x'])
  t.same(fieldsOf(abused, 'cookie'), ['a=b'])
  t.equal(fieldsOf(abused, 'x-request-id').length, 1)
  t.equal(fieldsOf(abused, 'via').length, 1)
  for (const name of ['x-mine', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade', 'http2-settings'])
    t.same(fieldsOf(abused, name), [], name)

  const underscored = await seen('X_Forwarded_For: 1.2.3.4\r\nX_Streamgate_Variant: canary\r\n')
  t.notOk(JSON.stringify(underscored.fields).includes('1.2.3.4'), 'F14: underscores are no way around')
  t.notOk(underscored.fields.some((name) => /^x.streamgate/i.test(name)))
  await edge.unharmed(t)
})

t.test('a path that could be read as one of another gate is refused, whatever its spelling', async (t) => {
  const open = await Recorder.start()
  const admin = await Recorder.start()
  t.teardown(() => Promise.all([open.close(), admin.close()]))
  const edge = await Edge.start(
    t,
    `${gateOf('shop', open.origin)}---\n${gateOf('admin', admin.origin, '  paths: [/admin]\n')}`,
  )
  for (const target of ['/admin', '/admin/x', '/%61dmin/x', '/admin?x=/../']) {
    admin.clear()
    t.equal((await shoot(edge.port, get('', target))).status, 200, target)
    t.equal(admin.requests.filter((one) => one.target === target).length, 1, `${target} is the admin gate’s`)
  }
  for (const target of ['/administrator', '/x/admin', '/ADMIN', '/x?/admin', '/%2561dmin']) {
    open.clear()
    t.equal((await shoot(edge.port, get('', target))).status, 200, target)
    t.equal(open.requests.filter((one) => one.target === target).length, 1, `${target} is not`)
  }
  admin.clear()
  open.clear()
  for (const target of [
    '//admin',
    '/./admin',
    '/%2e/admin',
    '/x/../admin',
    '/x/%2e%2e/admin',
    '/%2fadmin',
    '/\\admin',
    '/%5cadmin',
    '/admin/../x',
    '/admin%2f..%2fx',
    '/x%2f..%2fadmin',
    '/admin\\x',
    '/;a/../admin',
    '/admin/..;/x',
  ]) {
    const shot = await shoot(edge.port, get('', target))
    if (shot.status === 200) {
      // Allowed where every reading leads to the same gate.
      t.ok(
        /^\/admin[\\/]/.test(target) && admin.requests.some((one) => one.target === target),
        `${target} passes as what it is`,
      )
    } else t.equal(shot.reason, 'unsafe-path', target)
  }
  t.same(
    open.requests.filter(({ target }) => target !== '/after'),
    [],
    'none of them reached the open gate',
  )
  await edge.unharmed(t)
})

t.test('pipelining', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))

  await t.test('answers come in order, each its own', async (t) => {
    const client = await edge.connect()
    const ids = Array.from({ length: 50 }, newId)
    await client.write(ids.map((id) => get(`x-id: ${id}\r\n`)).join(''))
    for (const id of ids) t.equal((await client.response()).headers.get('x-id'), id)
    client.destroy()
  })

  // What follows a request that is not answered yet must not be answered in its place.
  for (const [name, behind] of [
    ['garbage', '\x01\x02garbage\r\n\r\n'],
    ['CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`],
    [
      'an upgrade',
      get('Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n', '/up'),
    ],
    ['a refused one and garbage', `${get('', '/a/../b')}\x01garbage\r\n\r\n`],
    ['a framing in doubt', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ] as const) {
    await t.test(`${name} behind a request in flight`, async (t) => {
      recorder.clear()
      const client = await edge.connect()
      const id = newId()
      await client.write(get(`x-id: ${id}\r\n`, '/held'))
      await recorder.came(1)
      await client.write(behind)
      // Let the proxy see what is behind, then let the first one be answered.
      for (let i = 0; i < 3; i++) await edge.sound(t)
      recorder.release()
      const { text } = await client.untilEnd()
      client.destroy()
      t.ok(
        text === '' || text.startsWith('HTTP/1.1 200'),
        `the first answer is the first request’s or none: ${JSON.stringify(text.slice(0, 80))}`,
      )
      t.ok(text === '' || text.includes(id))
      t.notOk(recorder.requests.some(({ target }) => target === '/smuggled'))
    })
  }

  await t.test('a client that leaves cancels all that it asked for', async () => {
    recorder.clear()
    const client = await edge.connect()
    await client.write(get('', '/held').repeat(20))
    await recorder.came(1)
    client.socket.resetAndDestroy()
    await edge.program.until('shop', ({ variants }) => variants.every(({ inFlight }) => inFlight === 0))
    recorder.release()
  })

  await t.test('one connection does not fill the endpoint', async (t) => {
    recorder.clear()
    const client = await edge.connect()
    client.write(get('', '/held').repeat(1500)).catch(() => {})
    // More wait than a connection may have waiting: it is cut, whether or not the first of them has reached the endpoint by then.
    await client.untilEnd()
    await edge.sound(t)
    client.socket.resetAndDestroy()
    recorder.release()
  })
  await edge.unharmed(t)
})

t.test('upgrades and expectations', async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(t, gateOf('shop', recorder.origin))
  for (const fields of [
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
    'Connection: Upgrade\r\nUpgrade: H2C\r\n',
    'Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n',
    'Upgrade: websocket\r\n',
    'Connection: close\r\nUpgrade: websocket\r\n',
  ]) {
    recorder.clear()
    const shot = await shoot(edge.port, get(fields))
    t.equal(shot.status, 200, 'served without the upgrade')
    t.same(fieldsOf(recorder.requests[0]!, 'upgrade'), [])
    t.same(fieldsOf(recorder.requests[0]!, 'http2-settings'), [])
  }
  await t.test('a body with an upgrade is no tunnel', async (t) => {
    recorder.clear()
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
    const shot = await shoot(edge.port, post(`${upgrade}Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED))
    t.equal(shot.status, 200)
    t.equal(recorder.requests[0]!.body, SMUGGLED)
    t.same(
      recorder.requests.filter(({ target }) => target === '/smuggled'),
      [],
    )
  })
  await t.test(
    'an upgrade that the endpoint does not make: what the client sent behind it is no request',
    async (t) => {
      recorder.clear()
      const shot = await shoot(edge.port, `${get('Connection: Upgrade\r\nUpgrade: websocket\r\n')}${SMUGGLED}`)
      t.equal(shot.status, 200, shot.reason)
      t.equal(shot.connection, 'closed')
      t.same(
        recorder.requests.filter(({ target }) => target === '/smuggled'),
        [],
      )
    },
  )
  await t.test('Expect', async (t) => {
    const client = await edge.connect()
    await client.write(post('Expect: 100-continue\r\nContent-Length: 5\r\n', ''))
    t.equal((await client.response()).status, 100)
    await client.write('hello')
    t.equal((await client.response()).status, 200)
    // Nobody waits for a body that was refused.
    await client.write(`POST /a/../b HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`)
    t.equal((await client.response()).status, 400)
    await client.untilEnd()
    client.destroy()
  })
  t.same(recorder.violations, [])
  await edge.unharmed(t)
})

t.test('the configuration of these tests is the default one', async (t) => {
  t.notMatch(configOf(''), /limits|timeouts/)
})
