import t, { type Test } from 'tap'
import { systemClock } from '../../../src/clock.ts'
import { type FailureSample, ListenError, type ProxyLog, Workers } from '../../../src/proxy/index.ts'
import { Backend } from '../../support/backend.ts'
import { RawClient } from '../../support/raw-client.ts'
import { HTTP, testGate, testSnapshot, totals } from '../support/proxy.ts'

interface Line {
  level: string
  fields: Record<string, unknown>
  message: string
}

class Log implements ProxyLog {
  lines: Line[] = []
  #wake: (() => void)[] = []
  info = (fields: object, message: string) => this.#add('info', fields, message)
  warn = (fields: object, message: string) => this.#add('warn', fields, message)
  error = (fields: object, message: string) => this.#add('error', fields, message)
  #add(level: string, fields: object, message: string): void {
    this.lines.push({ level, fields: fields as Record<string, unknown>, message })
    for (const wake of this.#wake.splice(0)) wake()
  }
  async until(pattern: RegExp): Promise<Line> {
    for (;;) {
      const found = this.lines.find(({ message }) => pattern.test(message))
      if (found) return found
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

const quiet = { accessLog: { enabled: false, sample: 100 } }

async function start(t: Test, count: number, snapshot: Parameters<Workers['start']>[0]) {
  const log = new Log()
  const samples: FailureSample[] = []
  const workers = new Workers({ count, clock: systemClock, log, onSample: (sample) => samples.push(sample) })
  t.teardown(() => workers.close())
  const listeners = await workers.start(snapshot)
  return { workers, log, samples, port: listeners[0]!.port }
}

/** One request on a connection of its own. */
async function get(port: number, path = '/'): Promise<{ status: number; backend: string | undefined; close: boolean }> {
  const client = await RawClient.connect(port)
  await client.get(path)
  const { status, headers } = await client.response()
  client.destroy()
  return { status, backend: headers.get('x-backend'), close: headers.get('connection') === 'close' }
}

t.test(
  'two workers on one port count into one block; a snapshot is in force in both when apply resolves',
  async (t) => {
    const v1 = await Backend.start({ name: 'v1' })
    const v2 = await Backend.start({ name: 'v2' })
    t.teardown(() => Promise.all([v1.close(), v2.close()]))
    const gate = testGate({ stable: [v1.origin], workers: 2 })
    const { workers, port, samples } = await start(t, 2, testSnapshot(gate, quiet))
    t.equal(workers.ready, 2)
    for (let i = 0; i < 30; i++) t.match(await get(port), { status: 200, backend: 'v1' })
    t.equal(totals(gate).stable.offered, 30)
    t.equal((await get(port, '/status/503')).status, 503)
    while (samples.length === 0) await new Promise((resolve) => setImmediate(resolve))
    t.match(samples[0], { gate: 'default/shop', variant: 'stable', kind: '5xx', status: 503, path: '/status/503' })
    const next = testGate({ stable: [v2.origin], workers: 2 })
    await workers.apply(testSnapshot(next, { ...quiet, version: 2 }))
    for (let i = 0; i < 30; i++) t.equal((await get(port)).backend, 'v2')
  },
)

t.test('a port that is taken is named, also on a reload, which leaves the rest in force', async (t) => {
  const busy = await Backend.start({ name: 'busy' })
  const other = await Backend.start({ name: 'other' })
  t.teardown(() => Promise.all([busy.close(), other.close()]))
  const taken = { ...HTTP, name: 'taken', port: busy.port }
  const log = new Log()
  const failing = new Workers({ count: 2, clock: systemClock, log })
  await t.rejects(failing.start(testSnapshot(undefined, { ...quiet, listeners: [taken] })), {
    name: 'ListenError',
    message: new RegExp(`taken, port ${busy.port}: EADDRINUSE`),
  })
  const { workers, port } = await start(t, 1, testSnapshot(testGate({ stable: [busy.origin] }), quiet))
  const next = testSnapshot(testGate({ stable: [other.origin] }), { ...quiet, version: 2, listeners: [HTTP, taken] })
  await t.rejects(workers.apply(next), ListenError)
  t.equal((await get(port)).backend, 'other')
})

t.test('a worker that dies is named and replaced; its requests in flight are forgotten, its counts kept', async (t) => {
  const backend = await Backend.start()
  t.teardown(() => backend.close())
  const gate = testGate({ stable: [backend.origin] })
  const { workers, log, port } = await start(t, 1, testSnapshot(gate, quiet))
  t.equal((await get(port)).status, 200)
  const hanging = await RawClient.connect(port)
  await hanging.get('/hang')
  while (backend.requests < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  workers.kill(0)
  const died = await log.until(/a worker died and is replaced/)
  t.match(died, { level: 'error', fields: { worker: 0 } })
  await hanging.untilEnd()
  while (workers.ready === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal((await get(port)).status, 200)
  // A client has its answer a moment before the worker has written it down.
  while (totals(gate).stable.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(totals(gate).stable.offered, 3)
})

t.test('a drain without traffic is over at once; then the port is free', async (t) => {
  const { workers, port } = await start(t, 2, testSnapshot(undefined, quiet))
  const drained = workers.drain(0)
  t.equal(workers.drain(0), drained, 'idempotent')
  await drained
  await workers.close()
  await t.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' })
})

t.test('a worker that stalls is named', async (t) => {
  const { StallWatch } = await import('../../../src/proxy/stall-watch.ts')
  const { ManualClock } = await import('../../support/manual-clock.ts')
  const clock = new ManualClock()
  const log = new Log()
  const beats = new Int32Array(new SharedArrayBuffer(8))
  const watch = new StallWatch(beats, clock, log)
  const beat = (worker: number) => Atomics.store(beats, worker, clock.nowMs() | 0)
  for (const worker of [0, 1]) {
    watch.watch(worker)
    beat(worker)
  }
  watch.start()
  for (let i = 0; i < 10; i++) {
    beat(0)
    clock.advance(500)
  }
  t.match(log.lines, [{ level: 'warn', fields: { worker: 1 }, message: 'a worker stalls' }])
  beat(1)
  clock.advance(500)
  t.equal(log.lines.at(-1)!.message, 'a worker goes on after a stall')
  watch.close()
  t.equal(clock.pending, 0)
})
