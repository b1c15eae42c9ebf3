import fc from 'fast-check'
import t from 'tap'
import { createSplitter } from '../../src/proxy/split/splitter.ts'
import { seededRandom } from '../../src/random.ts'
import { createPlaces } from '../../src/simulate/places.ts'
import { binomial, discrete, poisson } from '../../src/simulate/sample.ts'

/** Mean and variance of `n` draws. */
function moments(n: number, draw: () => number): { mean: number; variance: number } {
  let sum = 0
  let squares = 0
  for (let k = 0; k < n; k++) {
    const value = draw()
    sum += value
    squares += value * value
  }
  return { mean: sum / n, variance: squares / n - (sum / n) ** 2 }
}

const near = (value: number, wanted: number, within: number) => Math.abs(value - wanted) <= within

for (const [n, p] of [
  [1, 0.3],
  [10, 0.01],
  [200, 0.5],
  [1000, 0.97],
  [5000, 0.4],
] as const) {
  t.test(`binomial(${n}, ${p}) has its mean and variance`, async (t) => {
    const random = seededRandom(n)
    const { mean, variance } = moments(4000, () => binomial(random, n, p))
    const sd = Math.sqrt(n * p * (1 - p))
    t.ok(near(mean, n * p, (5 * sd) / Math.sqrt(4000)), `mean ${mean}`)
    t.ok(near(variance, sd * sd, 0.15 * sd * sd), `variance ${variance}`)
  })
}

t.test('binomial stays within its range', async () => {
  const random = seededRandom(5)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, p) => {
      const k = binomial(random, n, p)
      return Number.isInteger(k) && k >= 0 && k <= n && (p > 0 || k === 0) && (p < 1 || k === n)
    }),
    { seed: 1, numRuns: 500 },
  )
})

t.test('poisson has its mean and variance', async (t) => {
  const random = seededRandom(3)
  for (const wanted of [0.2, 10, 900]) {
    const { mean, variance } = moments(4000, () => poisson(random, wanted))
    t.ok(near(mean, wanted, 5 * Math.sqrt(wanted / 4000)), `mean ${mean}`)
    t.ok(near(variance, wanted, 0.15 * wanted), `variance ${variance}`)
  }
  t.equal(poisson(random, 0), 0)
})

t.test('discrete draws by weight', async (t) => {
  const random = seededRandom(9)
  const draw = discrete([1, 2, 0, 7])
  const counts = [0, 0, 0, 0]
  for (let k = 0; k < 20_000; k++) counts[draw(random)]!++
  t.equal(counts[2], 0)
  for (const [k, part] of [0.1, 0.2, 0, 0.7].entries()) t.ok(near(counts[k]! / 20_000, part, 0.02), `${counts}`)
})

t.test('many requests at once are split as one by one: exact to one request, and as much by chance', async (t) => {
  for (const share of [0.05, 0.25, 0.5]) {
    const weights = [10_000 - share * 10_000, share * 10_000]
    const firsts = { places: 0, splitter: 0 }
    const RUNS = 3000
    for (let seed = 0; seed < RUNS; seed++) {
      const random = seededRandom(seed)
      const places = createPlaces(random)
      const splitter = createSplitter(2, random)
      let one = 0
      let many = 0
      for (let total = 0; total < 70; total += 7) {
        for (let k = 0; k < 7; k++) one += splitter.next(weights, 0)
        many += places(7, share)
        const exact = (total + 7) * share
        if (Math.abs(one - exact) > 1 || Math.abs(many - exact) > 1) t.fail(`${one} and ${many} of ${exact}`)
        // At this prefix the mean is no whole number: the rest is chance.
        if (total === 21) {
          firsts.places += many
          firsts.splitter += one
        }
      }
    }
    t.ok(near(firsts.places / RUNS, 28 * share, 0.05), `mean ${firsts.places / RUNS} of ${28 * share}`)
    t.ok(near(firsts.splitter / RUNS, 28 * share, 0.05))
  }
})

t.test('all and none', async (t) => {
  const places = createPlaces(seededRandom(1))
  t.equal(places(100, 1), 100)
  t.equal(places(100, 0), 0)
  t.equal(places(0, 0.5), 0)
})
