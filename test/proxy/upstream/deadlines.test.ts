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
