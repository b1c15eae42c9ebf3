import { connect } from 'node:net'
import t from 'tap'
import { type Random, seededRandom } from '../../../src/random.ts'
import { type EvilConnection, evilUpstream } from '../../support/evil-upstream.ts'
import { Edge, gateOf, newId } from './support/edge.ts'
import { Recorder } from './support/recorder.ts'

const LONG = process.env.STREAMGATE_LONG === '1'
const CONNECTIONS = LONG ? 100_000 : 3000
const BATCH = LONG ? 1000 : 250
const AT_ONCE = 32

t.setTimeout(LONG ? 3_600_000 : 180_000)

const REQUESTS = [
  'GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nx-id: %\r\n\r\n',
  'POST /p HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world',
  'POST /p HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: t\r\n\r\n',
  'PUT /p HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'GET /w HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  'HEAD http://localhost/h HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nConnection: close\r\n\r\n',
  'GET /1.0 HTTP/1.0\r\nHost: localhost\r\nx-id: %\r\nConnection: keep-alive\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nx-id: %\r\nCookie: a=b; c=d\r\nX-Forwarded-For: 1.2.3.4, ::1\r\n\r\n',
]
const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: t\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nto the end',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi',
  'HTTP/1.1 500 Oh\r\nContent-Length: 3\r\nConnection: close\r\nKeep-Alive: timeout=1\r\n\r\nbad',
]
const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '\x7f',
    '\xff',
    '%00',
    '%2e%2e/',
    '\\',
    '\r\n\r\n',
    '\r\n ',
    '0\r\n\r\n',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 0\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Host: evil\r\n',
    'Upgrade: h2c\r\n',
  ],
  ...[
    'Connection: host, content-length\r\n',
    'Expect: 100-continue\r\n',
    'x-streamgate-variant: a\r\n',
    '__proto__: x\r\n',
    'HTTP/1.1',
    'HTTP/2.0',
  ],
  ...['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'A'.repeat(5000), 'X: y\r\n'.repeat(200), '\x16\x03\x01', '-1', 'ffffffff'],
]

/** One to four changes of `text`: pieces put in, cut out, doubled, swapped, bits turned. */
function mutate(text: string, random: Random): string {
  const at = (length: number) => Math.floor(random() * (length + 1))
  let out = text
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const from = at(out.length)
    const to = Math.min(out.length, from + at(12))
    switch (Math.floor(random() * 6)) {
      case 0:
        out = out.slice(0, from) + PIECES[Math.floor(random() * PIECES.length)]! + out.slice(from)
        break
      case 1:
        out = out.slice(0, from) + out.slice(to)
        break
      case 2:
        out = out.slice(0, to) + out.slice(from)
        break
      case 3:
        out = out.slice(0, from)
        break
      case 4:
        out = out.slice(0, from) + String.fromCharCode(Math.floor(random() * 256)) + out.slice(from + 1)
        break
      default:
        out = out + REQUESTS[Math.floor(random() * REQUESTS.length)]!.replace('%', 'pipelined')
    }
  }
  return out
}

/** Runs `jobs` of them, `AT_ONCE` at a time. */
async function many(jobs: number, job: () => Promise<void>): Promise<void> {
  let left = jobs
  const worker = async () => {
    while (left-- > 0) await job()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** Sends bytes in up to three pieces and ends or resets; resolves with what came back when the connection is gone. */
function throwAt(port: number, bytes: string, random: Random): Promise<string> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    let text = ''
    const cut = Math.floor(random() * bytes.length)
    const ending = random()
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('end', () => socket.destroy())
    socket.on('close', () => done(text))
    socket.on('connect', () => {
      socket.write(bytes.slice(0, cut), 'latin1')
      setImmediate(() => {
        if (socket.destroyed) return
        socket.write(bytes.slice(cut), 'latin1')
        if (ending < 0.1) socket.resetAndDestroy()
        else if (ending < 0.2) setImmediate(() => socket.destroy())
        // The rest half-closes: the proxy answers what is whole and ends.
        else socket.end()
      })
    })
  })
}

t.test(`${CONNECTIONS} connections of mutated requests`, async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  const edge = await Edge.start(
    t,
    gateOf('shop', recorder.origin, '  upstream: {retries: {attempts: 0}}\n'),
    '  timeouts: {header: 2s, idle: 2s}\n',
  )
  const random = seededRandom(20_261_125)
  let memory = 0
  const strange: string[] = []
  for (let sent = 0; sent < CONNECTIONS; sent += BATCH) {
    await many(BATCH, async () => {
      const id = newId()
      const request = REQUESTS[Math.floor(random() * REQUESTS.length)]!.replace('%', id)
      const bytes = mutate(request, random)
      const text = await throwAt(edge.port, bytes, random)
      // The recorder echoes what it was sent: an id that this connection never said is another client's answer.
      for (const [, echoed] of text.matchAll(/\r\nx-id: (\S+)\r\n/g))
        if (echoed !== 'none' && !bytes.includes(echoed!)) strange.push(`${echoed} to ${JSON.stringify(bytes)}`)
      if (text !== '' && !text.startsWith('HTTP/1.1 '))
        t.fail(`an answer that is none: ${JSON.stringify(text.slice(0, 100))}`)
    })
    await edge.unharmed(t)
    recorder.clear()
    // The first third warms compilers, pools and buffers.
    if (sent < CONNECTIONS / 3) memory = Math.max(memory, edge.memoryMb)
  }
  t.same(strange, [], 'nobody got another one’s answer')
  t.same(recorder.violations, [], 'the upstream read nothing but well-formed requests')
  t.ok(edge.memoryMb < memory * 1.5 + 30, `memory: ${Math.round(memory)} MB, then ${Math.round(edge.memoryMb)} MB`)
  t.equal(await edge.stop(), 0)
})

t.test('mutated answers', async (t) => {
  const random = seededRandom(7)
  const upstream = await evilUpstream(async (connection: EvilConnection) => {
    for (;;) {
      const request = await connection.request()
      if (request === undefined) return
      if (request.includes(' /sound ')) {
        const id = /\r\nx-id: ([^\r]+)\r\n/i.exec(request)![1]!
        await connection.answer(id, '200 OK', `x-id: ${id}\r\n`)
        continue
      }
      const bytes = mutate(ANSWERS[Math.floor(random() * ANSWERS.length)]!, random)
      const cut = Math.floor(random() * bytes.length)
      await connection.send(bytes.slice(0, cut))
      await connection.send(bytes.slice(cut))
      const ending = random()
      if (ending < 0.3) connection.reset()
      else if (ending < 0.6) connection.halfClose()
    }
  })
  t.teardown(() => upstream.close())
  const options =
    'timeouts: {connect: 20s, response: 1s, idle: 1s}, outlierEjection: {consecutive5xx: 0}, retries: {attempts: 0}'
  const patient = 'timeouts: {connect: 60s, response: 60s, idle: 60s}, outlierEjection: {consecutive5xx: 0}'
  const edge = await Edge.start(
    t,
    `${gateOf('shop', upstream.origin, `  upstream: {${options}}\n`)}---\n${gateOf('sound', upstream.origin, `  paths: [/sound]\n  upstream: {${patient}}\n`)}`,
    '  timeouts: {header: 10s, idle: 5s}\n',
  )
  const answers = LONG ? 20_000 : 500
  for (let sent = 0; sent < answers; sent += BATCH) {
    await many(BATCH, async () => {
      const request = REQUESTS[[0, 1, 2, 4, 5, 6][Math.floor(random() * 6)]!]!.replace('%', newId())
      await throwAt(edge.port, request, () => 1)
    })
    await edge.unharmed(t, 'shop', '/sound')
  }
  t.equal(await edge.stop(), 0)
})
