import fc from 'fast-check'
import t from 'tap'
import { advanceEpoch, type Block, createBlock, setHarmLeft } from '../../src/metrics/block/block.ts'
import { CELLS, CODE_MIN, FAILURE_KINDS, Gate, Steering, Variant } from '../../src/metrics/block/layout.ts'
import { clearBitmaps, gateAt, variantAt } from '../../src/metrics/block/rows.ts'
import { createRecorder, GateMeter, readCells } from '../../src/metrics/index.ts'
import type { RequestObservation } from '../../src/metrics/recording.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SERVING = 0
const CANDIDATE = 1
const WORKERS = 2
const SLOW_US = 50_000
const SLOW_MAX_US = 200_000
const PENDING_US = 80_000

/** The naive twin of an observation: everything is kept, everything is computed when asked. */
interface Twin {
  epoch: number
  worker: number
  variant: number
  startedUs: number
  sentUs?: number
  settledUs?: number
  endedUs?: number
  bad: boolean
  observation: RequestObservation
}

type Step =
  | { do: 'start'; worker: number; variant: number; bucket: number; lag: number }
  | { do: 'sent' | 'answered' | 'aborted' | 'bad' | 'end'; which: number }
  | { do: 'pass'; ms: number }
  | { do: 'sweep' }
  | { do: 'epoch'; by: number }
  | { do: 'newStep' }

/** Twins whose failure counts: one a bucket, step and variant. */
const countsBad = new WeakSet<Twin>()

const which = fc.nat(40)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      worker: fc.nat(WORKERS - 1),
      variant: fc.constantFrom(SERVING, CANDIDATE),
      bucket: fc.constantFrom(-1, -1, 31, 32, 9999),
      lag: fc.constantFrom(0, 0, 0, 1, 3),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('sent', 'answered', 'aborted', 'bad', 'end'),
      which,
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(fc.constantFrom(50, 80, 150), fc.integer({ min: 1, max: 120 })),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'sweep' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('epoch' as const), by: fc.constantFrom(1, 1, 1, 1, 1, 2, 127, 128) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'newStep' as const }) },
)

t.test('cells tell what a naive model of all requests tells, whatever the order', async (t) => {
  const property = fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
    const clock = new ManualClock()
    const block = createBlock({ workers: WORKERS, variants: 2, endpoints: 1 })
    steer(block)
    let epoch = nextEpoch(block)
    const recorders = Array.from({ length: WORKERS }, (_, worker) => createRecorder(block, worker, clock))
    const twins: Twin[] = []
    /** Buckets that have failed in this step, by variant. */
    let failedBuckets = new Set<string>()
    const buckets = new Map<Twin, number>()
    const nowUs = () => clock.nowMs() * 1000
    /** The epoch whose cell the worker has in the epoch's slot: outcomes of others are lost. */
    const owns = (twin: Twin) =>
      !twins.some((o) => o.worker === twin.worker && o.epoch > twin.epoch && o.epoch % CELLS === twin.epoch % CELLS)

    for (const step of steps) {
      const twin = 'which' in step ? twins[step.which % Math.max(twins.length, 1)] : undefined
      if (step.do === 'start') {
        const at = Math.max(1, epoch - step.lag)
        const observation = recorders[step.worker]!.observe(at, step.variant, step.bucket)
        if (!observation) throw new Error('not observed')
        const started = { epoch: at, worker: step.worker, variant: step.variant, startedUs: nowUs() }
        const twin = { ...started, bad: false, observation }
        twins.push(twin)
        buckets.set(twin, step.bucket)
      } else if (step.do === 'pass') clock.advance(step.ms)
      else if (step.do === 'sweep') for (const recorder of recorders) recorder.sweep(nowUs())
      else if (step.do === 'epoch') for (let i = 0; i < step.by; i++) epoch = nextEpoch(block)
      else if (step.do === 'newStep') {
        clearBitmaps(block)
        failedBuckets = new Set()
      } else if (twin && twin.endedUs === undefined) {
        if (step.do === 'sent') {
          twin.observation.sent(nowUs())
          if (twin.settledUs === undefined) twin.sentUs ??= nowUs()
        } else if (step.do === 'answered' || step.do === 'aborted') {
          twin.observation[step.do](nowUs())
          twin.settledUs ??= nowUs()
        } else if (step.do === 'bad') {
          twin.observation.bad()
          const bucket = `${twin.variant}/${buckets.get(twin)}`
          const counts = !buckets.get(twin) || buckets.get(twin)! < 0 || !failedBuckets.has(bucket)
          if (!twin.bad && owns(twin) && counts) countsBad.add(twin)
          if (!twin.bad && owns(twin)) failedBuckets.add(bucket)
          if (owns(twin)) twin.bad = true
        } else {
          twin.observation.end()
          twin.settledUs ??= nowUs()
          twin.endedUs = nowUs()
        }
      }
    }
    for (const recorder of recorders) recorder.sweep(nowUs())

    const cells = readCells(block, 1)
    const expected = new Map<number, Twin[]>()
    for (const twin of twins) {
      if (twin.epoch <= epoch - CELLS) continue
      expected.set(twin.epoch, [...(expected.get(twin.epoch) ?? []), twin])
    }
    const epochs = [...new Set([...expected.keys(), epoch])].sort((a, b) => a - b)
    same(
      cells.map((cell) => cell.epoch),
      epochs,
    )
    for (const cell of cells) {
      const all = expected.get(cell.epoch) ?? []
      const waited = (twin: Twin) => (twin.sentUs === undefined ? 0 : (twin.settledUs ?? nowUs()) - twin.sentUs)
      const of = (variant: number) => {
        const mine = all.filter((twin) => twin.variant === variant)
        return {
          started: mine.length,
          bad: mine.filter((twin) => countsBad.has(twin)).length,
          timed: mine.filter((twin) => twin.sentUs !== undefined).length,
          slow: mine.filter((twin) => waited(twin) > SLOW_US).length,
          slowMax: mine.filter((twin) => waited(twin) > SLOW_MAX_US).length,
        }
      }
      const running = all.filter((twin) => twin.endedUs === undefined)
      same(cell.candidate, {
        ...of(CANDIDATE),
        pending: running.filter(({ variant }) => variant === CANDIDATE).length,
        repeated: all.filter((twin) => twin.variant === CANDIDATE && twin.bad && !countsBad.has(twin)).length,
      })
      const { slowMax: _, ...serving } = of(SERVING)
      const waiting = running.filter((o) => o.variant === SERVING && o.settledUs === undefined)
      const longPending = waiting.filter((o) => nowUs() - o.startedUs > PENDING_US).length
      same(cell.serving, { ...serving, longPending })
      same(cell.pending, running.length)
      same(cell.share, 0.05)
    }
  })
  t.doesNotThrow(() => fc.assert(property, { seed: 20_261, numRuns: 500 }))
})

t.test('totals are the sums of all that was recorded, also when the words wrap', async (t) => {
  const request = fc.record({
    worker: fc.nat(WORKERS - 1),
    variant: fc.nat(1),
    split: fc.boolean(),
    code: fc.constantFrom(101, 200, 404, 499, 502, 599, 999),
    us: fc.constantFrom(0, 130, 5000, 1e6, 3e8, 5e11),
    failed: fc.boolean(),
    kind: fc.constantFrom(...FAILURE_KINDS),
    ends: fc.boolean(),
    read: fc.boolean(),
  })
  const property = fc.property(fc.array(request, { maxLength: 60, size: 'max' }), (requests) => {
    const block = createBlock({ workers: WORKERS, variants: 2, endpoints: 1 })
    nearWrap(block)
    const meter = new GateMeter(block, ['a', 'b'])
    meter.read()
    const names = ['a', 'b'] as const
    const before = names.map((name) => structuredClone(meter.variant(name)!))
    const succeeded = meter.gate.succeeded
    const recorders = Array.from({ length: WORKERS }, (_, worker) => createRecorder(block, worker, new ManualClock()))
    for (const each of requests) {
      const recorder = recorders[each.worker]!
      recorder.begin(each.variant, each.split)
      recorder.attempt(each.variant)
      recorder.latency(each.variant, each.us)
      recorder.failure(each.variant, each.kind)
      if (each.ends) recorder.end(each.variant, each.code, each.us, each.failed)
      if (each.read) meter.read()
    }
    meter.read()
    const good = requests.filter((o) => o.ends && !o.failed && o.code < 500 && o.code !== 499)
    same(meter.gate.succeeded - succeeded, good.length)
    for (const [v, name] of names.entries()) {
      const now = meter.variant(name)!
      const was = before[v]!
      const mine = requests.filter((each) => each.variant === v)
      const ended = mine.filter((each) => each.ends)
      same(now.offered - was.offered, mine.length)
      same(now.split - was.split, mine.filter((each) => each.split).length)
      same(now.inFlight, mine.length - ended.length)
      same(recorders[0]!.variantInFlight(v), mine.length - ended.length)
      same(now.ended - was.ended, ended.length)
      same(now.failed - was.failed, ended.filter((each) => each.failed).length)
      same(now.attempts - was.attempts, mine.length)
      for (const [k, kind] of FAILURE_KINDS.entries()) {
        same(now.failures[k]! - was.failures[k]!, mine.filter((each) => each.kind === kind).length)
      }
      for (const code of [101, 200, 404, 499, 502]) {
        same(now.codes[code - CODE_MIN]! - was.codes[code - CODE_MIN]!, ended.filter((o) => o.code === code).length)
      }
      same(now.codes[499]! - was.codes[499]!, ended.filter((each) => each.code >= 599).length)
      same(
        now.durations.sumUs - was.durations.sumUs,
        ended.reduce((sum, each) => sum + each.us, 0),
      )
      same(
        now.latencies.sumUs - was.latencies.sumUs,
        mine.reduce((sum, each) => sum + each.us, 0),
      )
      const counted = now.durations.counts.reduce((sum, n) => sum + n, 0)
      same(counted - was.durations.counts.reduce((sum, n) => sum + n, 0), ended.length)
    }
  })
  t.doesNotThrow(() => fc.assert(property, { seed: 20_262, numRuns: 200 }))
})

function steer({ words, ...block }: Block): void {
  words[Steering.slowUs] = SLOW_US
  words[Steering.slowMaxUs] = SLOW_MAX_US
  words[Steering.pendingUs] = PENDING_US
  setHarmLeft({ words, ...block }, -1)
}

function nextEpoch(block: Block): number {
  return advanceEpoch(block, {
    weightsBps: [9500, 500],
    observed: true,
    candidate: CANDIDATE,
    serving: SERVING,
    salt: 0,
  })
}

/** All counters but the gauges are a few steps before 2^32. */
function nearWrap({ counters, layout }: Block): void {
  const near = 2 ** 32 - 3
  for (let worker = 0; worker < layout.workers; worker++) {
    for (let word = 0; word < Gate.words; word++) counters[gateAt(layout, worker) + word] = near
    for (let v = 0; v < layout.variants; v++) {
      const at = variantAt(layout, worker, v)
      for (let word = 0; word < Variant.words; word++) counters[at + word] = near
      counters[at + Variant.inFlight] = 0
      counters[at + Variant.durationSumHigh] = 0
      counters[at + Variant.latencySumHigh] = 0
    }
  }
}

/** Throws where two values differ: the property's own assertion, much cheaper than a tap assertion a value. */
function same(found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`found ${a}, wanted ${b}`)
}
