import t, { type Test } from 'tap'
import { type Block, Endpoint, endpointAt, readCells, Steering } from '../../../src/metrics/index.ts'
import { Backend } from '../../support/backend.ts'
import { RawClient } from '../../support/raw-client.ts'
import { TestProxy, testGate } from '../support/proxy.ts'

/** As if the endpoints had served for long: their first 20 requests have no latency for the judge. */
function warm({ memory }: { memory: Block }): void {
  for (let slot = 0; slot < memory.layout.endpoints; slot++) {
    memory.words[endpointAt(memory.layout, slot) + Endpoint.picked] = 20
  }
}

async function canaryGate(t: Test) {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin], canary: [backend.origin], canaryBps: 10_000, observed: true })
  gate.memory.words[Steering.slowUs] = 50_000
  return { backend, gate, cell: () => readCells(gate.memory, 1)[0]?.candidate }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5))
}

t.test('a candidate that hangs is slow while it hangs', async (t) => {
  const { gate, cell } = await canaryGate(t)
  warm(gate)
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  await client.get('/hang')
  await until(() => cell()?.slow === 1)
  t.match(cell(), { started: 1, timed: 1, slow: 1, bad: 0 })
  client.destroy()
  await proxy.logged(1)
  t.match(cell(), { timed: 1, slow: 1, bad: 0 }, 'a client that gives up changes nothing')
})

t.test('no latency: event streams, upgrades, and the first requests of an endpoint', async (t) => {
  const { backend, gate, cell } = await canaryGate(t)
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  for (let i = 0; i < 20; i++) {
    await client.get('/')
    await client.response()
  }
  t.match(cell(), { started: 20, timed: 0 }, 'cold')
  await client.get('/')
  await client.response()
  t.match(cell(), { started: 21, timed: 1 })
  await client.get('/sse/1', 'a', 'Accept: text/event-stream\r\n')
  await client.response()
  t.match(cell(), { started: 22, timed: 1 })
  await client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n')
  await client.response()
  t.match(cell(), { started: 23, timed: 1 })
  client.destroy()
  await until(() => [...backend.sockets].length <= 1)
})

t.test("a rescue is not the candidate's time", async (t) => {
  const stable = await Backend.start()
  const canary = await Backend.start({
    handle(request) {
      request.socket.destroy()
      return true
    },
  })
  t.teardown(() => Promise.all([stable.close(), canary.close()]))
  const gate = testGate({ stable: [stable.origin], canary: [canary.origin], canaryBps: 10_000, observed: true })
  gate.memory.words[Steering.slowUs] = 200_000
  warm(gate)
  const proxy = await TestProxy.start(t, gate)
  const client = await RawClient.connect(proxy.port)
  await client.get('/delay/400')
  t.equal((await client.response()).status, 200)
  client.destroy()
  t.match(readCells(gate.memory, 1)[0]?.candidate, { started: 1, bad: 1, timed: 1, slow: 0 })
})
