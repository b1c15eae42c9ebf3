import fc from 'fast-check'
import t from 'tap'
import { createSplitter } from '../../../src/proxy/split/splitter.ts'
import { seededRandom } from '../../../src/random.ts'

const table = (candidate: number): number[] => [10_000 - candidate, candidate]

t.test('weight 0 is never, 10,000 is always', async (t) => {
  const splitter = createSplitter(2, seededRandom(1))
  for (let i = 0; i < 1000; i++) if (splitter.next(table(0), 0) !== 0) t.fail('chosen')
  for (let i = 0; i < 1000; i++) if (splitter.next(table(10_000), 0) !== 1) t.fail('not chosen')
  t.equal(splitter.next([0, 0], 0), -1)
  t.equal(createSplitter(1, seededRandom(1)).next([10_000], 0), 0)
})

t.test('the share is exact to within one request at every prefix', async (t) => {
  const runs = fc.record({
    weight: fc.integer({ min: 0, max: 10_000 }),
    seed: fc.integer(),
    first: fc.constantFrom(0, 1),
  })
  fc.assert(
    fc.property(runs, ({ weight, seed, first }) => {
      const splitter = createSplitter(2, seededRandom(seed))
      let chosen = 0
      for (let n = 1; n <= 2000; n++) {
        if (splitter.next(table(weight), 0, first) === 1) chosen++
        const exact = (n * weight) / 10_000
        if (chosen < Math.floor(exact) || chosen > Math.ceil(exact)) return false
      }
      return true
    }),
    { seed: 3, numRuns: 300 },
  )
  t.pass()
})

t.test('over changes of the weight the number stays within one of the sum of the weights', async (t) => {
  const change = fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 60 }))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer(), (changes, seed) => {
      const splitter = createSplitter(2, seededRandom(seed))
      let chosen = 0
      let mass = 0
      for (const [weight, requests] of changes) {
        for (let i = 0; i < requests; i++) {
          if (splitter.next(table(weight), 0) === 1) chosen++
          mass += weight
          if (chosen < Math.floor(mass / 10_000) || chosen > Math.ceil(mass / 10_000)) return false
        }
      }
      return true
    }),
    { seed: 4, numRuns: 500 },
  )
  t.pass()
})

t.test('with several variants the first is exact, each other to within one of those that it could get', async (t) => {
  const cuts = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(cuts, fc.integer(), fc.integer({ min: 0, max: 4 }), (points, seed, first) => {
      const edges = [0, ...points.sort((a, b) => a - b), 10_000]
      const weights = edges.slice(1).map((edge, i) => edge - edges[i]!)
      const words = Int32Array.of(7, 7, ...weights)
      const splitter = createSplitter(5, seededRandom(seed))
      const counts = [0, 0, 0, 0, 0]
      const order = [first, ...[0, 1, 2, 3, 4].filter((v) => v !== first)]
      for (let n = 1; n <= 500; n++) {
        const v = splitter.next(words, 2, first)
        if (weights[v] === 0) return false
        counts[v]!++
        let requests = n
        let rest = 10_000
        for (const other of order) {
          if (rest === 0) break
          if (Math.abs(counts[other]! - (requests * weights[other]!) / rest) >= 1 + 1e-9) return false
          requests -= counts[other]!
          rest -= weights[other]!
        }
      }
      return true
    }),
    { seed: 5, numRuns: 300 },
  )
  t.pass()
})

t.test('a chain keeps its place when the weights before it change', async (t) => {
  // The candidate (2) is sampled first, so variant 0 is sampled among what it leaves: intervals of 9,000 and of 7,000 in turn.
  const random = seededRandom(12)
  const splitter = createSplitter(3, random)
  let expected = 0
  let chosen = 0
  for (let n = 0; n < 2000; n++) {
    const candidate = n % 3 === 0 ? 1000 : 3000
    const v = splitter.next([1400, 8600 - candidate, candidate], 0, 2)
    if (v !== 2) expected += 1400 / (10_000 - candidate)
    if (v === 0) chosen++
    // One request, and at most a ten-thousandth of one for each change of the interval's size.
    if (Math.abs(chosen - expected) > 1 + n / 7000) return t.fail(`${n}: ${chosen}, expected ${expected.toFixed(2)}`)
  }
  t.ok(chosen > 200)
})

/** Chi-square statistic of counts against equal chances. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0)
}

t.test('the k-th request of the candidate falls on a uniformly random place of its interval', async (t) => {
  // Weights whose intervals are whole numbers of requests, so that places can be counted; 99.99 % bounds of chi-square.
  for (const [weight, bound] of [
    [500, 50.8],
    [1000, 33.7],
    [2500, 21.1],
    [5000, 15.1],
  ] as const) {
    const length = 10_000 / weight
    const splitter = createSplitter(2, seededRandom(weight))
    const places: number[] = Array(length).fill(0)
    for (let k = 0; k < 4000; k++) {
      for (let place = 0; place < length; place++) if (splitter.next(table(weight), 0) === 1) places[place]!++
    }
    t.equal(
      places.reduce((sum, n) => sum + n, 0),
      4000,
      'one an interval',
    )
    const statistic = chiSquare(places)
    t.ok(statistic < bound, `weight ${weight}: chi-square ${statistic.toFixed(1)} < ${bound}`)
  }
})

t.test('every request has the chance of its weight, straddling ones too', async (t) => {
  // Intervals that are no whole number of requests: the chance at each place, over many fresh splitters.
  const runs = 20_000
  for (const weight of [333, 3000, 3700, 6200, 9500]) {
    const random = seededRandom(weight)
    const chosen: number[] = Array(12).fill(0)
    for (let run = 0; run < runs; run++) {
      const splitter = createSplitter(2, random)
      for (let place = 0; place < 12; place++) if (splitter.next(table(weight), 0) === 1) chosen[place]!++
    }
    const p = weight / 10_000
    // 4.5 standard deviations: 60 places in all, less than 1 in 2,000 to miss, and the seeds are fixed.
    const bound = 4.5 * Math.sqrt(p * (1 - p) * runs)
    for (const count of chosen) t.ok(Math.abs(count - p * runs) < bound, `${weight}: ${count / runs}`)
  }
})

t.test('identical versions behind pages of 2 and 4 calls fail as their weights say', async (t) => {
  // One call of each page fails 2 %. The candidate's part of the failures is p; 300 seeds x 2,000 pages x 2 % failures.
  for (const calls of [2, 4]) {
    for (const weight of [2500, 5000]) {
      const p = weight / 10_000
      let candidate = 0
      let all = 0
      let worst = 0
      for (let seed = 1; seed <= 300; seed++) {
        const random = seededRandom(seed * 1000 + calls * 100 + weight)
        const splitter = createSplitter(2, random)
        let mine = 0
        let failed = 0
        for (let page = 0; page < 2000; page++) {
          for (let call = 0; call < calls; call++) {
            const variant = splitter.next(table(weight), 0)
            if (call !== 0 || random() >= 0.02) continue
            failed++
            if (variant === 1) mine++
          }
        }
        candidate += mine
        all += failed
        worst = Math.max(worst, Math.abs(mine - p * failed) / Math.sqrt(p * (1 - p) * failed))
      }
      const deviation = Math.abs(candidate - p * all) / Math.sqrt(p * (1 - p) * all)
      t.ok(deviation < 4, `${calls} calls, ${weight}: ${(candidate / all).toFixed(4)}, ${deviation.toFixed(2)} sd`)
      // Of 300 seeds none is far out either: 4.5 sd is 1 in 150,000 for one. A fixed pattern is 20 sd and more.
      t.ok(worst < 4.5, `worst seed ${worst.toFixed(2)} sd`)
    }
  }
})

t.test('neighbours repel each other and nothing more: gaps reach from 1 to twice the interval', async (t) => {
  const splitter = createSplitter(2, seededRandom(11))
  let last = -1
  let shortest = Number.POSITIVE_INFINITY
  let longest = 0
  for (let n = 0; n < 40_000; n++) {
    if (splitter.next(table(1000), 0) !== 1) continue
    if (last >= 0) {
      shortest = Math.min(shortest, n - last)
      longest = Math.max(longest, n - last)
    }
    last = n
  }
  t.equal(shortest, 1)
  t.equal(longest, 19)
})
