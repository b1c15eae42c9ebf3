import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { Backend, type Echo, patternBytes } from '../../support/backend.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { RawClient, valuesOf } from '../../support/raw-client.ts'
import { codesOf, TestProxy, testGate, totals } from '../support/proxy.ts'

t.test('a request goes through with its bytes as they were, and is counted once', async (t) => {
  const backend = await Backend.start({ name: 'v1' })
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.get('/a%20b//c;d?q=%2F&&', 'Shop.example:80', 'X-One: 1\r\nx-one: 2\r\nConnection: keep-alive\r\n')
  const response = await client.response()
  const echo = JSON.parse(response.body.toString()) as Echo
  t.equal(response.status, 200)
  t.equal(echo.url, '/a%20b//c;d?q=%2F&&')
  t.match(echo.rawHeaders.join('|'), /^host\|Shop\.example:80\|.*\|X-One\|1\|x-one\|2\|/)
  t.equal(valuesOf(response, 'x-request-id').length, 1)
  t.equal(valuesOf(response, 'connection')[0], 'keep-alive')
  await client.get('/again')
  t.equal((await client.response()).status, 200, 'the connection lives on')
  const { stable, gate: all } = totals(gate)
  t.match(
    { offered: stable.offered, attempts: stable.attempts, inFlight: stable.inFlight },
    { offered: 2, attempts: 2, inFlight: 0 },
  )
  t.equal(codesOf(stable, 200), 2)
  t.equal(all.succeeded, 2)
  const [line] = await proxy.logged(2)
  t.match(line, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.path': '/a%20b//c;d',
    'url.domain': 'shop.example',
    'streamgate.gate': 'default/shop',
    'streamgate.variant': 'stable',
    'streamgate.attempts': 1,
    'streamgate.flags': [],
  })
})

t.test('answers of the proxy itself say why and nothing else', async (t) => {
  const proxy = await TestProxy.start(t, undefined)
  const ask = async (bytes: string): Promise<[number, string | undefined]> => {
    const client = await RawClient.connect(proxy.port)
    await client.write(bytes)
    const response = await client.response(bytes.startsWith('HEAD') ? 'HEAD' : 'GET')
    client.destroy()
    return [response.status, response.headers.get('x-streamgate-reason')]
  }
  t.same(await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), [404, 'no-route'])
  t.same(await ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'), [404, 'no-route'])
  t.same(await ask('GET / HTTP/1.1\r\n\r\n'), [400, 'bad-host'])
  t.same(await ask('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'), [400, 'bad-host'])
  t.same(await ask('TRACE / HTTP/1.1\r\nHost: a\r\n\r\n'), [405, 'method-not-allowed'])
  t.same(await ask('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'), [405, 'method-not-allowed'])
  t.same(await ask('GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'), [417, 'expectation-failed'])
  t.same(await ask(`GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(100)}\r\n`), [431, 'too-many-headers'])
  t.same(await ask(`GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`), [431, 'head-too-large'])
  t.same(await ask('GET / HTTP/1.1\r\nHost: a\r\nbad header: x\r\n\r\n'), [400, 'bad-request'])
  t.same(await ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'), [
    400,
    'bad-request',
  ])
})

t.test('a head that does not come is answered 408', async (t) => {
  const timeouts = { headerMs: 200, idleMs: 60_000, maxConnectionAgeMs: 0, drainMs: 0 }
  const proxy = await TestProxy.start(t, undefined, { timeouts })
  const client = await RawClient.connect(proxy.port)
  await client.write('GET / HTTP/1.1\r\nHo')
  const response = await client.response()
  t.same([response.status, response.headers.get('x-streamgate-reason')], [408, 'header-timeout'])
  t.match(await client.untilEnd(), { error: undefined })
})

t.test('bodies go both ways whole: with a length, and in chunks', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const bytes = patternBytes(3_000_000)
  const sha = createHash('sha256').update(bytes).digest('hex')
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes.length}\r\n\r\n`)
  await client.write(bytes)
  const first = JSON.parse((await client.response()).body.toString()) as Echo
  t.match(first, { bodyBytes: bytes.length, bodySha256: sha })
  t.notOk(
    first.rawHeaders.some((name) => /transfer-encoding/i.test(name)),
    'a length stays a length',
  )
  await client.write('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let at = 0; at < bytes.length; at += 500_000) {
    await client.write('7a120;ext=1\r\n')
    await client.write(bytes.subarray(at, at + 500_000))
    await client.write('\r\n')
  }
  await client.write('0\r\nx-trailer: 1\r\n\r\n')
  const second = JSON.parse((await client.response()).body.toString()) as Echo
  t.match(second, { bodyBytes: bytes.length, bodySha256: sha })
  await client.get('/bytes/3000000')
  t.ok((await client.response()).body.equals(bytes), 'down with a length')
  await client.get('/chunked/3000000')
  const chunked = await client.response()
  t.equal(chunked.framing, 'chunked')
  t.ok(chunked.body.equals(bytes), 'down in chunks')
  const logged = await proxy.logged(4)
  t.equal(logged[0]!['http.request.bytes'], bytes.length)
  t.equal(logged[3]!['http.response.bytes'], bytes.length)
})

t.test('HEAD, 204 and 304 have no body and keep the connection', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write('HEAD /bytes/1000 HTTP/1.1\r\nHost: a\r\n\r\n')
  const head = await client.response('HEAD')
  t.same([head.status, head.headers.get('content-length')], [200, '1000'])
  for (const status of [204, 304]) {
    await client.get(`/status/${status}`)
    const response = await client.response()
    t.same([response.status, response.framing, response.headers.get('transfer-encoding')], [status, 'none', undefined])
  }
  await client.get('/status/200')
  t.equal((await client.response()).body.toString(), 'status 200')
})

t.test('HTTP/1.0 gets an answer without chunks that ends with the connection', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  await client.write('GET /chunked/1000 HTTP/1.0\r\nHost: a\r\n\r\n')
  const response = await client.response()
  t.equal(response.framing, 'close')
  t.ok(response.body.equals(patternBytes(1000)))
})

t.test('early hints and trailers are passed on', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.get('/hints')
  const hints = await client.response()
  t.same([hints.status, hints.headers.get('link')], [103, '</style.css>; rel=preload; as=style'])
  t.equal((await client.response()).body.toString(), 'hinted')
  await client.get('/trailers')
  const response = await client.response()
  t.equal(response.headers.get('trailer'), 'x-checksum')
  t.match(response.trailers.join('|'), /x-checksum\|abc/)
})

t.test('the head of a 1xx answer is filtered as any other', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.request()
    const own = 'Link: </a.css>\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAlt-Svc: clear\r\n'
    await connection.send(`HTTP/1.1 103 Early Hints\r\n${own}X-StreamGate-Reason: lie\r\n\r\n`)
    await connection.answer('fine')
  })
  t.teardown(() => upstream.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [upstream.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.get('/')
  await client.until((bytes) => bytes.includes('fine'))
  const [hint] = client.buffered.toString('latin1').split('\r\n\r\n')
  t.match(hint, /^HTTP\/1\.1 103 .*\r\nLink: <\/a\.css>\r\n/)
  t.notMatch(hint, /connection|x-hop|alt-svc|x-streamgate/i)
})

t.test('100-continue is answered when the body is wanted, and not for a request that is refused', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const limits = {
    maxHeaderBytes: 16_384,
    maxHeaders: 100,
    maxBodyBytes: 100,
    maxConnections: 0,
    maxConnectionsPerClient: 0,
  }
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), { limits })
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
  t.equal((await client.response()).status, 100)
  await client.write('hello')
  const echo = JSON.parse((await client.response()).body.toString()) as Echo
  t.equal(echo.bodyBytes, 5)
  t.notOk(echo.rawHeaders.some((name) => /^expect$/i.test(name)))
  await client.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n')
  const refused = await client.response()
  t.same([refused.status, refused.headers.get('connection')], [413, 'close'])
})

t.test('a body that grows beyond the limit is answered 413, read by a client that still uploads', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const limits = {
    maxHeaderBytes: 16_384,
    maxHeaders: 100,
    maxBodyBytes: 1000,
    maxConnections: 0,
    maxConnectionsPerClient: 0,
  }
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate, { limits })
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let i = 0; i < 20; i++) await client.write(`64\r\n${'x'.repeat(100)}\r\n`)
  const response = await client.response()
  t.same([response.status, response.headers.get('x-streamgate-reason')], [413, 'body-too-large'])
  t.equal(response.headers.get('connection'), 'close')
  // Closed with care: a client in the middle of its upload is not reset, as that may cost it the answer.
  for (let i = 0; i < 5; i++) {
    await client.write(`64\r\n${'x'.repeat(100)}\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  client.socket.end()
  t.match(await client.untilEnd(), { text: '', error: undefined })
  await proxy.logged(1)
  t.match(totals(gate).stable, { failed: 0, inFlight: 0 })
})

t.test('a client that sends all of its body after an early refusal is read to the end, not reset', async (t) => {
  const upstream = await evilUpstream(async (connection) => {
    await connection.until((text) => text.includes('begin'))
    await connection.answer('no', '401 Unauthorized')
  })
  t.teardown(() => upstream.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [upstream.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  // More than the buffers of a connection hold: it is sent only if somebody reads it.
  const rest = Buffer.alloc(32_000_000, 'x')
  await client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${rest.length + 5}\r\n\r\nbegin`)
  await client.until((bytes) => bytes.includes('401'))
  await client.write(rest)
  t.equal(client.error, undefined, 'the upload went through')
  t.equal((await client.response()).status, 401)
})

t.test('server-sent events arrive one by one, at once', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  await client.get('/sse/0')
  await client.until((bytes) => bytes.includes('data: 0\n\n'))
  t.match(client.buffered.toString(), /^HTTP\/1\.1 200 OK\r\n/)
  client.destroy()
  const [line] = await proxy.logged(1)
  t.equal(line!['http.response.status_code'], 499)
})

t.test('a head without a body yet is not held back', async (t) => {
  const open: (() => void)[] = []
  const backend = await Backend.start({
    handle(_request, response) {
      const out = response as ServerResponse
      out.writeHead(200, { 'content-type': 'text/plain' })
      out.flushHeaders()
      open.push(() => out.end('late'))
      return true
    },
  })
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.get('/')
  await client.until((bytes) => bytes.includes('\r\n\r\n'))
  open[0]!()
  t.equal((await client.response()).body.toString(), 'late')
})

t.test('pipelined requests are answered in order', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.write(
    'GET /delay/100 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/201 HTTP/1.1\r\nHost: a\r\n\r\nGET /hints HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  t.equal(JSON.parse((await client.response()).body.toString()).url, '/delay/100')
  t.equal((await client.response()).status, 201)
  // Its hints are dropped when they come before its turn, and sent when they come in it.
  let third = await client.response()
  if (third.status === 103) third = await client.response()
  t.equal(third.body.toString(), 'hinted')
})

t.test('a slow reader holds the upstream back, and gets everything', async (t) => {
  let written = 0
  const total = 40_000_000
  const chunk = Buffer.alloc(65_536, 'x')
  const backend = await Backend.start({
    handle(_request, response) {
      const out = response as NodeJS.WritableStream
      const more = (): void => {
        while (written < total) {
          written += chunk.length
          if (!out.write(chunk)) {
            out.once('drain', more)
            return
          }
        }
        out.end()
      }
      more()
      return true
    },
  })
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }))
  const client = await RawClient.connect(proxy.port)
  client.socket.pause()
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  // Nobody reads: the backend comes to a stand. It is still when two looks, far apart, see the same.
  let before = -1
  while (written !== before || written === 0) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  t.ok(written < total / 2, `${written} bytes are on the way`)
  let received = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (bytes: Buffer) => {
    received += bytes.length
    if (received > total) client.socket.destroy()
  })
  client.socket.resume()
  await once(client.socket, 'close')
  t.ok(received > total)
})

t.test('connections beyond the limits are closed', async (t) => {
  const limits = {
    maxHeaderBytes: 16_384,
    maxHeaders: 100,
    maxBodyBytes: 0,
    maxConnections: 5,
    maxConnectionsPerClient: 1,
  }
  const proxy = await TestProxy.start(t, undefined, { limits })
  const first = await RawClient.connect(proxy.port)
  await first.get('/')
  t.equal((await first.response()).status, 404)
  const second = await RawClient.connect(proxy.port)
  await second.untilEnd()
  t.ok(second.ended, 'one a client')
  first.socket.end()
  await once(first.socket, 'close')
  const third = await RawClient.connect(proxy.port)
  await third.get('/')
  t.equal((await third.response()).status, 404)
  third.destroy()
})

t.test('a connection that is old is closed after its answer', async (t) => {
  const timeouts = { headerMs: 10_000, idleMs: 60_000, maxConnectionAgeMs: 1, drainMs: 0 }
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), { timeouts })
  const client = await RawClient.connect(proxy.port)
  await client.get('/delay/20')
  t.equal((await client.response()).headers.get('connection'), 'close')
  t.match(await client.untilEnd(), { text: '', error: undefined })
})

t.test('an idle connection, and an upload that stands still, are closed after the idle time', async (t) => {
  const timeouts = { headerMs: 10_000, idleMs: 300, maxConnectionAgeMs: 0, drainMs: 0 }
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate, { timeouts })
  const client = await RawClient.connect(proxy.port)
  await client.get('/delay/900')
  t.equal((await client.response()).status, 200, 'waiting for the upstream is not idle')
  await client.untilEnd()
  const upload = await RawClient.connect(proxy.port)
  await upload.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
  await upload.untilEnd()
  const lines = await proxy.logged(2)
  t.equal(lines[1]!['http.response.status_code'], 499)
  t.equal(totals(gate).stable.failed, 0)
})
