import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { connect as tlsConnect } from 'node:tls'
import t from 'tap'
import { Backend, type Echo, patternBytes } from '../../support/backend.ts'
import { certificateFor } from '../../support/certificates.ts'
import { RawClient } from '../../support/raw-client.ts'
import { codesOf, HTTP, TestProxy, testGate, testSnapshot, totals } from '../support/proxy.ts'

const listener = (...names: string[]) => {
  const { certPem, keyPem } = certificateFor(...names)
  return { certPem, keyPem, names }
}
const HTTPS = {
  ...HTTP,
  name: 'https',
  protocol: 'HTTPS' as const,
  certificates: [listener('a.test'), listener('*.b.test', 'b.test')],
}
const { caPem } = certificateFor('a.test')

async function nameSeen(port: number, servername: string): Promise<string> {
  const socket = tlsConnect({ port, host: '127.0.0.1', servername, ca: caPem, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname ?? ''
}

t.test('certificates are chosen by name, the first one without a match, and reloaded', async (t) => {
  const gate = testGate({ stable: [] })
  const proxy = await TestProxy.start(t, gate, { listeners: [HTTPS] })
  const port = proxy.portOf('https')
  t.equal(await nameSeen(port, 'a.test'), 'DNS:a.test')
  t.equal(await nameSeen(port, 'x.b.test'), 'DNS:*.b.test, DNS:b.test')
  t.equal(await nameSeen(port, 'B.TEST'), 'DNS:*.b.test, DNS:b.test')
  t.equal(await nameSeen(port, 'x.y.b.test'), 'DNS:a.test')
  t.equal(await nameSeen(port, 'unknown.test'), 'DNS:a.test')
  const next = { ...HTTPS, certificates: [listener('c.test')] }
  t.same(await proxy.host.apply(testSnapshot(gate, { version: 2, listeners: [next] }), { https: port }), [])
  t.equal(await nameSeen(port, 'a.test'), 'DNS:c.test')
  const broken = { ...HTTPS, certificates: [{ certPem: 'no', keyPem: 'no', names: [] }] }
  const failed = await proxy.host.apply(testSnapshot(gate, { version: 3, listeners: [broken] }), { https: port })
  t.equal(failed[0]?.name, 'https')
  t.equal(await nameSeen(port, 'a.test'), 'DNS:c.test', 'a bad certificate changes nothing')
  await t.rejects(
    once(
      tlsConnect({
        port,
        host: '127.0.0.1',
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        ca: caPem,
        servername: 'a.test',
      }),
      'secureConnect',
    ),
    'TLS 1.1 is refused',
  )
})

t.test('HTTP/1 over TLS', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), { listeners: [HTTPS] })
  const client = await RawClient.connectTls(proxy.portOf('https'), { ca: caPem, servername: 'a.test' })
  t.teardown(() => client.destroy())
  await client.get('/echo', 'a.test')
  const echo = JSON.parse((await client.response()).body.toString()) as Echo
  t.equal(echo.rawHeaders[echo.rawHeaders.indexOf('X-Forwarded-Proto') + 1], 'https')
  await client.get('/bytes/1000000', 'a.test')
  t.ok((await client.response()).body.equals(patternBytes(1_000_000)))
})

async function h2(proxy: TestProxy): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${proxy.portOf('https')}`, { ca: caPem, servername: 'a.test' })
  session.on('error', () => {})
  await once(session, 'connect')
  return session
}

interface Answer {
  headers: Record<string, unknown>
  body: Buffer
  trailers: Record<string, unknown>
  hints: Record<string, unknown>[]
  code: number
}

async function request(session: ClientHttp2Session, headers: Record<string, string>, body?: Buffer): Promise<Answer> {
  const stream = session.request({ ':authority': 'a.test', ...headers }, { endStream: body === undefined })
  const answer: Answer = { headers: {}, body: Buffer.alloc(0), trailers: {}, hints: [], code: 0 }
  stream.on('headers', (hints) => answer.hints.push(hints))
  stream.on('response', (received) => {
    answer.headers = received
  })
  stream.on('trailers', (received) => {
    answer.trailers = received
  })
  stream.on('data', (chunk: Buffer) => {
    answer.body = Buffer.concat([answer.body, chunk])
  })
  stream.on('error', () => {})
  if (body) stream.end(body)
  await new Promise((resolve) => stream.once('close', resolve))
  answer.code = stream.rstCode
  return answer
}

t.test('HTTP/2: an answer that ends before the request does has its trailers, and ends the stream', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), { listeners: [HTTPS] })
  const session = await h2(proxy)
  t.teardown(() => session.destroy())
  const ask = async (method: string, path: string) => {
    const stream = session.request({ ':authority': 'a.test', ':method': method, ':path': path }, { endStream: false })
    t.teardown(() => stream.destroy())
    const answer = { status: 0, body: '', checksum: undefined as unknown, code: 0 }
    stream.on('response', (headers) => {
      answer.status = headers[':status'] ?? 0
    })
    stream.on('trailers', (fields) => {
      answer.checksum = fields['x-checksum']
    })
    stream.on('data', (chunk: Buffer) => {
      answer.body += chunk.toString()
    })
    stream.on('error', () => {})
    stream.write('begin')
    await new Promise((resolve) => stream.once('close', resolve))
    answer.code = stream.rstCode
    return answer
  }
  const { NGHTTP2_NO_ERROR: code } = constants
  t.same(await ask('POST', '/trailers'), { status: 200, body: 'body with trailers', checksum: 'abc', code })
  t.match(await ask('POST', '/chunked/10'), { status: 200, checksum: undefined, code })
  t.match(await ask('POST', '/status/204'), { status: 204, code })
  t.match(await ask('POST', '/bytes/10'), { status: 200, code })
})

t.test('HTTP/2: heads, bodies, hints, trailers, refusals', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const limits = {
    maxHeaderBytes: 16_384,
    maxHeaders: 100,
    maxBodyBytes: 2_000_000,
    maxConnections: 0,
    maxConnectionsPerClient: 0,
  }
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate, { listeners: [HTTPS], limits })
  const session = await h2(proxy)
  t.teardown(() => session.destroy())
  t.equal(session.alpnProtocol, 'h2')
  const bytes = patternBytes(1_000_000)
  const [get, post, down, hints, trailers, head, none] = await Promise.all([
    request(session, { ':path': '/echo?x=1', cookie: 'a=1' }),
    request(session, { ':path': '/echo', ':method': 'POST' }, bytes),
    request(session, { ':path': '/bytes/1000000' }),
    request(session, { ':path': '/hints' }),
    request(session, { ':path': '/trailers' }),
    request(session, { ':path': '/bytes/10', ':method': 'HEAD' }),
    request(session, { ':path': '/status/204' }),
  ])
  const echo = JSON.parse(get.body.toString()) as Echo
  t.equal(echo.url, '/echo?x=1')
  t.equal(echo.rawHeaders[echo.rawHeaders.indexOf('host') + 1], 'a.test')
  t.match(get.headers, { ':status': 200, 'x-request-id': /^[0-9a-f]{32}$/, connection: undefined })
  t.equal(JSON.parse(post.body.toString()).bodyBytes, bytes.length)
  t.ok(down.body.equals(bytes))
  t.match(hints.hints[0], { ':status': 103, link: '</style.css>; rel=preload; as=style' })
  t.match(trailers.trailers, { 'x-checksum': 'abc' })
  t.match(head.headers, { ':status': 200, 'content-length': '10' })
  t.equal(head.body.length, 0)
  t.match(none.headers, { ':status': 204 })
  const large = await request(session, { ':path': '/echo', ':method': 'POST' }, Buffer.alloc(2_000_001))
  t.match(large.headers, { ':status': 413, 'x-streamgate-reason': 'body-too-large' })
  const bad = await request(session, { ':path': '/%2e%2e/x' })
  t.match(bad.headers, { ':status': 400 })
  t.match(totals(gate).stable, { inFlight: 0, failed: 0 })
})

t.test('HTTP/2: an upstream that dies resets the stream, not the session; a client that leaves cancels', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const proxy = await TestProxy.start(t, gate, { listeners: [HTTPS] })
  const session = await h2(proxy)
  t.teardown(() => session.destroy())
  const cut = await request(session, { ':path': '/truncate' })
  t.equal(cut.code, constants.NGHTTP2_INTERNAL_ERROR)
  const stream = session.request({ ':authority': 'a.test', ':path': '/hang' })
  stream.on('error', () => {})
  while (backend.requests < 2) await new Promise((resolve) => setImmediate(resolve))
  const [socket] = [...backend.sockets]
  stream.close(constants.NGHTTP2_CANCEL)
  if (!socket!.destroyed) await once(socket!, 'close')
  await proxy.logged(2)
  t.equal(codesOf(totals(gate).stable, 499), 1)
  t.equal((await request(session, { ':path': '/status/201' })).headers[':status'], 201, 'the session lives on')
})

t.test('HTTP/2: a client that opens and resets streams without end is sent away', async (t) => {
  const proxy = await TestProxy.start(t, testGate({ stable: [] }), { listeners: [HTTPS] })
  const session = await h2(proxy)
  const gone = new Promise((resolve) => session.once('close', resolve))
  let opened = 0
  const flood = (): void => {
    for (let i = 0; i < 50 && !session.destroyed && !session.closed; i++) {
      const stream = session.request({ ':authority': 'a.test', ':path': '/' })
      stream.on('error', () => {})
      stream.close(constants.NGHTTP2_CANCEL)
      opened++
    }
    if (!session.destroyed && opened < 20_000) setImmediate(flood)
  }
  flood()
  await gone
  t.ok(opened < 20_000, `${opened} streams`)
})

t.test('redirect: https keeps method and path', async (t) => {
  const proxy = await TestProxy.start(t, undefined, { listeners: [{ ...HTTP, redirectHttps: true }] })
  const client = await RawClient.connect(proxy.port)
  t.teardown(() => client.destroy())
  await client.get('/a%20b?q=1', 'Shop.Example:8080')
  const response = await client.response()
  t.same([response.status, response.headers.get('location')], [308, 'https://shop.example/a%20b?q=1'])
  await client.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
  t.equal((await client.response()).status, 400)
})

t.test('PROXY protocol: from trusted peers, both versions, in front of HTTP and TLS', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const listeners = [
    { ...HTTP, proxyProtocol: true },
    { ...HTTPS, proxyProtocol: true },
  ]
  const proxy = await TestProxy.start(t, testGate({ stable: [backend.origin] }), {
    listeners,
    trustedProxies: ['127.0.0.1'],
  })
  const forwardedFor = (body: Buffer) => {
    const { rawHeaders } = JSON.parse(body.toString()) as Echo
    return rawHeaders[rawHeaders.indexOf('X-Forwarded-For') + 1]
  }
  const client = await RawClient.connect(proxy.port)
  await client.write('PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal(forwardedFor((await client.response()).body), '192.0.2.7')
  await client.get('/echo')
  t.equal(forwardedFor((await client.response()).body), '192.0.2.7', 'for the whole connection')
  client.destroy()
  const second = await RawClient.connect(proxy.port)
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc000020ac000020110e10050', 'hex')
  await second.write(v2.subarray(0, 20))
  await second.write(v2.subarray(20))
  await second.get('/echo')
  t.equal(forwardedFor((await second.response()).body), '192.0.2.10')
  second.destroy()
  const invalid = await RawClient.connect(proxy.port)
  await invalid.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal((await invalid.untilEnd()).text, '')
})
