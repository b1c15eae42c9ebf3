import http from 'node:http'
import t from 'tap'
import { EventHub, type EventSink } from '../../src/admin/events.ts'
import { EventParser, type ServerEvent } from '../../src/cli/sse.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { decision, FakeService, gateView, releaseView } from './fake-service.ts'
import { type Admin, ask, startTestAdmin } from './harness.ts'

/** A client that keeps what it gets. */
class Sink implements EventSink {
  text = ''
  writableLength = 0
  destroyed = false
  write(text: string): void {
    this.text += text
  }
  destroy(): void {
    this.destroyed = true
  }
  /** What came since the last call. */
  take(): ServerEvent[] {
    const events = new EventParser().push(this.text)
    this.text = ''
    return events
  }
}

const DECISION = { ...decision(), namespace: 'default', name: 'shop', release: '7f3a' }

function start(service = new FakeService()) {
  const clock = new ManualClock()
  return { service, clock, hub: new EventHub(service, clock) }
}

t.test('a new client gets all gates as they are', async (t) => {
  const { hub, service } = start(new FakeService([gateView(), gateView({ name: 'cart' })]))
  const sink = new Sink()
  hub.add(sink)
  t.same(
    sink.take(),
    service.gates.map((gate) => ({ event: 'gate', data: JSON.stringify(gate) })),
  )
})

t.test('a gate that changes often is sent at most 5 times a second, with its newest view', async (t) => {
  const { hub, service, clock } = start()
  const sink = new Sink()
  hub.add(sink)
  sink.take()
  let step = 0
  for (let ms = 0; ms < 1000; ms += 10) {
    service.put(releaseView({ step: ++step }))
    clock.advance(10)
  }
  const events = sink.take()
  t.ok(events.length >= 4 && events.length <= 5, `${events.length} events`)
  service.put(releaseView({ step: ++step }))
  clock.advance(200)
  t.equal(JSON.parse(sink.take().at(-1)!.data).release.step, step)
})

t.test('rates move without an event; what has not changed is not sent', async (t) => {
  const { hub, service, clock } = start()
  const sink = new Sink()
  hub.add(sink)
  sink.take()
  clock.advance(5000)
  t.same(sink.take(), [])
  service.gates = [gateView({ serving: 'canary' })]
  clock.advance(1200)
  t.match(sink.take(), [{ event: 'gate', data: /"serving":"canary"/ }])
})

t.test('decisions come at once and none is lost', async (t) => {
  const { hub, service } = start()
  const sink = new Sink()
  hub.add(sink)
  sink.take()
  for (let i = 0; i < 20; i++) service.emit({ type: 'decision', decision: { ...DECISION, step: i } })
  const events = sink.take()
  t.same(
    events.map(({ event, data }) => [event, JSON.parse(data).step]),
    Array.from({ length: 20 }, (_, i) => ['decision', i]),
  )
})

t.test('a gate that is gone is said to be removed', async (t) => {
  const { hub, service, clock } = start()
  const sink = new Sink()
  hub.add(sink)
  sink.take()
  service.gates = []
  clock.advance(1200)
  t.same(sink.take(), [{ event: 'removed', data: '{"namespace":"default","name":"shop"}' }])
  clock.advance(3000)
  t.same(sink.take(), [])
})

t.test('a client of one gate gets nothing of another', async (t) => {
  const { hub, service, clock } = start(new FakeService([gateView(), gateView({ name: 'cart' })]))
  const sink = new Sink()
  hub.add(sink, 'default/cart')
  t.match(sink.take(), [{ data: /"name":"cart"/ }])
  service.put(null, service.gates[0])
  service.emit({ type: 'decision', decision: DECISION })
  clock.advance(1200)
  t.same(sink.take(), [])
  clock.advance(15_000)
  t.match(sink.text, ': heartbeat', 'but it is kept alive')
})

t.test('a late client and an early one end with the same view', async (t) => {
  const { hub, service, clock } = start()
  const early = new Sink()
  hub.add(early)
  const before = service.gates
  service.gates = [gateView({ serving: 'canary' })]
  const late = new Sink()
  hub.add(late)
  service.gates = before
  clock.advance(1500)
  t.equal(early.take().at(-1)!.data, JSON.stringify(before[0]))
  t.equal(late.take().at(-1)!.data, JSON.stringify(before[0]))
})

t.test('a client that does not read is dropped, the others are not', async (t) => {
  const { hub, service } = start()
  const slow = new Sink()
  const quick = new Sink()
  hub.add(slow)
  hub.add(quick)
  slow.writableLength = 2 * 1024 * 1024
  service.emit({ type: 'decision', decision: DECISION })
  t.ok(slow.destroyed)
  t.notOk(quick.destroyed)
  t.equal(hub.size, 1)
})

t.test('without a client nothing is subscribed, timed or built', async (t) => {
  const { hub, service, clock } = start()
  t.equal(service.listeners.size, 0)
  const remove = hub.add(new Sink())
  t.equal(service.listeners.size, 1)
  service.put(null)
  remove()
  remove()
  t.equal(service.listeners.size, 0)
  t.equal(clock.pending, 0)
  const { views } = service
  clock.advance(60_000)
  t.equal(service.views, views)
})

t.test('events over HTTP, until the server closes', async (t) => {
  const admin = await startTestAdmin(t)
  const { response, next } = await subscribe(admin)
  t.match(response.headers['content-type'], 'text/event-stream')
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(await next(), { event: 'gate' })
  admin.service.emit({ type: 'decision', decision: DECISION })
  t.same(JSON.parse((await next())!.data), DECISION)
  admin.service.put(releaseView({ phase: 'Succeeded' }))
  t.match(await next(), { event: 'gate', data: /Succeeded/ })
  await admin.server.close()
  t.equal(await next(), undefined)
  await admin.server.close()
})

t.test('a client that leaves is forgotten', async (t) => {
  const admin = await startTestAdmin(t)
  const { response, next } = await subscribe(admin)
  await next()
  t.equal(admin.service.listeners.size, 1)
  const gone = new Promise<void>((resolve) => {
    const { listeners } = admin.service
    const remove = listeners.delete.bind(listeners)
    listeners.delete = (listener) => {
      resolve()
      return remove(listener)
    }
  })
  response.destroy()
  await gone
  t.equal(admin.service.listeners.size, 0)
})

t.test('there are at most 64 streams', async (t) => {
  const admin = await startTestAdmin(t)
  for (let i = 0; i < 64; i++) await subscribe(admin)
  const { status, json } = await ask(admin, '/v1/events')
  t.same([status, json.code], [503, 'too-many-streams'])
  t.equal((await ask(admin, '/v1/gates')).status, 200)
})

/** Opens a stream; `next` waits for the next event, undefined when the stream has ended. */
async function subscribe(admin: Admin) {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port: admin.server.port, path: '/v1/events', agent: false }, resolve)
      .on('error', reject)
  })
  const parser = new EventParser()
  const events = (async function* () {
    try {
      for await (const chunk of response.setEncoding('utf8')) yield* parser.push(chunk)
    } catch {
      // The server closed it.
    }
  })()
  return { response, next: async () => (await events.next()).value as ServerEvent | undefined }
}
