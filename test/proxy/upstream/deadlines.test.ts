import fc from 'fast-check'
import t from 'tap'
import { type Deadlined, Deadlines } from '../../../src/proxy/upstream/deadlines.ts'
import { ManualClock } from '../../support/manual-clock.ts'

class Waiter implements Deadlined {
  dueMs = 0
  before: Deadlined | undefined
  after: Deadlined | undefined
  deadlines: Deadlines | undefined
  expired: number[] = []
  readonly #clock: ManualClock
  constructor(clock: ManualClock) {
    this.#clock = clock
  }
  onDeadline(): void {
    this.expired.push(this.#clock.nowMs())
  }
}

t.test('each waiter expires at its own moment, one timer for all', async (t) => {
  const clock = new ManualClock(0)
  const deadlines = new Deadlines(100, clock)
  const waiters = Array.from({ length: 10 }, () => new Waiter(clock))
  for (const waiter of waiters) {
    deadlines.start(waiter)
    clock.advance(5)
  }
  t.equal(clock.pending, 1)
  Deadlines.stop(waiters[0]!)
  Deadlines.stop(waiters[4]!)
  Deadlines.stop(waiters[4]!)
  deadlines.start(waiters[2]!)
  clock.advance(1000)
  t.same(
    waiters.map(({ expired }) => expired),
    [[], [105], [150], [115], [], [125], [130], [135], [140], [145]],
  )
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('started anew from its own expiry; moved between lists; 0 is never', async (t) => {
  const clock = new ManualClock(0)
  const short = new Deadlines(10, clock)
  const long = new Deadlines(100, clock)
  const waiter = new Waiter(clock)
  waiter.onDeadline = () => {
    waiter.expired.push(clock.nowMs())
    if (waiter.expired.length < 3) short.start(waiter)
  }
  short.start(waiter)
  clock.advance(1000)
  t.same(waiter.expired, [10, 20, 30])
  short.start(waiter)
  long.start(waiter)
  clock.advance(50)
  t.equal(waiter.expired.length, 3, 'only the last list counts')
  clock.advance(50)
  t.equal(waiter.expired.length, 4)
  new Deadlines(0, clock).start(waiter)
  clock.advance(1e9)
  t.equal(waiter.expired.length, 4)
})

t.test('property: as if each waiter had a timer of its own', async (t) => {
  const step = fc.record({
    waiter: fc.nat(4),
    action: fc.constantFrom('start' as const, 'stop' as const),
    thenMs: fc.nat(60),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new ManualClock(0)
      const deadlines = new Deadlines(100, clock)
      const waiters = Array.from({ length: 5 }, () => new Waiter(clock))
      const due = new Array<number>(5).fill(Number.POSITIVE_INFINITY)
      const expected: number[][] = [[], [], [], [], []]
      const pass = (ms: number) => {
        clock.advance(ms)
        due.forEach((at, i) => {
          if (at > clock.nowMs()) return
          expected[i]!.push(at)
          due[i] = Number.POSITIVE_INFINITY
        })
      }
      for (const { waiter, action, thenMs } of steps) {
        if (action === 'start') deadlines.start(waiters[waiter]!)
        else Deadlines.stop(waiters[waiter]!)
        due[waiter] = action === 'start' ? clock.nowMs() + 100 : Number.POSITIVE_INFINITY
        pass(thenMs)
      }
      pass(1000)
      return JSON.stringify(waiters.map(({ expired }) => expired)) === JSON.stringify(expected)
    }),
    { seed: 3, numRuns: 1000 },
  )
  t.pass()
})
