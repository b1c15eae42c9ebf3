import t from 'tap'
import { seededRandom } from '../../src/random.ts'
import { type Scenario, scenario } from '../../src/simulate/scenario.ts'
import { World } from '../../src/simulate/world.ts'

function run(world: Scenario, seconds: number, share = 0.5): World {
  const out = new World(world, seededRandom(11))
  while (out.nowMs < seconds * 1000) out.tick(share)
  return out
}

const sum = (world: World, pick: (cell: World['cells'][number]) => number) =>
  world.cells.reduce((total, cell) => total + pick(cell), 0)

t.test('every request is in the cell in which it started, one cell a second', async (t) => {
  const world = run(scenario({ requestsPerSecond: 100 }), 20)
  t.equal(world.epoch, 20)
  t.equal(
    sum(world, ({ candidate }) => candidate.started),
    world.candidate.requests,
  )
  t.equal(
    sum(world, ({ serving }) => serving.started),
    world.serving.requests,
  )
  t.ok(Math.abs(world.candidate.requests - world.serving.requests) <= 2, 'exact to within a request')
  t.ok(Math.abs(world.candidate.requests + world.serving.requests - 2000) < 250)
})

t.test('a change of the share cuts a cell', async (t) => {
  const world = new World(scenario({}), seededRandom(1))
  for (let k = 0; k < 5; k++) world.tick(0.05)
  for (let k = 0; k < 5; k++) world.tick(0.5)
  t.same(
    world.cells.map(({ share }) => share),
    [0.05, 0.5],
  )
})

t.test('a late outcome is pending, then bad in its cell', async (t) => {
  const slow = { failing: 100, failureSeconds: 10 }
  const world = run(scenario({ serving: slow, candidate: slow }), 10)
  t.equal(world.seenFailed, 0)
  t.equal(world.cells[0]!.pending, world.cells[0]!.candidate.started + world.cells[0]!.serving.started)
  t.equal(world.cells[0]!.serving.longPending, world.cells[0]!.serving.started)
  while (world.nowMs < 11_000) world.tick(0.5)
  t.equal(world.cells[0]!.pending, 0)
  t.equal(world.cells[0]!.serving.longPending, 0)
  t.equal(world.cells[0]!.candidate.bad, world.cells[0]!.candidate.started)
  t.equal(world.seenFailed, world.cells[0]!.candidate.bad)
})

t.test('a fault that begins with the n-th candidate request begins there', async (t) => {
  const world = run(scenario({ candidate: { failing: 0, later: { afterRequests: 100, failing: 100 } } }), 20)
  t.equal(world.candidate.failed, world.candidate.requests - 100)
})

t.test('schedules and outages hold for their time', async (t) => {
  const world = run(
    scenario({
      requestsPerSecond: [
        [0, 100],
        [10, 0],
      ],
      serving: { failing: 0 },
      candidate: { failing: 0 },
      outages: [{ fromSeconds: 2, toSeconds: 3, failing: 100 }],
    }),
    20,
  )
  t.equal(
    sum(world, ({ candidate }) => candidate.bad),
    world.cells[2]!.candidate.started,
  )
  t.equal(
    sum(world, ({ epoch, serving }) => (epoch > 10 ? serving.started : 0)),
    0,
  )
})

t.test('sticky users stay, and each bucket is bad once a step', async (t) => {
  const sticky = { count: 3, skew: 100, broken: { percent: 100, failing: 100 } }
  const world = run(scenario({ sticky }), 20)
  t.ok(sum(world, ({ candidate, serving }) => candidate.bad + serving.bad) <= 3)
  t.ok(sum(world, ({ candidate, serving }) => candidate.started + serving.started) > 1000)
})

t.test('only the bad endpoint fails, and an ejected one gets nothing', async (t) => {
  const world = run(
    scenario({ candidate: { failing: 0 }, endpoints: { count: 5, bad: { failing: 50, fromSeconds: 0 } } }),
    10,
  )
  const { endpoints } = world.input()
  t.equal(endpoints.length, 5)
  t.ok(endpoints[0]!.bad > 10)
  t.ok(endpoints.slice(1).every(({ bad, picks }) => bad === 0 && picks > 50))
  world.eject('candidate-0')
  const failed = world.seenFailed
  for (let k = 0; k < 50; k++) world.tick(0.5)
  t.equal(world.seenFailed, failed)
})
