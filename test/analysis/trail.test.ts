import fc from 'fast-check'
import t from 'tap'
import {
  type CellCounts,
  createJudge,
  type Finding,
  type JudgeInput,
  type JudgeState,
  judge,
} from '../../src/controller/analysis/index.ts'
import { seededRandom } from '../../src/random.ts'
import { cell, input, policy } from './support.ts'

// A warm judge keeps a trail of what it replayed, one that was just read from the disk has none: both must say the same
// at every tick, to the last bit, whatever comes late.

interface Arrival {
  variant: 'candidate' | 'serving'
  /** Ticks until it ends; 0: within its own. */
  lasts: number
  bad: boolean
  slow?: boolean
}

/** Counts of requests that start and end: each outcome goes into the cell in which its request started. */
class Ring {
  readonly cells: CellCounts[] = []
  readonly #running: { at: CellCounts; arrival: Arrival; ends: number }[] = []

  tick(epoch: number, share: number, arrivals: readonly Arrival[]): void {
    const now = cell(epoch, { share })
    if (arrivals.length > 0) this.cells.push(now)
    for (const arrival of arrivals) {
      now[arrival.variant].started++
      now.pending++
      this.#running.push({ at: now, arrival, ends: epoch + arrival.lasts })
    }
    const running = this.#running.splice(0)
    for (const { at, arrival, ends } of running) {
      const { variant, bad, slow } = arrival
      if (ends <= epoch) {
        at.pending--
        at[variant].timed++
        if (bad) at[variant].bad++
        if (slow) at[variant].slow++
        if (variant === 'serving' && epoch - at.epoch > LONG) at.serving.longPending--
        continue
      }
      if (variant === 'serving' && epoch - at.epoch === LONG + 1) at.serving.longPending++
      this.#running.push({ at, arrival, ends })
    }
    while (this.cells.length > 0 && this.cells[0]!.epoch <= epoch - 128) this.cells.shift()
  }
}

const LONG = 2

const cold = (state: JudgeState): JudgeState => JSON.parse(JSON.stringify(state)) as JudgeState

t.test('a failure that comes in the tick in which its cell is folded is never lost', async (t) => {
  // One candidate request a second; one in 20 hangs and fails after 30 s. The hanging one alone keeps its cell open.
  const convictedAt = (between: (state: JudgeState) => JudgeState): number | undefined => {
    const ring = new Ring()
    let state = createJudge(policy)
    for (let epoch = 1; epoch <= 400; epoch++) {
      const hangs = epoch % 20 === 0
      const serving = Array.from({ length: 19 }, (): Arrival => ({ variant: 'serving', lasts: 0, bad: false }))
      ring.tick(epoch, 0.05, [{ variant: 'candidate', lasts: hangs ? 30 : 0, bad: hangs }, ...serving])
      const look = judge(policy, between(state), input(ring.cells, { epoch, slowKnown: false }))
      state = look.state
      if (look.finding.convicted) return epoch
    }
    return undefined
  }
  const known = convictedAt(cold)
  t.ok(known, 'without a trail it is convicted')
  t.equal(
    convictedAt((state) => state),
    known,
    'and at the same tick with one',
  )
})

/** A random life: late outcomes, serving's outages, quiet seconds, weights up to 100, a history that grows. */
function live(seed: number, rate: number, each: (input: JudgeInput) => void): void {
  const random = seededRandom(seed)
  const ring = new Ring()
  let share = 0.05
  for (let epoch = 1; epoch <= 220; epoch++) {
    if (random() < 0.03) share = [0.05, 0.25, 0.5, 1][Math.floor(random() * 4)]!
    const outage = Math.floor(epoch / 25) % 3 === 1
    const arrivals: Arrival[] = []
    const add = (variant: Arrival['variant'], mean: number, bad: number, late: number) => {
      const count = Math.floor(random() * (2 * mean + 1))
      for (let k = 0; k < count; k++) {
        const hangs = random() < late
        const lasts = hangs ? Math.floor(random() * 60) : 0
        arrivals.push({ variant, lasts, bad: random() < (hangs ? 0.5 : bad), slow: random() < 0.02 })
      }
    }
    add('candidate', rate, 0.02, 0.04)
    if (share < 1) add('serving', 6, outage ? 0.1 : 0.002, outage ? 0.02 : 0.001)
    ring.tick(epoch, share, arrivals)
    const requests = 20_000 + 100 * Math.floor(epoch / 50)
    each(
      input(ring.cells, {
        epoch,
        servingRecent: { requests: 60, bad: outage && random() < 0.3 ? 4 : 0 },
        servingHistory: { requests, bad: 20 + Math.floor(epoch / 50), timed: requests, slow: 200 },
      }),
    )
  }
}

t.test('with a trail or without: the same finding and the same state at every tick', async (t) => {
  let folds = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(0.5, 1, 4), (seed, rate) => {
      let state = createJudge(policy)
      live(seed, rate, (now) => {
        const expected = judge(policy, cold(state), now)
        const got = judge(policy, state, now)
        if (got.state.folded > state.folded) folds++
        if (!equal(got, expected)) {
          throw new Error(
            `epoch ${now.epoch}: ${JSON.stringify(got.finding)} is not ${JSON.stringify(expected.finding)}`,
          )
        }
        state = got.state
      })
    }),
    { numRuns: 30, seed: 20_261_125 },
  )
  t.ok(folds > 200, `${folds} ticks folded`)
})

const equal = (a: { finding: Finding; state: JudgeState }, b: { finding: Finding; state: JudgeState }): boolean =>
  JSON.stringify(a) === JSON.stringify(b)
