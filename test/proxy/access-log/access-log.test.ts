import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { systemClock } from '../../../src/clock.ts'
import { AccessLog, type LogSink, openSink, type WriteResult } from '../../../src/proxy/access-log/index.ts'
import { seededRandom } from '../../../src/random.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { entry } from './entry.ts'

/** A sink that answers as it is told and keeps what it took. */
class FakeSink implements LogSink {
  chunkBytes = 4096
  taken: string[] = []
  answer: WriteResult = 'done'
  closed = 0
  write(chunk: string): WriteResult {
    if (this.answer === 'done') this.taken.push(chunk)
    return this.answer
  }
  close(): void {
    this.closed++
  }
  get lines(): string[] {
    return this.taken.join('').split('\n').slice(0, -1)
  }
}

function setUp(options: { sample?: number; maxBufferBytes?: number } = {}) {
  const sink = new FakeSink()
  const clock = new ManualClock()
  const log = new AccessLog({ sink, clock, random: seededRandom(1), sample: 100, ...options })
  return { sink, clock, log }
}

t.test('a lonely line is written soon, many in chunks of whole lines', async (t) => {
  const { sink, clock, log } = setUp()
  log.log(entry())
  t.equal(sink.taken.length, 0)
  clock.advance(1000)
  t.equal(sink.lines.length, 1)
  for (let i = 0; i < 100; i++) log.log(entry({ requestId: `id-${i}` }))
  clock.advance(1000)
  t.equal(sink.lines.length, 101)
  t.ok(sink.taken.length < 30)
  for (const chunk of sink.taken) t.ok(chunk.length <= 4096 && chunk.endsWith('}\n'))
  t.equal(JSON.parse(sink.lines.at(-1)!)['http.request.id'], 'id-99')
})

t.test('the sample leaves out successes, never failures or rescued requests', async (t) => {
  const { sink, log } = setUp({ sample: 10 })
  for (let i = 0; i < 2000; i++) log.log(entry())
  await log.flush()
  t.ok(sink.lines.length > 120 && sink.lines.length < 280, `${sink.lines.length} of 2000`)
  log.setSample(0)
  sink.taken = []
  log.log(entry({ status: 404 }))
  log.log(entry({ status: 500 }))
  log.log(entry({ rescued: true }))
  await log.flush()
  t.equal(sink.lines.length, 2)
})

t.test(
  'a sink that takes nothing costs lines, counted, and no memory; nothing mixes when it takes again',
  async (t) => {
    const { sink, clock, log } = setUp({ maxBufferBytes: 20_000 })
    sink.answer = 'busy'
    for (let i = 0; i < 1000; i++) log.log(entry({ requestId: `id-${i}` }))
    clock.advance(1000)
    t.equal(sink.taken.length, 0)
    const { dropped } = log
    t.ok(dropped > 900 && dropped < 1000)
    sink.answer = 'done'
    clock.advance(1000)
    t.equal(sink.lines.length, 1000 - dropped)
    t.same(
      sink.lines.map((line) => JSON.parse(line)['http.request.id']),
      Array.from({ length: 1000 - dropped }, (_, i) => `id-${i}`),
    )
  },
)

t.test('a sink that fails loses its lines, counted', async (t) => {
  const { sink, log } = setUp()
  sink.answer = 'failed'
  log.log(entry())
  log.log(entry())
  await log.flush()
  t.equal(log.dropped, 2)
})

t.test('closing writes what is left, and does not wait for ever', async (t) => {
  const good = setUp()
  good.log.log(entry())
  await good.log.close()
  await good.log.close()
  good.log.log(entry())
  t.equal(good.sink.lines.length, 1)
  t.equal(good.sink.closed, 1)
  const bad = setUp()
  bad.sink.answer = 'busy'
  bad.log.log(entry())
  const closing = bad.log.close()
  bad.clock.advance(2000)
  await closing
  t.equal(bad.log.dropped, 1)
  t.equal(bad.sink.closed, 1)
})

t.test('a file gets all lines in order', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'streamgate-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'access.log')
  const sink = openSink(openSync(file, 'w'))
  t.equal(sink.chunkBytes, 65_536)
  const log = new AccessLog({ sink, clock: systemClock, random: Math.random, sample: 100 })
  for (let i = 0; i < 1500; i++) log.log(entry({ requestId: `id-${i}` }))
  await log.close()
  const lines = readFileSync(file, 'latin1').trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line)['http.request.id']),
    Array.from({ length: 1500 }, (_, i) => `id-${i}`),
  )
})

const WRITER = `
const { AccessLog, openSink } = await import('${new URL('../../../src/proxy/access-log/index.ts', import.meta.url)}')
const { systemClock } = await import('${new URL('../../../src/clock.ts', import.meta.url)}')
const { entry } = await import('${new URL('./entry.ts', import.meta.url)}')
const log = new AccessLog({ sink: openSink(1), clock: systemClock, random: Math.random, sample: 100, maxBufferBytes: 1e9 })
for (let i = 0; i < 2000; i++) log.log(entry({ requestId: process.argv.at(-1) + '-' + i, userAgent: 'u'.repeat(i % 1900) }))
process.stderr.write('logged\\n')
const alive = setInterval(() => {}, 1000)
await log.flush()
clearInterval(alive)
`

t.test('lines of two writers on one slow pipe never mix', async (t) => {
  // The shell joins both to one pipe. Nobody reads it before both have filled it: then writes are cut where they can be.
  const one = '"$NODE" --input-type=module -e "$WRITER" x'
  const shell = spawn('/bin/sh', ['-c', `{ ${one} a & ${one} b & wait; } | cat`], {
    env: { ...process.env, NODE: process.execPath, WRITER },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(shell, 'exit')
  let full = 0
  for await (const line of createInterface({ input: shell.stderr })) if (line === 'logged' && ++full === 2) break
  const counts = new Map<string, number>()
  for await (const line of createInterface({ input: shell.stdout })) {
    const writer: string = JSON.parse(line)['http.request.id'].split('-')[0]
    counts.set(writer, (counts.get(writer) ?? 0) + 1)
  }
  await exited
  t.same([...counts].sort(), [
    ['a', 2000],
    ['b', 2000],
  ])
})
