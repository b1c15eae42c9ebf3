import fc from 'fast-check'
import t from 'tap'
import { ceiling, relative, stepCeiling, stepHistorical, stepRelative } from '../../src/controller/analysis/relative.ts'

// The heart of the proof, without sampling: under its null, no expert gains on average by one observation. Then every
// product over observations is a supermartingale whatever the rates do from one request to the next.

const RUNS = { numRuns: 500, seed: 20_261_125 }
const HAIR = 1 + 1e-9
const probability = (min: number, max: number) => fc.double({ min, max, noNaN: true })

/** The factor of every expert for one kind of observation. */
function factors(size: number, step: (v: Float64Array) => void): Float64Array {
  const v = new Float64Array(size).fill(1)
  step(v)
  return v
}

const tolerance = fc.record({ ratio: probability(1.01, 5), floor: probability(0.0001, 0.1) })

function expected(m: { ratio: number; floor: number }, share: number, pC: number, pS: number): number {
  const test = relative(m.ratio, m.floor)
  const one = (bad: number, good: number, servingBad: number) =>
    factors(64, (v) => stepRelative(v, 0, test, share, { bad, good, servingBad }, 0))
  const [badC, goodC, badS] = [one(1, 0, 0), one(0, 1, 0), one(0, 0, 1)]
  const mean = (k: number) => share * (pC * badC[k]! + (1 - pC) * goodC[k]!) + (1 - share) * (pS * badS[k]! + (1 - pS))
  return Math.max(...Array.from({ length: 64 }, (_, k) => mean(k)))
}

t.test('worse: no expert gains while the candidate fails at most ratio times as often', async () => {
  fc.assert(
    fc.property(tolerance, probability(0.0001, 0.9999), probability(0, 1), probability(0, 1), (m, share, pS, part) => {
      return expected(m, share, Math.min(1, m.ratio * pS) * part, pS) <= HAIR
    }),
    RUNS,
  )
})

t.test('worse: no expert gains while the candidate fails negligibly, whatever serving does', async () => {
  fc.assert(
    fc.property(tolerance, probability(0.0001, 0.9999), probability(0, 1), probability(0, 1), (m, share, pS, part) => {
      return expected(m, share, m.floor * part, pS) <= HAIR
    }),
    RUNS,
  )
})

t.test('worse: beyond the null some expert gains', async (t) => {
  t.ok(expected({ ratio: 1.25, floor: 0.001 }, 0.05, 0.02, 0.001) > 1.001)
})

t.test('above max, and historical: no expert gains at or below the limit, some gain above', async (t) => {
  const best = (max: number, p: number, historical: boolean) => {
    const test = relative(1.25, 0.001)
    const one = (bad: number, good: number) =>
      historical
        ? factors(64, (v) => stepHistorical(v, 0, test, max, { bad, good }, 0))
        : factors(8, (v) => stepCeiling(v, 0, ceiling(max), { bad, good }, false, 0))
    const [bad, good] = [one(1, 0), one(0, 1)]
    return Math.max(...Array.from(bad, (factor, k) => p * factor + (1 - p) * good[k]!))
  }
  fc.assert(
    fc.property(probability(0.0001, 0.9), probability(0, 1), fc.boolean(), (max, part, historical) => {
      return best(max, max * part, historical) <= HAIR
    }),
    RUNS,
  )
  t.ok(best(0.05, 0.2, false) > 1.001)
  t.ok(best(0.05, 0.2, true) > 1.001)
})

t.test('a paused cell gains nothing and loses as always', async (t) => {
  const step = (bad: number, good: number, paused: boolean) =>
    factors(8, (v) => stepCeiling(v, 0, ceiling(0.05), { bad, good }, paused, 0))
  t.ok(step(5, 0, false).every((factor) => factor > 1))
  t.ok(step(5, 0, true).every((factor) => factor === 1))
  t.same(step(0, 5, true), step(0, 5, false))
})

t.test('tables of powers and exponentials agree where one takes over from the other', async (t) => {
  const test = relative(1.25, 0.001)
  const at = (bad: number, good: number, servingBad: number) =>
    factors(64, (v) => stepRelative(v, 0, test, 0.3, { bad, good, servingBad }, 0))
  for (const [bad, good, servingBad] of [
    [39, 300, 39],
    [3, 255, 0],
    [3, 256, 39],
  ] as const) {
    const small = at(bad, good, servingBad)
    // The same cell in two halves goes through the other path or through smaller powers.
    const halves = factors(64, (v) => {
      stepRelative(v, 0, test, 0.3, { bad, good: good - 100, servingBad: 0 }, 0)
      stepRelative(v, 0, test, 0.3, { bad: 0, good: 100, servingBad }, 0)
    })
    for (let k = 0; k < 64; k++) t.ok(Math.abs(small[k]! - halves[k]!) <= 1e-9 * Math.abs(small[k]!) + 1e-250)
  }
  const large = at(40, 10, 40)
  const halves = factors(64, (v) => {
    stepRelative(v, 0, test, 0.3, { bad: 20, good: 5, servingBad: 20 }, 0)
    stepRelative(v, 0, test, 0.3, { bad: 20, good: 5, servingBad: 20 }, 0)
  })
  for (let k = 0; k < 64; k++) t.ok(Math.abs(large[k]! - halves[k]!) <= 1e-9 * Math.abs(large[k]!) + 1e-250)
})
