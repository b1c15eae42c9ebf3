import { createHash } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { Backend, type Echo, patternBytes } from '../../support/backend.ts'
import { turns, upstreamTo } from './upstream-fixture.ts'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

t.test('requests and answers pass as they are', async (t) => {
  const backend = await Backend.start()
  const { send, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })

  await t.test('raw headers, in order, duplicates and case kept, latin1', async (t) => {
    const { status, body, calls } = await send({
      path: '/echo/%2e%2E/a;b?x=1&x=[2]',
      headers: ['Host', 'shop.example.com', 'X-A', '1', 'x-a', '2', 'Cookie', 'a=b', 'X-Latin', '\u00e4'],
    })
    const echo = JSON.parse(body.toString()) as Echo
    t.equal(status, 200)
    t.equal(echo.url, '/echo/%2e%2E/a;b?x=1&x=[2]')
    t.same(echo.rawHeaders.slice(0, 2), ['host', 'shop.example.com'])
    const own = ['X-A', '1', 'x-a', '2', 'Cookie', 'a=b', 'X-Latin', '\u00e4']
    t.same(echo.rawHeaders.slice(4), own)
    t.same(calls, ['sent', 'response', 'data', 'end'])
  })

  await t.test('a Buffer as body has a length', async (t) => {
    const sent = patternBytes(100_000)
    const { body } = await send({ method: 'POST', path: '/echo', body: sent })
    const echo = JSON.parse(body.toString()) as Echo
    t.equal(echo.bodySha256, sha256(sent))
    t.same(echo.rawHeaders.slice(-2), ['content-length', '100000'])
  })

  await t.test('a stream with Content-Length keeps it', async (t) => {
    const sent = patternBytes(300_000)
    const { body, calls } = await send({
      method: 'PUT',
      path: '/echo',
      headers: ['Host', 'a', 'Content-Length', '300000'],
      body: Readable.from([sent.subarray(0, 1000), sent.subarray(1000)], { objectMode: false }),
    })
    const echo = JSON.parse(body.toString()) as Echo
    t.equal(echo.bodySha256, sha256(sent))
    t.ok(echo.rawHeaders.join().endsWith('content-length,300000'))
    t.same(calls, ['sent', 'response', 'data', 'end'])
  })

  await t.test('a stream without is chunked', async (t) => {
    const sent = patternBytes(70_000)
    const { body } = await send({ method: 'POST', path: '/echo', body: Readable.from([sent], { objectMode: false }) })
    const echo = JSON.parse(body.toString()) as Echo
    t.equal(echo.bodySha256, sha256(sent))
    t.ok(echo.rawHeaders.join().endsWith('transfer-encoding,chunked'))
  })

  await t.test('HEAD, 204, 304, 103, trailers', async (t) => {
    const head = await send({ method: 'HEAD', path: '/bytes/500' })
    t.equal(head.status, 200)
    t.equal(head.body.length, 0)
    t.ok(head.rawHeaders!.join().includes('content-length,500'))
    t.equal((await send({ path: '/status/204' })).status, 204)
    t.equal((await send({ path: '/status/304' })).status, 304)
    const hinted = await send({ path: '/hints' })
    t.equal(hinted.informations[0]?.status, 103)
    t.ok(hinted.informations[0]?.rawHeaders.join().includes('rel=preload'))
    t.equal(hinted.body.toString(), 'hinted')
    const trailed = await send({ path: '/trailers' })
    t.same(trailed.trailers, ['x-checksum', 'abc', 'x-second', 'two'])
  })
  t.ok(backend.connections <= 3, `over kept connections: ${backend.connections}`)
})

t.test('a connection is reused, and onSent says so', async (t) => {
  const backend = await Backend.start()
  const { send, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  t.same((await send()).sent, [false])
  await turns()
  t.same((await send()).sent, [true])
  await turns()
  t.same((await send({ method: 'HEAD' })).sent, [true])
  await turns()
  t.same((await send()).sent, [true], 'HEAD did not cost the connection')
  t.equal(backend.connections, 1)
})

t.test('back-pressure: pause holds the upstream, resume goes on', async (t) => {
  const size = 8 * 1024 * 1024
  const backend = await Backend.start()
  const { begin, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  const { collector, call } = begin({ path: `/bytes/${size}` })
  let chunks = 0
  let wake = () => {}
  collector.onChunk = () => {
    chunks++
    wake()
    return false
  }
  await collector.responded
  while (chunks === 0)
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  await turns(50)
  t.equal(chunks, 1, 'nothing comes while paused')
  collector.onChunk = () => true
  call.resume()
  const { body } = await collector.done
  t.equal(body.length, size)
  t.ok(body.equals(patternBytes(size)), 'intact')
})

t.test('an upload is held back by an upstream that does not read', async (t) => {
  let release = () => {}
  const backend = await Backend.start({
    handle: (request, response) => {
      release = () => {
        request.resume()
        request.on('end', () => response.end('read'))
      }
      return true
    },
  })
  const { begin, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  const chunk = patternBytes(65_536)
  let given = 0
  const body = new Readable({
    read() {
      given++
      this.push(given <= 1000 ? chunk : null)
    },
  })
  const { collector } = begin({ method: 'POST', path: '/', body })
  while (backend.requests === 0) await turns()
  let before = -1
  while (before !== given) {
    before = given
    await turns(200)
  }
  t.ok(given < 500, `${given} of 1000 chunks were taken`)
  t.same(collector.outcome.sent, [], 'not sent yet')
  release()
  t.equal((await collector.done).body.toString(), 'read')
  t.same(collector.outcome.sent, [false])
})

t.test('a stream that others listen to is sent whole', async (t) => {
  const backend = await Backend.start()
  const { send, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  const body = new PassThrough()
  body.on('data', () => {})
  const sending = send({ method: 'POST', path: '/echo', body })
  await turns(20)
  body.end('all of it')
  const echo = JSON.parse((await sending).body.toString()) as Echo
  t.equal(echo.bodyBytes, 9)
})

t.test('abort', async (t) => {
  const backend = await Backend.start()
  const { begin, send, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })

  await t.test('before the connection is there', async (t) => {
    const { collector, call } = begin({ path: '/hang' })
    call.abort()
    const { failure } = await collector.done
    t.equal(failure?.kind, 'aborted')
    t.equal(failure?.unsent, true)
    t.equal(backend.requests, 0)
  })

  await t.test('while it waits: the upstream sees it', async (t) => {
    const { collector, call } = begin({ path: '/hang' })
    while (backend.requests === 0) await turns()
    call.abort()
    call.abort()
    const { failure } = await collector.done
    t.equal(failure?.kind, 'aborted')
    t.equal(failure?.unsent, false)
    while (backend.aborted === 0) await turns()
  })

  await t.test('in the middle of a body', async (t) => {
    const { collector, call } = begin({ path: '/sse/0' })
    await collector.responded
    call.abort()
    t.equal((await collector.done).failure?.kind, 'aborted')
    while (backend.aborted < 2) await turns()
  })

  await t.test('from inside onResponse and onData', async (t) => {
    const { collector, call } = begin({ path: '/bytes/1000000' })
    collector.onChunk = () => {
      call.abort()
      return true
    }
    const { failure, calls } = await collector.done
    t.equal(failure?.kind, 'aborted')
    t.same(calls, ['sent', 'response', 'data', 'failure'])
  })

  await t.test('a request body that breaks off is nobody upstream’s failure', async (t) => {
    const body = new PassThrough()
    const { collector } = begin({ method: 'POST', path: '/echo', body })
    body.write('half')
    await turns(10)
    body.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
    t.equal((await collector.done).failure?.kind, 'aborted')
  })

  t.equal((await send()).status, 200, 'the upstream goes on')
})

t.test('an early answer leaves the client’s stream alone', async (t) => {
  const backend = await Backend.start({
    handle: (_, response) => {
      response.statusCode = 413
      response.end('too large')
      return true
    },
  })
  const { begin, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  const body = new PassThrough()
  const { collector } = begin({ method: 'POST', body })
  body.write('x')
  const { status, body: answer, failure } = await collector.done
  t.equal(status, 413)
  t.equal(answer.toString(), 'too large')
  t.equal(failure, undefined)
  await turns(10)
  t.equal(body.destroyed, false)
})

t.test('a request that undici refuses is aborted, not blamed on the endpoint', async (t) => {
  const backend = await Backend.start()
  const { send, close } = upstreamTo(backend.origin)
  t.teardown(async () => {
    await close()
    await backend.close()
  })
  const { failure } = await send({ path: '/a b' })
  t.equal(failure?.kind, 'aborted')
  t.equal(failure?.unsent, true)
  t.equal((await send()).status, 200)
})
