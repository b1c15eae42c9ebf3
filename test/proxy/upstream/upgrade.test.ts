import type { Readable } from 'node:stream'
import t from 'tap'
import { Backend } from '../../support/backend.ts'
import { certificateFor } from '../../support/certificates.ts'
import { evilUpstream } from '../../support/evil-upstream.ts'
import { frame, readFrames } from '../../support/websocket.ts'
import { upstreamTo } from './upstream-fixture.ts'

const UPGRADE = ['Host', 'shop.example.com', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-a', '1']
const request = { method: 'GET', path: '/chat', headers: [...UPGRADE, 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='] }

const textOf = async (body: Readable): Promise<string> => {
  let text = ''
  for await (const chunk of body) text += (chunk as Buffer).toString('latin1')
  return text
}

for (const protocol of ['http', 'https'] as const) {
  t.test(`${protocol}: a tunnel`, async (t) => {
    const certificate = protocol === 'https' ? certificateFor() : undefined
    const backend = await Backend.start({ protocol, ...(certificate ? { certificate } : {}) })
    const { upstream, endpoint, close } = upstreamTo(backend.origin, {
      tls: certificate ? { caPem: certificate.caPem } : {},
    })
    t.teardown(async () => {
      await close()
      await backend.close()
    })
    const answer = await upstream.upgrade(endpoint, request).answer
    if (answer.kind !== 'switched') return t.fail(answer.kind)
    t.ok(answer.rawHeaders.join().includes('sec-websocket-accept,s3pPLMBiTxaQ9kYGzzhZRbK+xOo='))
    const payload = Buffer.alloc(70_000, 'x')
    answer.socket.write(frame(2, payload, Buffer.from([1, 2, 3, 4])))
    let got = answer.head
    for await (const chunk of answer.socket) {
      got = Buffer.concat([got, chunk as Buffer])
      const { frames } = readFrames(got)
      if (frames.length > 0) {
        t.ok(frames[0]!.payload.equals(payload))
        break
      }
    }
  })
}

t.test('the head is sent as it is, and what follows the answer’s head is kept', async (t) => {
  const evil = await evilUpstream(async (connection) => {
    const head = await connection.request()
    t.equal(
      head,
      'GET /base/chat HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-a: 1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await connection.drip('HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r', 5)
    await connection.send('\n\x00first')
  })
  const { upstream, endpoint, close } = upstreamTo(evil.origin, {}, { basePath: '/base' })
  const answer = await upstream.upgrade(endpoint, request).answer
  if (answer.kind !== 'switched') return t.fail(answer.kind)
  t.equal(answer.head.toString('latin1'), '\x00first')
  t.same(answer.rawHeaders, ['Upgrade', 'websocket'])
  // Half-open: what the upstream ends does not end what we send.
  evil.connections[0]!.halfClose()
  answer.socket.resume()
  await new Promise((resolve) => answer.socket.once('end', resolve))
  answer.socket.write('still here')
  t.ok(await evil.connections[0]!.until((text) => text === 'still here'))
  answer.socket.destroy()
  await evil.close()
  await close()
})

t.test('ordinary answers are passed on', async (t) => {
  const table: [string, string, string | Error][] = [
    ['length', 'HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\nno wayEXTRA', 'no way'],
    ['empty', 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n', ''],
    ['204', 'HTTP/1.1 204 No\r\n\r\nEXTRA', ''],
    [
      'chunked',
      'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nno \r\n3\r\nway\r\n0\r\nX-T: 1\r\n\r\n',
      'no way',
    ],
    ['close', 'HTTP/1.1 403 No\r\n\r\nno way', 'no way'],
    ['cut short', 'HTTP/1.1 403 No\r\nContent-Length: 60\r\n\r\nno way', new Error('cut short')],
    ['cut in a chunk', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nno', new Error('cut short')],
    ['bad chunk', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno way', new Error('malformed')],
    ['bare LF in chunks', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\nno \r\n', new Error('malformed')],
  ]
  for (const size of [1, 7, 1000]) {
    for (const [name, bytes, expected] of table) {
      const evil = await evilUpstream(async (connection) => {
        await connection.request()
        await connection.drip(bytes, size)
        connection.halfClose()
      })
      const { upstream, endpoint, close } = upstreamTo(evil.origin)
      const answer = await upstream.upgrade(endpoint, request).answer
      if (answer.kind !== 'refused') t.fail(`${name} ${answer.kind}`)
      else if (typeof expected === 'string') t.equal(await textOf(answer.body), expected, `${name} by ${size}`)
      else await t.rejects(textOf(answer.body), new RegExp(expected.message), `${name} by ${size}`)
      await evil.close()
      await close()
    }
  }
})

t.test('failures', async (t) => {
  const table: [string, string, object][] = [
    ['garbage', 'SSH-2.0\r\n\r\n', { kind: 'reset', unsent: false }],
    ['101 without Upgrade', 'HTTP/1.1 101 Go\r\n\r\n', { kind: 'reset' }],
    ['folded header', 'HTTP/1.1 101 Go\r\nUpgrade: a\r\n b\r\n\r\n', { kind: 'reset' }],
    ['bare LF', 'HTTP/1.1 101 Go\nUpgrade: a\r\n\r\n', { kind: 'reset' }],
    ['status 999', 'HTTP/1.1 999 Go\r\nUpgrade: a\r\n\r\n', { kind: 'reset' }],
    ['too long', `HTTP/1.1 101 Go\r\nUpgrade: ${'a'.repeat(17_000)}\r\n\r\n`, { kind: 'reset' }],
    ['too long and endless', `HTTP/1.1 101 Go\r\nUpgrade: ${'a'.repeat(40_000)}`, { kind: 'reset' }],
    [
      'length and chunked',
      'HTTP/1.1 400 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      { kind: 'reset' },
    ],
    ['ends in the head', 'HTTP/1.1 101 Go\r\n', { kind: 'reset', unsent: false }],
  ]
  for (const [name, bytes, expected] of table) {
    const evil = await evilUpstream(async (connection) => {
      await connection.request()
      await connection.send(bytes)
      connection.halfClose()
    })
    const { upstream, endpoint, close } = upstreamTo(evil.origin)
    const answer = await upstream.upgrade(endpoint, request).answer
    t.match(answer, { kind: 'failed', failure: expected }, name)
    await evil.close()
    await close()
  }
  await t.test('no answer, no connection, aborted, invalid', async (t) => {
    const evil = await evilUpstream(async (connection) => void (await connection.request()))
    const { upstream, endpoint, close } = upstreamTo(evil.origin, { responseTimeoutMs: 50 })
    t.match(await upstream.upgrade(endpoint, request).answer, {
      kind: 'failed',
      failure: { kind: 'timeout', unsent: false },
    })
    const before = upstream.upgrade(endpoint, request)
    before.abort()
    t.match(await before.answer, { kind: 'failed', failure: { kind: 'aborted', unsent: true } })
    const bad = upstream.upgrade(endpoint, { ...request, headers: ['Host', 'a\r\nX: y'] })
    t.match(await bad.answer, { kind: 'failed', failure: { kind: 'aborted', unsent: true } })
    await evil.close()
    t.match(await upstream.upgrade(endpoint, request).answer, {
      kind: 'failed',
      failure: { kind: 'connect', unsent: true },
    })
    await close()
  })
})
