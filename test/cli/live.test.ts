import t from 'tap'
import { type ReleaseRecord, startAdmin } from '../../src/admin/index.ts'
import { systemClock } from '../../src/clock.ts'
import { decision, FakeService, gateView, record, releaseView } from '../admin/fake-service.ts'
import { FakeLog, startTestAdmin } from '../admin/harness.ts'
import { cli, words } from './harness.ts'

const FINISHED = '2026-11-25T12:02:00.000Z'
const STARTED = decision()
const HEALTHY = decision({ time: '2026-11-25T12:01:00.000Z', step: 2, reason: 'Healthy', message: 'canary gets 10 %' })
const event = (change: ReturnType<typeof decision>) => ({
  type: 'decision' as const,
  decision: { ...change, namespace: 'default', name: 'shop', release: '7f3a' },
})

/** A program whose release ends when it is told to. */
class Releasing extends FakeService {
  constructor() {
    super()
    this.records = [record({ decisions: [STARTED] })]
  }

  end(phase: 'Succeeded' | 'RolledBack' | 'Aborted'): void {
    const finishedAt = FINISHED
    const end = decision({ time: finishedAt, phase, reason: 'Promoted', message: 'it is over' })
    const decisions = [...this.records[0]!.decisions, end]
    this.records = [record({ phase, finishedAt, reason: 'Promoted', message: 'it is over', decisions })]
    this.put(releaseView({ phase, finishedAt }))
    this.emit(event(end))
  }
}

/** Calls `then` once, when what was printed holds `text`. */
function when(text: string, then: () => void): (out: string) => void {
  let done = false
  return (out) => {
    if (done || !out.includes(text)) return
    done = true
    then()
  }
}

t.test('--wait follows to the end and exits by the result', async (t) => {
  const cases = [
    ['start', 'Succeeded', 0],
    ['start', 'RolledBack', 1],
    ['promote', 'Aborted', 1],
    ['abort', 'Aborted', 0],
    ['abort', 'RolledBack', 0],
    ['abort', 'Succeeded', 1],
    ['rollback', 'RolledBack', 0],
    ['rollback', 'Aborted', 0],
    ['rollback', 'Succeeded', 1],
    ['rollback --revision v1', 'Succeeded', 0],
    ['rollback --revision v1', 'RolledBack', 1],
  ] as const
  for (const [verb, phase, expected] of cases) {
    const service = new Releasing()
    const admin = await startTestAdmin(t, { service })
    const onOut = when('step 1 of 5', () => service.end(phase))
    const { code, out } = await cli(words(`${verb} --wait --server ${admin.server.url} shop`), { onOut })
    t.equal(code, expected, `${verb} ${phase}`)
    t.equal(out.split('\n').filter((line) => line.includes('step 1 of 5')).length, 1, 'each decision once')
    t.match(out, new RegExp(`default/shop: release 7f3a ${phase} after 2 m 0 s.*it is over`))
  }
})

/** A release that succeeded and is undone once the version before it is ready. */
class Undoing extends Releasing {
  constructor() {
    super()
    this.end('Succeeded')
    this.decide('Manual', 'canary gets the traffic as soon as it is ready')
  }

  decide(reason: string, message: string): void {
    const [{ decisions, ...last }] = this.records as [ReleaseRecord]
    this.records = [
      { ...last, decisions: [...decisions, decision({ time: FINISHED, phase: 'Succeeded', reason, message })] },
    ]
  }
}

t.test('rollback --wait waits for an undo that waits for the version before', async (t) => {
  const cases: [string, (service: Undoing) => void, number][] = [
    ['it is done', (service) => service.end('RolledBack'), 0],
    ['not ready', (service) => service.decide('NotReady', 'not rolled back: canary has no endpoint'), 1],
    ['weights by hand', (service) => service.decide('ManualWeights', 'ops set the weights'), 1],
    ['another release', (service) => service.put(releaseView({ id: '7f3b' })), 1],
  ]
  for (const [name, then, expected] of cases) {
    const service = new Undoing()
    const admin = await startTestAdmin(t, { service })
    const onOut = when('as soon as it is ready', () => then(service))
    const { code, out, err } = await cli(words(`rollback shop --wait --server ${admin.server.url}`), { onOut })
    t.equal(code, expected, name)
    t.match(out, `release 7f3a ${expected === 0 ? 'RolledBack' : 'Succeeded'}`, name)
    t.equal(err, expected === 0 ? '' : 'error: the release was not rolled back.\n', name)
  }
  const admin = await startTestAdmin(t, { service: new Undoing() })
  t.equal((await cli(words(`rollback shop --wait --wait-timeout 1 --server ${admin.server.url}`))).code, 3)
})

t.test('--wait -o json keeps stdout for the record', async (t) => {
  const service = new Releasing()
  service.end('Succeeded')
  const admin = await startTestAdmin(t, { service })
  const { code, out, err } = await cli(words(`deploy shop r/x:2 --wait -o json --server ${admin.server.url}`))
  t.equal(code, 0)
  t.match(JSON.parse(out), { id: '7f3a', phase: 'Succeeded' })
  t.match(err, 'start done')
})

t.test('--wait-timeout is exit code 3 and leaves the release alone', async (t) => {
  const admin = await startTestAdmin(t, { service: new Releasing() })
  const { code, err } = await cli(words(`start shop --wait --wait-timeout 1 --server ${admin.server.url}`))
  t.equal(code, 3)
  t.match(err, 'has not ended within 1 s. It goes on')
})

t.test('Ctrl-C while waiting is 130', async (t) => {
  const admin = await startTestAdmin(t, { service: new Releasing() })
  const interrupt = new AbortController()
  const onOut = when('step 1 of 5', () => interrupt.abort())
  const setting = { onOut, interrupt: interrupt.signal }
  const { code, err } = await cli(words(`start shop --wait --server ${admin.server.url}`), setting)
  t.equal(code, 130)
  t.match(err, 'The release goes on.')
})

t.test('--wait survives a restart of the server and says what it missed', async (t) => {
  const service = new Releasing()
  const options = { host: '127.0.0.1', service, log: new FakeLog(), clock: systemClock }
  const first = await startAdmin({ ...options, port: 0 })
  let restarted: Promise<void> | undefined
  const onOut = when('step 1 of 5', () => {
    restarted = (async () => {
      await first.close()
      service.records = [record({ decisions: [STARTED, HEALTHY] })]
      service.end('Succeeded')
      const second = await startAdmin({ ...options, port: first.port })
      t.teardown(() => second.close())
    })()
  })
  const { code, out } = await cli(words(`start shop --wait --server ${first.url}`), { onOut })
  await restarted
  t.equal(code, 0)
  t.match(out, /StepStarted[\s\S]*Healthy: canary gets 10 %[\s\S]*it is over/)
})

t.test('--wait ends when the gate is removed', async (t) => {
  const service = new Releasing()
  const admin = await startTestAdmin(t, { service })
  const onOut = when('step 1 of 5', () => {
    service.gates = []
  })
  const { code, err } = await cli(words(`start shop --wait --server ${admin.server.url}`), { onOut })
  t.not(code, 0)
  t.match(err, /default\/shop/)
})

t.test('--watch without a terminal: a line for what changes, until Ctrl-C', async (t) => {
  const service = new Releasing()
  const admin = await startTestAdmin(t, { service })
  const interrupt = new AbortController()
  const first = when('NeedRequests', () => service.emit(event(HEALTHY)))
  const second = when('Healthy: canary gets 10 % [default/shop]', () => service.put(releaseView({ step: 2 })))
  const third = when('2/5', () => {
    service.gates = []
  })
  const last = when('default/shop was removed', () => interrupt.abort())
  const { code, out } = await cli(words(`status --watch --server ${admin.server.url}`), {
    interrupt: interrupt.signal,
    onOut: (text) => {
      for (const each of [first, second, third, last]) each(text)
    },
  })
  t.equal(code, 0)
  t.equal(out.trimEnd().split('\n').length, 4, out)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  t.notMatch(out, /\x1b/)
})

t.test('--watch -o json: events as lines', async (t) => {
  const service = new Releasing()
  const admin = await startTestAdmin(t, { service })
  const interrupt = new AbortController()
  const first = when('"event":"gate"', () => service.emit(event(HEALTHY)))
  const last = when('"event":"decision"', () => interrupt.abort())
  const { code, out } = await cli(words(`status shop -w -o json --server ${admin.server.url}`), {
    interrupt: interrupt.signal,
    onOut: (text) => {
      for (const each of [first, last]) each(text)
    },
  })
  t.equal(code, 0)
  const [gate, made] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.same(gate, { event: 'gate', gate: gateView() })
  t.match(made, { event: 'decision', decision: { reason: 'Healthy', release: '7f3a' } })
})

t.test('--watch on a terminal draws in place and puts the terminal right', async (t) => {
  const service = new Releasing()
  const admin = await startTestAdmin(t, { service })
  const interrupt = new AbortController()
  const first = when('12:00:00Z', () => service.emit(event(HEALTHY)))
  const last = when('canary gets 10 %', () => interrupt.abort())
  const { code, out } = await cli(words(`status shop --watch --server ${admin.server.url}`), {
    env: { NO_COLOR: '1' },
    terminal: { isTTY: true, columns: 50, rows: 24 },
    interrupt: interrupt.signal,
    onOut: (text) => {
      for (const each of [first, last]) each(text)
    },
  })
  t.equal(code, 0)
  t.ok(out.startsWith('\x1b[?1049h\x1b[?25l'), 'enters the second screen and hides the cursor')
  const [frames, rest] = out.split('\x1b[?25h\x1b[?1049l') as [string, string]
  for (const frame of frames.split('\x1b[H').slice(1)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor is not text
    const lines = frame.replace(/\x1b\[[?0-9]*[a-zA-Z]/g, '').split('\r\n')
    t.ok(lines.length <= 24)
    for (const line of lines) t.ok(line.length < 50, line)
  }
  t.match(rest, /^default\/shop[\s\S]*canary gets 10 %/, 'leaves the last frame behind')
})

t.test('--watch on a dumb terminal writes lines', async (t) => {
  const admin = await startTestAdmin(t, { service: new Releasing() })
  const interrupt = new AbortController()
  const { out } = await cli(words(`status --watch --server ${admin.server.url}`), {
    env: { TERM: 'dumb' },
    terminal: { isTTY: true, columns: 80, rows: 24 },
    interrupt: interrupt.signal,
    onOut: when('default/shop', () => interrupt.abort()),
  })
  t.match(out, /^\d\d:\d\d:\d\dZ default\/shop stable=95 canary=5/)
})

t.test('--watch without a server ends at once; one that goes away is waited for', async (t) => {
  const service = new Releasing()
  const options = { host: '127.0.0.1', service, log: new FakeLog(), clock: systemClock }
  const first = await startAdmin({ ...options, port: 0 })
  const interrupt = new AbortController()
  let restarted: Promise<void> | undefined
  const gone = when('1/5', () => {
    restarted = (async () => {
      await first.close()
      service.put(releaseView({ step: 3 }))
      const second = await startAdmin({ ...options, port: first.port })
      t.teardown(() => second.close())
    })()
  })
  const back = when('3/5', () => interrupt.abort())
  const { code, err } = await cli(words(`status --watch --server ${first.url}`), {
    interrupt: interrupt.signal,
    onOut: (text) => {
      gone(text)
      back(text)
    },
  })
  await restarted
  t.equal(code, 0)
  t.match(err, 'Trying again.')
  t.equal((await cli(words('status --watch --server http://127.0.0.1:1'))).code, 4)
})
