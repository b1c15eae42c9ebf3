import { rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { Environment, GateEnvironment } from '../../src/controller/index.ts'
import { Edge, KEY, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

// A busy machine takes its time.
t.setTimeout(120_000)

/** An edge whose block of shared memory may be replaced while a process runs, and which notes whose endpoints are asked for. */
class ReplacedEdge extends Edge {
  readonly asked: number[] = []

  override environment(clock?: Clock): Environment {
    const environment = super.environment(clock)
    const present = (key: string): GateEnvironment => ({
      ...environment.gate(key)!,
      endpoints: (variant) => {
        this.asked.push(variant)
        return []
      },
    })
    const gate = (key: string) =>
      new Proxy(present(key), { get: (_, name) => present(key)[name as keyof GateEnvironment] })
    return { ...environment, gate }
  }
}

async function start(t: Test, gate = parseGate(), edge = new Edge()): Promise<Process> {
  const dir = stateFolder()
  const process = await Process.start(edge, dir, gate)
  t.teardown(async () => {
    await process.controller.close()
    rmSync(dir, { recursive: true })
  })
  return process
}

t.test('a good release goes through its steps, bakes and is promoted: roles are exchanged', async (t) => {
  const shop = await start(t)
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  const answer = await shop.command('start', { revision: 'v2' })
  t.match(answer, { ok: true, view: { phase: 'Progressing', release: { id: '1', revision: 'v2', steps: 3 } } })
  await shop.until('Succeeded')
  t.match(shop.view, { serving: 'canary', candidate: 'stable', weights: { stable: 0, canary: 100 } })
  t.strictSame(shop.edge.weights(), { stable: 0, canary: 100 })
  const told = shop.decisions.map(({ phase, step, weights }) => `${phase} ${step} ${weights.canary}`)
  t.strictSame(told, [
    'Preparing 0 0',
    'Progressing 1 5',
    'Progressing 2 50',
    'Progressing 3 100',
    'Progressing 3 100',
    'Promoting 3 100',
    'Succeeded 3 100',
  ])
  t.match(shop.controller.releases(KEY), [{ id: '1', phase: 'Succeeded', revision: 'v2' }])
  t.equal(shop.controller.release(KEY, '1')?.decisions.length, 7)
})

t.test('a bad candidate has weight 0 in the look that convicts it, and the record says why', async (t) => {
  const shop = await start(t)
  await shop.command('start', { revision: 'v3' })
  await shop.until('Progressing')
  shop.edge.failing.canary = 0.5
  await shop.until('RolledBack')
  const sent = shop.edge.sent.canary!
  await shop.edge.flow(1000)
  t.equal(shop.edge.sent.canary, sent, 'no request after it')
  t.match(shop.view.release, { phase: 'RolledBack', verdict: 'Degraded', reason: 'ErrorRate' })
  t.match(
    shop.view.release?.message,
    /canary failed \d+ of \d+ requests \(.* %\), stable 0 of \d+; evidence .* of 4\.6 needed/,
  )
  t.ok(sent < 40, `${sent} requests reached it`)
})

t.test('a release is rolled back after its promotion, at once and twice without harm', async (t) => {
  const shop = await start(t)
  await shop.command('start', { revision: 'v2' })
  await shop.until('Succeeded')
  t.match(await shop.command('rollback'), { ok: true, view: { phase: 'RolledBack', serving: 'stable' } })
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  t.match(await shop.command('rollback'), { ok: true, message: /already|RolledBack/, view: { serving: 'stable' } })
})

t.test('the candidate goes away: weight 0 in the next look, and back when it is there', async (t) => {
  const shop = await start(t)
  await shop.command('start')
  await shop.until('Progressing')
  shop.edge.readiness.canary = { ready: 0, total: 1 }
  await shop.edge.flow(100)
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  t.match(shop.view.release, { phase: 'Progressing', reason: 'NotReady' })
  shop.edge.readiness.canary = { ready: 1, total: 1 }
  await shop.edge.flow(200)
  t.strictSame(shop.edge.weights(), { stable: 95, canary: 5 })
})

t.test('no traffic holds, and traffic goes on', async (t) => {
  const shop = await start(t)
  await shop.command('start')
  await shop.until('Progressing')
  await shop.edge.flow(120_000, 0)
  t.match(shop.view.release, { phase: 'Progressing', step: 1, verdict: 'Undecided', reason: 'NoTraffic' })
  await shop.until('Succeeded')
})

t.test('weights by hand: set, refused in a release, forced into a pause, resumed', async (t) => {
  const shop = await start(t)
  const set = (canary: number, force = false) =>
    shop.controller.setWeights(KEY, { stable: 100 - canary, canary }, { force, who: 'ann' })
  t.match(await set(10), { ok: true, view: { weights: { stable: 90, canary: 10 } } })
  t.strictSame(shop.edge.weights(), { stable: 90, canary: 10 })
  t.match(await shop.controller.setWeights(KEY, { stable: 90 }, { force: false, who: 'ann' }), {
    ok: false,
    status: 400,
  })
  shop.edge.readiness.canary = { ready: 0, total: 1 }
  await shop.command('start')
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 }, 'a release begins at 0')
  shop.edge.readiness.canary = { ready: 1, total: 1 }
  await shop.until('Progressing')
  t.match(await set(20), { ok: false, status: 409, code: 'release-running' })
  t.match(await set(20, true), { ok: true, view: { phase: 'Paused', release: { reason: 'ManualWeights' } } })
  t.strictSame(shop.edge.weights(), { stable: 80, canary: 20 })
  await shop.edge.flow(5000)
  t.equal(shop.view.phase, 'Paused')
  t.match(await shop.command('resume'), { ok: true, view: { phase: 'Progressing' } })
  t.strictSame(shop.edge.weights(), { stable: 95, canary: 5 })
})

t.test('a paused release is still judged', async (t) => {
  const shop = await start(t)
  await shop.command('start')
  await shop.until('Progressing')
  await shop.command('pause')
  shop.edge.failing.canary = 0.5
  await shop.until('RolledBack')
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
})

t.test('the harm budget is enforced where requests are, and ends the release', async (t) => {
  const shop = await start(t, parseGate({ spec: '  analysis: {harmBudget: 2}' }))
  await shop.command('start')
  await shop.until('Progressing')
  shop.edge.harm()
  t.equal(shop.view.phase, 'Progressing')
  shop.edge.harm()
  await shop.edge.flow(100)
  t.match(shop.view.release, { phase: 'RolledBack', reason: 'HarmBudget' })
})

t.test('a release after one that used up its harm budget has a budget of its own', async (t) => {
  const shop = await start(t, parseGate({ spec: '  analysis: {harmBudget: 2}' }))
  await shop.command('start')
  await shop.until('Progressing')
  shop.edge.harm()
  shop.edge.harm()
  await shop.until('RolledBack')
  shop.edge.readiness.canary = { ready: 0, total: 1 }
  t.match(await shop.command('retry'), { ok: true, view: { phase: 'Preparing', release: { id: '2' } } })
  await shop.edge.flow(500)
  t.equal(shop.view.phase, 'Preparing', 'it waits for its pods')
  shop.edge.readiness.canary = { ready: 1, total: 1 }
  await shop.until('Progressing')
  shop.edge.harm()
  await shop.edge.flow(500)
  t.equal(shop.view.phase, 'Progressing', 'one failed answer is left')
  shop.edge.harm()
  await shop.until('RolledBack')
  t.match(shop.view.release, { id: '2', reason: 'HarmBudget' })
})

t.test('weights of the file: replaced by hand, kept over a restart, replaced by a later edit', async (t) => {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true }))
  const edge = new Edge()
  const first = await Process.start(edge, dir, parseGate({ weights: [100, 0] }))
  await first.controller.setWeights(KEY, { stable: 70, canary: 30 }, { force: false, who: 'ann' })
  await first.controller.close()
  edge.boot()
  const second = await Process.start(edge, dir, parseGate({ weights: [100, 0] }))
  t.strictSame(edge.weights(), { stable: 70, canary: 30 })
  second.controller.apply([parseGate({ weights: [100, 0] })])
  t.strictSame(edge.weights(), { stable: 70, canary: 30 })
  second.controller.apply([parseGate({ weights: [60, 40] })])
  t.strictSame(edge.weights(), { stable: 60, canary: 40 })
  await settled()
  await second.controller.close()
  edge.boot()
  const third = await Process.start(edge, dir, parseGate({ weights: [60, 40] }))
  t.strictSame(edge.weights(), { stable: 60, canary: 40 })
  await third.controller.close()
})

t.test('an edit of the weights in mid-release is ignored, loudly', async (t) => {
  const shop = await start(t, parseGate({ weights: [100, 0] }))
  await shop.command('start')
  await shop.until('Progressing')
  shop.controller.apply([parseGate({ weights: [0, 100] })])
  t.strictSame(shop.edge.weights(), { stable: 95, canary: 5 })
  t.ok(shop.edge.logs.some(({ level, message }) => level === 'warn' && message.includes('ignored')))
})

t.test('an endpoint that alone is bad is taken out, and is back when the release is over', async (t) => {
  const shop = await start(t)
  await shop.command('start')
  await shop.until('Progressing')
  const pods = (bad: number) =>
    ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, picks: 100, bad: name === 'c' ? bad : 0 }))
  shop.edge.endpoints = pods(0)
  await shop.edge.flow(200)
  shop.edge.endpoints = pods(20)
  await shop.edge.flow(1500)
  t.strictSame(shop.edge.ejected, ['c'])
  t.ok(shop.decisions.some(({ reason }) => reason === 'BadEndpoint'))
  await shop.command('abort')
  t.strictSame(shop.edge.ejected, [])
})

t.test(
  'other variants in mid-release end it: recorded, in the history, and traffic starts as configured',
  async (t) => {
    const shop = await start(t)
    await shop.command('start', { revision: 'v2' })
    await shop.until('Progressing')
    const other = parseGate({ names: ['blue', 'green'] })
    shop.controller.apply([other])
    t.strictSame(Object.values(shop.edge.weights()), [100, 0])
    await settled()
    t.match(shop.view, { phase: 'Aborted', serving: 'blue', candidate: 'green', weights: { blue: 100, green: 0 } })
    t.match(shop.view.release, { id: '1', phase: 'Aborted', reason: 'ConfigChanged' })
    t.match(shop.decisions.at(-1), { phase: 'Aborted', reason: 'ConfigChanged', weights: { blue: 100 } })
    await shop.command('start', { revision: 'v3' })
    await shop.until('Succeeded')
    const [now, before] = shop.controller.releases(KEY)!
    t.match(now, { id: '2', phase: 'Succeeded' })
    t.match(before, { id: '1', revision: 'v2', phase: 'Aborted', reason: 'ConfigChanged' })
    t.match(shop.controller.release(KEY, '1')?.decisions.at(-1), { reason: 'ConfigChanged' })
  },
)

t.test('a gate that loses its release section in mid-release ends it too, and may get another one', async (t) => {
  const shop = await start(t)
  await shop.command('start', { revision: 'v2' })
  await shop.until('Progressing')
  const { release: _, ...spec } = parseGate().spec
  shop.controller.apply([{ ...parseGate(), spec }])
  await shop.edge.flow(1000)
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  t.match(shop.view, { phase: 'Aborted', candidate: null, release: { id: '1', reason: 'ConfigChanged' } })
  shop.controller.apply([parseGate()])
  await shop.command('start', { revision: 'v3' })
  await shop.until('Succeeded')
  t.match(shop.controller.releases(KEY), [{ id: '2' }, { id: '1', phase: 'Aborted', reason: 'ConfigChanged' }])
})

t.test('a test that is off has no evidence, neither for people nor in metrics', async (t) => {
  const shop = await start(t)
  await shop.command('start')
  await shop.until('Progressing')
  await shop.edge.flow(500)
  const told = Object.keys(shop.view.release?.evidence ?? {}).sort()
  t.strictSame(told, ['aboveMax', 'fine', 'slowWorse', 'threshold', 'total', 'worse'], 'latency.max is off')
  t.strictSame([...shop.edge.evidence.keys()].sort(), told)
})

t.test(
  'without a cluster a gate that names workloads is released without them: nothing claims to be copied',
  async (t) => {
    const gate = parseGate()
    const variants = gate.spec.variants.map((variant) => ({
      ...variant,
      workload: { kind: 'Deployment' as const, name: variant.name },
    }))
    const shop = await start(t, { ...gate, spec: { ...gate.spec, variants } })
    t.match(await shop.command('start', { image: 'shop:2' }), { ok: false, status: 409, code: 'no-workload' })
    await shop.command('start', { revision: 'v2' })
    await shop.until('Succeeded')
    t.match(shop.view, { serving: 'canary', candidate: 'stable' })
    t.strictSame(shop.edge.weights(), { stable: 0, canary: 100 }, 'the version that was tried has the traffic')
  },
)

t.test('variants in another order in mid-release: the judge looks at the same ones as before', async (t) => {
  const edge = new ReplacedEdge()
  const gate = parseGate()
  const shop = await start(t, gate, edge)
  await shop.command('start')
  await shop.until('Progressing')
  await edge.flow(500)
  t.strictSame([...new Set(edge.asked)], [1], 'the endpoints of canary')
  edge.boot()
  edge.asked.length = 0
  shop.controller.apply([{ ...gate, spec: { ...gate.spec, variants: gate.spec.variants.toReversed() } }])
  await edge.flow(500)
  t.strictSame([...new Set(edge.asked)], [0], 'canary comes first now')
  t.match(shop.view, { phase: 'Progressing', candidate: 'canary' })
})

t.test('a harm budget that is changed in mid-release holds at once, for the block and the verdict', async (t) => {
  const budget = (harmBudget?: number) =>
    parseGate(harmBudget === undefined ? {} : { spec: `  analysis: {harmBudget: ${harmBudget}}` })
  const shop = await start(t, budget(2))
  await shop.command('start')
  await shop.until('Progressing')
  shop.edge.harm()
  await shop.edge.flow(200)
  shop.controller.apply([budget(4)])
  shop.edge.harm()
  shop.edge.harm()
  await shop.edge.flow(200)
  t.equal(shop.view.phase, 'Progressing', 'three of four')
  shop.controller.apply([budget()])
  for (let i = 0; i < 5; i++) shop.edge.harm()
  await shop.edge.flow(200)
  t.equal(shop.view.phase, 'Progressing', 'no budget')
  shop.controller.apply([budget(2)])
  shop.edge.harm()
  await shop.edge.flow(200)
  t.equal(shop.view.phase, 'Progressing', 'one of two')
  shop.controller.apply([budget(1)])
  await shop.edge.flow(200)
  t.match(shop.view.release, { phase: 'RolledBack', reason: 'HarmBudget' })
})
