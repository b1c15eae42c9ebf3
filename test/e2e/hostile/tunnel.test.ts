import t from 'tap'
import { Backend } from '../../support/backend.ts'
import { Edge, gateOf } from './support/edge.ts'

t.setTimeout(60_000)

t.test('a tunnel that has said something is closed after the idle time like one that never did', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const edge = await Edge.start(t, gateOf('shop', backend.origin, '  upstream: {timeouts: {idle: 1s}}\n'))
  const client = await edge.connect()
  await client.get('/', 'localhost', 'Connection: Upgrade\r\nUpgrade: bytes\r\n')
  t.equal((await client.response()).status, 101)
  await client.write('hello')
  await client.until((bytes) => bytes.includes('hello'))
  await client.untilEnd()
  client.destroy()
  await edge.program.until('shop', ({ variants }) => variants[0]!.inFlight === 0)
})
