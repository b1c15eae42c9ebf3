import fc from 'fast-check'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import { KubeError, LEASES, LeaderElection, type Lease, type ObjectRef } from '../../src/kube/index.ts'
import { seededRandom } from '../../src/random.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { keptLog } from './support/things.ts'

const ref = { namespace: 'edge', name: 'streamgate' }
const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A Lease with the API server's optimistic locking. */
class LeaseServer {
  lease: Lease | undefined
  writes = 0
  #version = 0

  get = async (): Promise<Lease> => structuredClone(this.lease ?? this.#fail(404, 'NotFound'))
  create = async (body: Lease): Promise<Lease> => {
    if (this.lease !== undefined) this.#fail(409, 'AlreadyExists')
    return this.#write(body)
  }
  replace = async (body: Lease): Promise<Lease> => {
    if (this.lease?.metadata.resourceVersion !== body.metadata.resourceVersion) this.#fail(409, 'Conflict')
    return this.#write(body)
  }
  #write(body: Lease): Lease {
    this.writes++
    this.lease = structuredClone({ ...body, metadata: { ...body.metadata, resourceVersion: `${++this.#version}` } })
    return structuredClone(this.lease)
  }
  #fail(status: number, reason: string): never {
    throw new KubeError({ verb: 'get', resource: LEASES, ...ref }, { status, reason, detail: reason })
  }
}

/** How a candidate reaches the server. */
interface Line {
  /** false: calls fail. */
  up: boolean
  /** Calls are performed, their answers are lost. */
  deaf: boolean
}

function candidate(server: LeaseServer, clock: Clock, identity: string, seed = 1) {
  const line: Line = { up: true, deaf: false }
  const told: string[] = []
  const away = () =>
    new KubeError({ verb: 'get', resource: LEASES }, { status: 0, reason: 'Unreachable', detail: 'away' })
  const call = async <T>(perform: () => Promise<T>): Promise<T> => {
    if (!line.up) throw away()
    const answer = await perform()
    if (line.deaf) throw away()
    return answer
  }
  const election = new LeaderElection({
    client: {
      get: (() => call(server.get)) as never,
      create: ((_: unknown, __: unknown, body: Lease) => call(() => server.create(body))) as never,
      replace: ((_: unknown, __: ObjectRef, body: Lease) => call(() => server.replace(body))) as never,
    },
    clock,
    random: seededRandom(seed),
    log: keptLog(),
    ref,
    identity,
    onLead: (term) => void told.push(`lead ${term}`),
    onLose: (reason) => void told.push(`lose: ${reason}`),
  })
  return { election, line, told }
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 500) {
    clock.advance(Math.min(500, leftMs))
    await settle()
  }
}

t.test('one leads and renews; the other waits and takes over when it ends, at once', async (t) => {
  const clock = new ManualClock()
  const server = new LeaseServer()
  const a = candidate(server, clock, 'a')
  const b = candidate(server, clock, 'b')
  a.election.start()
  await pass(clock, 1)
  b.election.start()
  await pass(clock, 60_000)
  t.same([a.told, b.told], [['lead 1'], []])
  t.equal(b.election.leader, 'a')
  t.match(server.lease?.spec?.renewTime, /\.\d{6}Z$/)
  t.equal(server.lease?.spec?.leaseDurationSeconds, 15)
  t.ok(server.writes >= 25, `${server.writes} renewals in a minute`)
  await a.election.close()
  await pass(clock, 5_000)
  t.same(b.told, ['lead 2'], 'it was given away')
  t.equal(a.election.leading, false)
  await b.election.close()
})

t.test('a leader that is cut off stops before another one begins', async (t) => {
  const clock = new ManualClock()
  const server = new LeaseServer()
  const a = candidate(server, clock, 'a')
  const b = candidate(server, clock, 'b')
  a.election.start()
  await pass(clock, 1)
  b.election.start()
  await pass(clock, 4_000)
  a.line.up = false
  await pass(clock, 10_500)
  t.equal(a.election.leading, false)
  t.match(a.told, ['lead 1', /lose: the lease could not be renewed/])
  t.same(b.told, [])
  await pass(clock, 10_000)
  t.same(b.told, ['lead 2'])
  a.line.up = true
  await pass(clock, 30_000)
  t.equal(a.told.length, 2, 'it is a follower now')
  t.equal(a.election.leader, 'b')
  await Promise.all([a.election.close(), b.election.close()])
})

t.test('a leader that slept does not lead from the moment on that it wakes', async (t) => {
  const clock = new ManualClock()
  const server = new LeaseServer()
  const sleeper = new ManualClock()
  const a = candidate(server, sleeper, 'a')
  const b = candidate(server, clock, 'b')
  a.election.start()
  await pass(sleeper, 1)
  b.election.start()
  await pass(clock, 60_000)
  t.same(b.told, ['lead 1', 'lead 2'].slice(1), 'the other one took over')
  t.equal(a.election.leading, true, 'asleep it knows nothing')
  // It wakes: its clock has gone on, no timer has fired yet.
  Object.defineProperty(sleeper, 'nowMs', { value: () => 1_000_000 + 60_000 })
  t.equal(a.election.leading, false)
  await Promise.all([b.election.close(), a.election.close()])
})

t.test('a write whose answer was lost does not cost the leadership', async (t) => {
  const clock = new ManualClock()
  const server = new LeaseServer()
  const a = candidate(server, clock, 'a')
  a.election.start()
  await pass(clock, 4_000)
  a.line.deaf = true
  await pass(clock, 2_000)
  a.line.deaf = false
  await pass(clock, 20_000)
  t.same(a.told, ['lead 1'])
  t.equal(a.election.leading, true)
  server.lease = undefined
  await pass(clock, 5_000)
  t.equal(a.election.leading, true, 'a Lease that was deleted is made anew')
  await a.election.close()
})

t.test('whatever fails, two never lead at a time, and somebody leads when all is well again', async (t) => {
  const step = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    up: fc.boolean(),
    deaf: fc.boolean(),
    halfS: fc.integer({ min: 1, max: 30 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const clock = new ManualClock()
      const server = new LeaseServer()
      const all = ['a', 'b', 'c'].map((name, index) => candidate(server, clock, name, index))
      for (const { election } of all) election.start()
      const leading = () => all.filter(({ election }) => election.leading).length
      for (const { who, up, deaf, halfS } of steps) {
        Object.assign(all[who]!.line, { up, deaf })
        for (let half = 0; half < halfS; half++) {
          await pass(clock, 500)
          if (leading() > 1) return false
        }
      }
      for (const { line } of all) Object.assign(line, { up: true, deaf: false })
      await pass(clock, 30_000)
      const one = leading() === 1
      await Promise.all(all.map(({ election }) => election.close()))
      return one
    }),
    { seed: 11, numRuns: 15 },
  )
  t.pass()
})
