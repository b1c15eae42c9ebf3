import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { Backend, patternBytes } from '../support/backend.ts'
import { ask, configOf, Program } from './support/program.ts'

const MIB = 1024 * 1024

t.setTimeout(300_000)

t.test('bodies of 8 MiB, 1,000 idle connections and 200 WebSockets', async (t) => {
  const backend = new Backend({ name: 'stable' })
  await backend.start()
  const program = await Program.start(
    t.testdir({}),
    configOf(`apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants: [{name: stable, urls: ["http://127.0.0.1:${backend.port}"]}]
`),
  )
  t.teardown(async () => {
    await program.stop()
    await backend.close()
  })
  const { http } = program.ports

  await t.test('8 MiB up and down, intact', async (t) => {
    const up = patternBytes(8 * MIB)
    const call = request({
      host: '127.0.0.1',
      port: http,
      method: 'POST',
      path: '/echo',
      headers: { 'content-length': up.length },
    })
    call.end(up)
    const [response] = await once(call, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    const echo = JSON.parse(text)
    t.equal(echo.bodyBytes, up.length)
    t.equal(echo.bodySha256, createHash('sha256').update(up).digest('hex'))

    const down = request({ host: '127.0.0.1', port: http, path: `/bytes/${8 * MIB}` })
    down.end()
    const [answer] = await once(down, 'response')
    const hash = createHash('sha256')
    let length = 0
    for await (const chunk of answer) {
      hash.update(chunk)
      length += chunk.length
    }
    t.equal(length, 8 * MIB)
    t.equal(
      hash.digest('hex'),
      createHash('sha256')
        .update(patternBytes(8 * MIB))
        .digest('hex'),
    )
  })

  await t.test('1,000 idle connections beside which requests are served', async (t) => {
    const sockets: Socket[] = []
    let closed = 0
    // In batches: the kernel's accept queue holds 511.
    for (let batch = 0; batch < 10; batch++) {
      const some = Array.from({ length: 100 }, () => connect(http, '127.0.0.1'))
      await Promise.all(some.map((socket) => once(socket, 'connect')))
      for (const socket of some) {
        socket.on('error', () => {})
        socket.once('close', () => closed++)
      }
      sockets.push(...some)
    }
    t.equal((await ask(http, 'GET', '/echo')).status, 200)
    t.equal(closed, 0, 'none was closed')
    for (const socket of sockets) socket.destroy()
  })

  await t.test('200 WebSockets at once', async (t) => {
    const sockets = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const call = request({
          host: '127.0.0.1',
          port: http,
          path: '/ws',
          headers: {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          },
          agent: false,
        })
        call.end()
        const [response, socket] = (await once(call, 'upgrade')) as [{ statusCode: number }, Socket]
        t.equal(response.statusCode, 101)
        return socket
      }),
    )
    // A masked text frame "hi"; the backend echoes it without a mask.
    const frame = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2])
    await Promise.all(
      sockets.map(async (socket) => {
        socket.write(frame)
        const [chunk] = (await once(socket, 'data')) as [Buffer]
        t.same([...chunk], [0x81, 2, 0x68, 0x69])
      }),
    )
    for (const socket of sockets) socket.destroy()
  })
})
