import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  advanceEpoch,
  type BlockRef,
  createBlock,
  currentEpoch,
  GateMeter,
  isShut,
  readCells,
  Steering,
  setHarmLeft,
} from '../../src/metrics/index.ts'
import { createRecorder } from '../../src/metrics/recorder.ts'
import { ManualClock } from '../support/manual-clock.ts'

const REQUESTS = 20_000
const TABLE = { weightsBps: [5000, 5000], observed: true, candidate: 1, serving: 0, salt: 0 }

const PROGRAM = `
import { parentPort, workerData } from 'node:worker_threads'
const { createRecorder } = await import(workerData.metrics)
const { openBlock } = await import(workerData.block)
const { systemClock } = await import(workerData.clock)
const recorder = createRecorder(openBlock(workerData.ref), workerData.index, systemClock)
parentPort.postMessage('ready')
parentPort.once('message', () => {
  for (let i = 0; i < workerData.requests; i++) {
    const variant = i & 1
    recorder.begin(variant, true)
    const observation = recorder.observe(recorder.epoch(), variant, i % 100)
    recorder.pick(variant)
    if (i % 10 === 1) {
      observation?.bad()
      recorder.harmed(recorder.epoch())
    }
    observation?.end()
    recorder.release(variant, false)
    recorder.end(variant, 200, 1000, false)
  }
  parentPort.postMessage('done')
})
`

function start(ref: BlockRef, index: number): Worker {
  const url = (path: string) => new URL(path, import.meta.url).href
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`), {
    workerData: {
      ref,
      index,
      requests: REQUESTS,
      metrics: url('../../src/metrics/recorder.ts'),
      block: url('../../src/metrics/block/block.ts'),
      clock: url('../../src/clock.ts'),
    },
  })
}

const told = (worker: Worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })

t.test(
  'two threads write one block: nothing is lost, a sticky bucket counts once, epochs move on meanwhile',
  async (t) => {
    const block = createBlock({ workers: 2, variants: 2, endpoints: 2 })
    advanceEpoch(block, TABLE)
    setHarmLeft(block, 1_000_000)
    const meter = new GateMeter(block, ['stable', 'canary'])
    const workers = [0, 1].map((index) => start(block.ref, index))
    t.teardown(() => Promise.all(workers.map((worker) => worker.terminate())))
    await Promise.all(workers.map(told))
    let running = true
    const done = Promise.all(workers.map(told)).then(() => {
      running = false
    })
    for (const worker of workers) worker.postMessage('go')
    let mixed = 0
    while (running) {
      if (currentEpoch(block) < 100) advanceEpoch(block, TABLE)
      for (const { candidate, pending } of readCells(block, 1)) {
        if (candidate.bad > candidate.started || pending > 2) mixed++
      }
      meter.read()
      await new Promise(setImmediate)
    }
    await done
    meter.read()
    t.equal(mixed, 0, 'no reading has more outcomes than requests')
    t.equal(meter.variant('stable')?.offered, REQUESTS)
    t.equal(meter.variant('canary')?.ended, REQUESTS)
    t.equal(meter.variant('canary')?.inFlight, 0)
    t.equal(meter.gate.harmed, (2 * REQUESTS) / 10)
    const cells = readCells(block, 1)
    const sum = (of: (cell: (typeof cells)[number]) => number) => cells.reduce((all, cell) => all + of(cell), 0)
    t.equal(
      sum((cell) => cell.candidate.started),
      REQUESTS,
    )
    t.equal(
      sum((cell) => cell.serving.started),
      REQUESTS,
    )
    t.equal(
      sum((cell) => cell.pending),
      0,
    )
    t.equal(
      sum((cell) => cell.candidate.bad),
      10,
      'buckets 1, 11, ... 91, whichever worker came first',
    )
    t.equal(
      1_000_000 - block.words[Steering.harmLeft]!,
      (2 * REQUESTS) / 10,
      'each harm was taken from the budget once',
    )
  },
)

t.test('the last harm of the budget shuts the candidate of the current epoch, and of the next ones', async (t) => {
  const block = createBlock({ workers: 1, variants: 2, endpoints: 1 })
  const recorder = createRecorder(block, 0, new ManualClock())
  const old = advanceEpoch(block, TABLE)
  setHarmLeft(block, 2)
  const now = advanceEpoch(block, TABLE)
  recorder.harmed(old)
  t.notOk(recorder.shut(now))
  recorder.harmed(old)
  t.ok(recorder.shut(now), 'a late failure of an older epoch shuts the current one')
  t.equal(block.words[Steering.guard], now)
  t.equal(recorder.observe(now, 1, -1), undefined)
  t.equal(recorder.observe(now, 0, -1), undefined)
  recorder.harmed(old)
  t.equal(block.words[Steering.harmLeft], 0, 'never below zero, which would mean no budget')
  t.ok(recorder.shut(advanceEpoch(block, TABLE)), 'an epoch that begins at that moment opens nothing')
  t.notOk(isShut(block, advanceEpoch(block, { ...TABLE, observed: false })), 'without a release there is no budget')
  setHarmLeft(block, -1)
  const next = advanceEpoch(block, TABLE)
  recorder.harmed(next)
  t.notOk(recorder.shut(next), 'without a budget nothing is taken')
})

t.test('an epoch without a release, and a variant that is neither side, are not observed', async (t) => {
  const block = createBlock({ workers: 1, variants: 3, endpoints: 1 })
  const recorder = createRecorder(block, 0, new ManualClock())
  const idle = advanceEpoch(block, { ...TABLE, weightsBps: [5000, 5000, 0], observed: false })
  t.equal(recorder.observe(idle, 0, -1), undefined)
  const judged = advanceEpoch(block, { ...TABLE, weightsBps: [5000, 4000, 1000] })
  t.equal(recorder.observe(judged, 2, -1), undefined)
  t.ok(recorder.observe(judged, 1, -1))
})
