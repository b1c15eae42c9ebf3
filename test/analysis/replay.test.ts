import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  type CellCounts,
  createJudge,
  type Finding,
  type JudgeState,
  judge,
} from '../../src/controller/analysis/index.ts'
import { seededRandom } from '../../src/random.ts'
import { cell, input, policy } from './support.ts'

// The evidence is a function of the counts alone: how often and when somebody looked, what was kept or folded on the
// way, and a trip through JSON change nothing.

const RUNS = { numRuns: 40, seed: 20_261_125 }

/** Cells with random counts, all ended unless `pending`. */
function randomCells(seed: number, count: number, pending = 0): CellCounts[] {
  const random = seededRandom(seed)
  const upTo = (n: number) => Math.floor(random() * (n + 1))
  return Array.from({ length: count }, (_, k) => {
    const candidate = upTo(8)
    const serving = upTo(100)
    const share = [0.05, 0.25, 0.5, 1][Math.floor(k / 40) % 4]!
    return cell(k + 1, {
      share,
      pending,
      candidate: { started: candidate, bad: random() < 0.1 ? upTo(Math.min(1, candidate)) : 0, timed: candidate },
      serving: {
        started: serving,
        bad: random() < 0.2 ? upTo(Math.min(2, serving)) : 0,
        timed: serving,
        slow: upTo(1),
      },
    })
  })
}

const ring = (cells: readonly CellCounts[], last: number) => cells.slice(Math.max(0, last - 128), last)

/** `ln` of numbers that were added up in another order may differ in the last digits. */
function same(t: Test, a: Finding, b: Finding): void {
  for (const [test, value] of Object.entries(a.evidence)) {
    const other = b.evidence[test as keyof Finding['evidence']]
    if (Math.abs(value - other) > 1e-6) t.fail(`${test}: ${value} is not ${other}`)
  }
  t.same({ ...a, evidence: 0 }, { ...b, evidence: 0 })
}

t.test('looks in between, the trail that they leave and folding change no figure', async (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      // A cell with a running request stays open until it leaves the ring, and must be seen shortly before.
      fc.oneof(
        fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constant(1)),
        fc.tuple(fc.integer({ min: 1, max: 100 }), fc.constant(0)),
      ),
      (seed, [every, pending]) => {
        const cells = randomCells(seed, 160, pending)
        let looked = createJudge(policy)
        let rare = createJudge(policy)
        let a: Finding | undefined
        let b: Finding | undefined
        for (let k = 1; k <= cells.length; k++) {
          const look = judge(policy, looked, input(ring(cells, k)))
          looked = look.state
          a = look.finding
          if (k % every !== 0 && k !== cells.length) continue
          // Through JSON: nothing of the trail survives.
          const other = judge(policy, JSON.parse(JSON.stringify(rare)) as JudgeState, input(ring(cells, k)))
          rare = other.state
          b = other.finding
        }
        // A conviction is kept by who saw it; the evidence is what must agree.
        same(t, { ...a!, convicted: undefined! }, { ...b!, convicted: undefined! })
      },
    ),
    RUNS,
  )
})

t.test('the same state and input give the same answer, again and again', async (t) => {
  const cells = randomCells(7, 60)
  let state = createJudge(policy)
  for (let k = 1; k < 60; k++) state = judge(policy, state, input(cells.slice(0, k))).state
  const before = JSON.stringify(state)
  const first = judge(policy, state, input(cells))
  const second = judge(policy, state, input(cells))
  t.same(first, second)
  t.equal(JSON.stringify(state), before, 'the state that was passed in is untouched')
})

t.test('a late outcome counts in the cell in which its request started', async (t) => {
  const early = randomCells(11, 40, 1)
  const late = early.map((counts, k) =>
    k === 5
      ? { ...counts, candidate: { ...counts.candidate, started: 8, bad: 3 } }
      : { ...counts, candidate: { ...counts.candidate } },
  )
  late[5] = { ...late[5]! }
  const asItWas = early.map((counts, k) =>
    k === 5 ? { ...counts, candidate: { ...counts.candidate, started: 8, bad: 0 } } : counts,
  )
  let state = createJudge(policy)
  for (let k = 1; k <= 40; k++) state = judge(policy, state, input(asItWas.slice(0, k))).state
  const told = judge(policy, state, input(late)).finding
  const fresh = judge(policy, createJudge(policy), input(late)).finding
  same(t, told, fresh)
  t.ok(told.evidence.worse > judge(policy, state, input(asItWas)).finding.evidence.worse)
})

t.test('what left the ring is final', async (t) => {
  const cells = randomCells(3, 300, 1)
  let state = createJudge(policy)
  for (let k = 1; k <= 300; k++) state = judge(policy, state, input(ring(cells, k))).state
  t.equal(state.folded, 300 - 124)
  t.ok(state.open.length < 128)
  const changed = cells.map((counts, k) =>
    k === 174 ? { ...counts, candidate: { ...counts.candidate, started: 100, bad: 100 } } : counts,
  )
  same(
    t,
    judge(policy, state, input(ring(cells, 300))).finding,
    judge(policy, state, input(ring(changed, 300))).finding,
  )
})

t.test('states and findings stay finite whatever is counted', async (t) => {
  const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50_000_000 }))
  const counts = fc.tuple(count, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  const share = fc.oneof(fc.constantFrom(0, 1, 0.0001, 0.9999), fc.double({ min: 0, max: 1, noNaN: true }))
  const cells = fc.array(fc.record({ share, candidate: counts, serving: counts }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(cells, (all) => {
      const seen: CellCounts[] = []
      let state = createJudge(policy)
      for (const [k, { share, candidate, serving }] of all.entries()) {
        const of = ([started, bad, slow]: [number, number, number]) => ({
          started,
          bad: Math.floor(started * bad),
          timed: started,
          slow: Math.floor(started * slow),
        })
        seen.push(cell(k + 1, { share, candidate: of(candidate), serving: of(serving) }))
        const look = judge(policy, state, input(seen))
        state = look.state
        for (const value of Object.values(look.finding.evidence)) if (!Number.isFinite(value)) t.fail('not finite')
        if (!(look.finding.requestsNeeded >= 0)) t.fail('no number of requests')
      }
      if (!allFinite(state)) t.fail('the state does not survive JSON')
      t.same(JSON.parse(JSON.stringify(state)), state)
    }),
    { ...RUNS, numRuns: 100 },
  )
})

function allFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(allFinite)
}
