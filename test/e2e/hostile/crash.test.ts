import t from 'tap'
import { OpenLoop } from '../support/open-loop.ts'
import { Edge, gateOf } from './support/edge.ts'
import { Inspector } from './support/inspector.ts'
import { Recorder } from './support/recorder.ts'

t.setTimeout(120_000)

t.test(
  'a worker that dies of an exception is named and replaced within a second, and the others serve on',
  async (t) => {
    const recorder = await Recorder.start()
    t.teardown(() => recorder.close())
    // Node's own inspector, as an operator could open it: the program has no hook for this.
    const edge = await Edge.start(t, gateOf('shop', recorder.origin), '', {
      env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' },
    })
    const url = /ws:\/\/\S+/.exec(edge.program.stderr)![0]
    const inspector = await Inspector.connect(url)
    t.teardown(() => inspector.close())
    const workers = await inspector.workers(2)
    // A short life is followed by a pause: the program must have run for a while.
    await new Promise((done) => setTimeout(done, 6000))
    const load = new OpenLoop({ port: edge.port, perSecond: 50, keepAlive: false, timeoutMs: 20_000 })
    await load.more(20)
    // A request in flight on it: its gauge must not stay.
    const held = await Promise.all(Array.from({ length: 8 }, () => edge.connect()))
    for (const client of held) await client.get('/held')
    await edge.program.until('shop', ({ variants }) => variants[0]!.inFlight >= 8)
    const [victim] = workers
    inspector.evaluate(victim!, `setTimeout(() => { throw new Error('an accident') })`)
    const died = await edge.program.line(({ message }) => message === 'a worker died and is replaced')
    t.equal(typeof died.worker, 'number')
    t.match(died.error, /an accident/)
    const seenMs = performance.now()
    await inspector.workers(3)
    t.ok(performance.now() - seenMs < 10_000, 'another one is started at once')
    await load.more(100)
    recorder.release()
    for (const client of held) client.destroy()
    const seen = await load.stop()
    // Connections of the dead worker are lost with it, and no others.
    t.ok(
      seen.slice(-50).every(({ status }) => status === 200),
      'all is served again',
    )
    t.ok(seen.filter(({ status }) => status !== 200).length < seen.length / 4)
    await edge.program.until('shop', ({ variants }) => variants[0]!.inFlight === 0)
    await edge.sound(t)
    t.equal(edge.faults.length, 1, 'one death, and no other')
  },
)
