import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { RawClient } from '../../support/raw-client.ts'
import { Edge, gateOf, newId, shoot } from './support/edge.ts'
import { Recorder } from './support/recorder.ts'

t.setTimeout(120_000)

const HOST = 'Host: localhost\r\n'
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

async function recorderFor(t: Test): Promise<Recorder> {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  return recorder
}

t.test('slow clients', async (t) => {
  const recorder = await recorderFor(t)
  const edge = await Edge.start(t, gateOf('shop', recorder.origin), '  timeouts: {header: 1s, idle: 2s, drain: 1s}\n')

  await t.test('a head that drips is answered 408, however it drips', async (t) => {
    const drips = ['GET /slow HTTP/1.1\r\n', 'X-A: b\r\n', 'x', ' ', '\r\n']
    await Promise.all(
      drips.map(async (drip) => {
        const client = await edge.connect()
        await client.write(`GET / HTTP/1.1\r\n${HOST}`)
        while (!client.ended && client.buffered.length === 0) {
          if (client.socket.writable)
            client.socket.write(drip === '\r\n' ? 'X-B: c\r\n' : drip.startsWith('GET') ? 'a' : drip)
          await pause(100)
        }
        const { text } = await client.untilEnd()
        t.match(text, /^HTTP\/1\.1 4\d\d |^$/, JSON.stringify(drip))
        client.destroy()
      }),
    )
    t.same(recorder.requests, [])
  })

  await t.test('a connection that says nothing, and one that stays idle, are closed', async (t) => {
    const silent = await edge.connect()
    const idle = await edge.connect()
    await idle.get('/')
    t.equal((await idle.response()).status, 200)
    t.equal((await silent.untilEnd()).text, '')
    t.equal((await idle.untilEnd()).text, '')
    silent.destroy()
    idle.destroy()
  })

  await t.test('a body that stands still ends the request, and what it holds', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => edge.connect()))
    for (const client of clients) await client.write(`POST /body HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`)
    await Promise.all(clients.map((client) => client.untilEnd()))
    for (const client of clients) client.destroy()
  })

  await t.test('a client that asks without end and does not read is cut off', async () => {
    const client = await edge.connect()
    client.socket.pause()
    const ended = new Promise((done) => client.socket.once('close', done))
    const request = `GET /${'a'.repeat(1000)} HTTP/1.1\r\n${HOST}x-id: ${'i'.repeat(8000)}\r\n\r\n`
    const more = setInterval(
      () =>
        client.socket.writable && client.socket.writableLength < 1_000_000 && client.socket.write(request.repeat(20)),
      20,
    )
    client.socket.on('error', () => {})
    await ended
    clearInterval(more)
  })

  await t.test('hundreds of heads that never end, and sound requests beside them', async (t) => {
    const sockets = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const socket = connect(edge.port, '127.0.0.1')
        socket.on('error', () => {})
        await once(socket, 'connect')
        socket.write(`GET / HTTP/1.1\r\n${HOST}X-A: `)
        return socket
      }),
    )
    for (let i = 0; i < 10; i++) await edge.sound(t)
    for (const socket of sockets) socket.resume()
    await Promise.all(sockets.map((socket) => socket.destroyed || new Promise((done) => socket.once('close', done))))
  })
  await edge.unharmed(t)
})

t.test('large messages', async (t) => {
  const recorder = await recorderFor(t)
  const edge = await Edge.start(
    t,
    gateOf('shop', recorder.origin),
    '  limits: {maxBodyBytes: 64Ki, maxHeaderBytes: 8Ki, maxHeaders: 50}\n',
  )
  await t.test('a head that is too large is refused so that its client can read why, however it comes', async (t) => {
    for (const size of [9000, 100_000, 2_000_000]) {
      for (const pieces of [1, 10]) {
        const client = await edge.connect()
        const bytes = `GET / HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(size)}\r\n\r\n`
        const step = Math.ceil(bytes.length / pieces)
        for (let at = 0; at < bytes.length; at += step) {
          if (client.socket.writable) client.socket.write(bytes.slice(at, at + step))
          await pause(5)
        }
        const response = await client.response()
        t.equal(response.status, 431, `${size} bytes in ${pieces}`)
        client.destroy()
      }
    }
  })
  await t.test('a body beyond the limit', async (t) => {
    const declared = await shoot(edge.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 100000000\r\n\r\n`)
    t.equal(declared.status, 413)
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const chunked = await shoot(
      edge.port,
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}0\r\n\r\n`,
    )
    t.equal(chunked.status, 413)
    t.equal(chunked.connection, 'closed')
    const tiny = await shoot(
      edge.port,
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(70_000)}0\r\n\r\n`,
    )
    t.equal(tiny.status, 413)
    const fits = await shoot(edge.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 65536\r\n\r\n${'x'.repeat(65_536)}`)
    t.equal(fits.status, 200)
    t.same(
      recorder.requests.filter(({ body }) => body.length > 65_536),
      [],
      'nothing longer arrived whole',
    )
  })
  await t.test('an upload that is refused is read on only for a moment', async () => {
    const client = await edge.connect()
    const ended = new Promise((done) => client.socket.once('close', done))
    client.socket.on('error', () => {})
    client.socket.write(`POST /a/../b HTTP/1.1\r\n${HOST}Content-Length: 100000000000\r\n\r\n`)
    const more = setInterval(
      () =>
        client.socket.writable && client.socket.writableLength < 1_000_000 && client.socket.write('x'.repeat(65_536)),
      10,
    )
    await ended
    clearInterval(more)
  })
  await edge.unharmed(t)
})

t.test('many connections', async (t) => {
  const recorder = await recorderFor(t)
  const edge = await Edge.start(
    t,
    gateOf('shop', recorder.origin),
    '  limits: {maxConnections: 60, maxConnectionsPerClient: 10}\n',
  )
  const served = async (host: string): Promise<RawClient | undefined> => {
    const socket = connect({ port: edge.port, host: '127.0.0.1', localAddress: host, allowHalfOpen: true })
    socket.on('error', () => {})
    await once(socket, 'connect')
    const client = new RawClient(socket)
    await client.get('/')
    try {
      await client.response()
      return client
    } catch {
      client.destroy()
      return undefined
    }
  }
  const open: RawClient[] = []
  const flood = async (host: string, count: number) => {
    const all = await Promise.all(Array.from({ length: count }, () => served(host)))
    const alive = all.filter((one) => one !== undefined)
    open.push(...alive)
    return alive.length
  }
  const first = await flood('127.0.0.2', 60)
  t.ok(first >= 1 && first <= 20, `${first} of one client: at most 10 by each of two workers`)
  t.ok((await flood('127.0.0.3', 20)) >= 1, 'another client is served beside it')
  for (const host of ['127.0.0.4', '127.0.0.5', '127.0.0.6']) await flood(host, 40)
  t.ok(open.length <= 60, `${open.length} in all`)
  for (const client of open) {
    const id = newId()
    await client.get('/', 'localhost', `x-id: ${id}\r\n`)
    t.equal((await client.response()).headers.get('x-id'), id, 'those inside go on')
    client.destroy()
  }
  // Room again, as soon as the proxy has seen them go.
  for (;;) {
    const client = await served('127.0.0.1')
    client?.destroy()
    if (client) break
  }
  await edge.program.until('shop', ({ variants }) => variants.every(({ inFlight }) => inFlight === 0))
  t.same(edge.faults, [])
})
