import t from 'tap'
import { coreOf } from '../../src/controller/release/state.ts'
import { weightsBps } from '../../src/controller/release/table.ts'
import { convicted, finding, policyWith, World } from './world.ts'

const start = (world: World) => world.settle({ verb: 'start', who: 'ann', revision: 'v2' })
const reasons = (world: World) => world.log.flatMap(({ outcome }) => outcome.decision?.reason ?? [])
const canary = (world: World) => weightsBps(world.state).canary

/** Answers the hooks that are asked now. */
function answer(world: World, result: 'passed' | 'refused' | 'unreachable'): string[] {
  const asked = world.log
    .flatMap(({ outcome }) => outcome.effects)
    .flatMap((effect) => (effect.type === 'CallHook' ? [effect] : []))
  for (const { key } of asked) world.hooks[key] ??= { result, detail: 'no' }
  return asked.map(({ phase, step }) => `${phase} ${step}`)
}

t.test('every hook is asked once, in its place, and nothing goes on before it passed', async (t) => {
  const world = new World(
    policyWith({ hooks: ['BeforeRelease', 'BeforeStep', 'AfterStep', 'BeforePromotion', 'AfterRelease'], bakeMs: 0 }),
  )
  start(world)
  world.flow(10_000)
  t.equal(world.state.phase, 'Preparing', 'BeforeRelease is not answered')
  for (let i = 0; i < 20; i++) {
    answer(world, 'passed')
    world.flow(2000)
  }
  t.equal(world.state.phase, 'Succeeded')
  t.strictSame(answer(world, 'passed'), [
    'BeforeRelease 0',
    'BeforeStep 1',
    'AfterStep 1',
    'BeforeStep 2',
    'AfterStep 2',
    'BeforeStep 3',
    'AfterStep 3',
    'BeforePromotion 3',
    'AfterRelease 3',
  ])
})

t.test('a hook that refuses rolls back; one that cannot be asked waits for a person and is asked again', async (t) => {
  const refusing = new World(policyWith({ hooks: ['BeforeStep'] }))
  start(refusing)
  answer(refusing, 'refused')
  refusing.settle()
  t.match(refusing.state, { phase: 'RolledBack', reason: 'HookFailed' })

  const lost = new World(policyWith({ hooks: ['BeforeStep'] }))
  start(lost)
  answer(lost, 'unreachable')
  lost.settle()
  t.match(lost.state, { phase: 'Paused', cause: 'HookFailed' })
  lost.settle({ verb: 'resume', who: 'ann' })
  t.equal(lost.state.phase, 'Progressing', 'asked again')
  t.equal(canary(lost), 0)
  answer(lost, 'passed')
  lost.settle()
  t.equal(canary(lost), 500)
})

t.test(
  'blue-green: checks and hooks come before the switch, off traffic; then one switch, the bake, the exchange',
  async (t) => {
    const blueGreen = policyWith({
      strategy: 'BlueGreen',
      steps: [{ weightBps: 10_000, minDurationMs: 1000, minRequests: 0, pause: false }],
      hooks: ['BeforePromotion'],
      checks: [{ name: 'slo', failureLimit: 1, dryRun: false }],
    })
    const world = new World(blueGreen)
    start(world)
    t.match(world.state, { phase: 'Progressing', stage: 'Entering' })
    t.equal(canary(world), 0)
    t.ok(world.log.some(({ outcome }) => outcome.effects.some((effect) => effect.type === 'RunChecks' && effect.now)))
    answer(world, 'passed')
    world.settle()
    t.equal(canary(world), 0, 'the check has no result yet')
    world.checks = [{ name: 'slo', result: 'pass', failures: 0, detail: '1' }]
    world.settle()
    t.equal(canary(world), 10_000, 'one switch')
    world.flow(1000)
    t.match(world.state, { stage: 'Baking' })
    world.flow(3000)
    t.match(world.state, { phase: 'Succeeded', roles: { serving: 'canary', candidate: 'stable' } })
  },
)

t.test(
  'blue-green: a check that fails beyond its limit ends it before any traffic; a dry run never does',
  async (t) => {
    const policy = (dryRun: boolean) =>
      policyWith({
        strategy: 'BlueGreen',
        steps: [{ weightBps: 10_000, minDurationMs: 0, minRequests: 0, pause: false }],
        checks: [{ name: 'slo', failureLimit: 1, dryRun }],
      })
    const world = new World(policy(false))
    start(world)
    world.checks = [{ name: 'slo', result: 'fail', failures: 1, detail: '7 is above 5' }]
    world.settle()
    t.equal(world.state.phase, 'Progressing', 'one failure is tolerated')
    world.checks = [{ name: 'slo', result: 'fail', failures: 2, detail: '7 is above 5' }]
    world.settle()
    t.match(world.state, {
      phase: 'RolledBack',
      reason: 'CheckFailed',
      message: /slo failed 2 times in a row: 7 is above 5/,
    })
    const dry = new World(policy(true))
    start(dry)
    dry.checks = [{ name: 'slo', result: 'fail', failures: 9, detail: '' }]
    dry.flow(5000)
    t.equal(dry.state.phase, 'Succeeded')
  },
)

t.test('pause steps wait for a person, once proven', async (t) => {
  const steps = [50, 100].map((percent) => ({
    weightBps: percent * 100,
    minDurationMs: 1000,
    minRequests: 0,
    pause: percent === 50,
  }))
  const world = new World(policyWith({ steps }))
  start(world)
  world.flow(30_000)
  t.match(world.state, { phase: 'Paused', cause: 'StepPause' })
  t.equal(canary(world), 5000)
  world.settle({ verb: 'resume', who: 'ann' })
  t.equal(canary(world), 10_000)
})

t.test('stepTimeout pauses; resuming gives the step the whole time again', async (t) => {
  const world = new World(policyWith({ stepTimeoutMs: 10_000 }))
  start(world)
  world.nowMs += 10_000
  world.settle()
  t.match(world.state, { phase: 'Paused', cause: 'StepTimeout' })
  world.settle({ verb: 'resume', who: 'ann' })
  world.nowMs += 9_000
  world.settle()
  t.equal(world.state.phase, 'Progressing')
})

t.test('minRequests counts requests at this weight alone', async (t) => {
  const steps = [5, 100].map((percent) => ({
    weightBps: percent * 100,
    minDurationMs: 0,
    minRequests: 50,
    pause: false,
  }))
  const world = new World(policyWith({ steps }))
  start(world)
  world.flow(400)
  t.match(world.state, { step: 0 })
  world.flow(100)
  t.match(world.state, { step: 1 })
  world.flow(400)
  t.match(world.state, { step: 1, stage: 'Watching' })
})

t.test('a candidate that comes and goes is rolled back when it was away for readyTimeout in all', async (t) => {
  const world = new World(policyWith({ readyTimeoutMs: 10_000 }))
  start(world)
  for (let n = 0; n < 3; n++) {
    world.candidate = { ready: 0, total: 1 }
    world.settle()
    t.equal(canary(world), 0)
    world.nowMs += n === 2 ? 3000 : 4000
    world.settle()
    if (n === 2) break
    world.candidate = { ready: 1, total: 1 }
    world.settle()
    t.equal(canary(world), 500)
  }
  t.match(world.state, { phase: 'RolledBack', reason: 'NotReady', verdict: 'Degraded' })
})

t.test('serving is gone when the candidate is convicted: never to nothing, back as soon as it can be', async (t) => {
  const world = new World(policyWith())
  start(world)
  world.serving = { ready: 0, total: 1 }
  world.finding = convicted()
  world.settle()
  t.equal(canary(world), 500)
  t.match(world.log.at(-1)?.outcome.status, { reason: 'StableBroken', verdict: 'Degraded' })
  world.serving = { ready: 1, total: 1 }
  world.settle()
  t.match(world.state, { phase: 'RolledBack', reason: 'ErrorRate' })
})

t.test('serving broken, candidate good: it holds and says so, promote goes forward', async (t) => {
  const world = new World(policyWith())
  start(world)
  world.servingFailing = true
  world.flow(60_000)
  t.match(world.state, { phase: 'Progressing', step: 0 })
  t.equal(world.log.at(-1)?.outcome.status.reason, 'StableBroken')
  t.equal(reasons(world).filter((reason) => reason === 'StableBroken').length, 1, 'recorded once')
  world.settle({ verb: 'promote', who: 'ann' })
  t.equal(world.state.phase, 'Succeeded')
})

t.test('a person may promote what was convicted while serving is gone, and it stands', async (t) => {
  const world = new World(policyWith())
  start(world)
  world.serving = { ready: 0, total: 1 }
  world.finding = convicted()
  world.settle()
  world.settle({ verb: 'promote', who: 'ann' })
  t.match(world.state, { phase: 'Succeeded', roles: { serving: 'canary' } })
})

t.test('another revision in mid-release: weight 0 at once, a fresh judge, from the first step', async (t) => {
  const world = new World(policyWith())
  world.revision = 'a'
  start(world)
  world.flow(1500)
  t.match(world.state, { step: 1 })
  world.revision = 'b'
  world.look()
  t.equal(canary(world), 0)
  world.look()
  t.match(world.state, { phase: 'Progressing', step: 0, release: { id: '1', attempt: 2, revision: 'b' } })
  t.equal(world.of?.trial, '1.2')
})

t.test('a changed template starts a release (Auto), but not while it is suspended or Manual', async (t) => {
  for (const [changes, phase] of [
    [{}, 'Preparing'],
    [{ trigger: 'Manual' }, 'Idle'],
    [{ suspend: true }, 'Idle'],
  ] as const) {
    const world = new World(policyWith(changes))
    world.revision = 'a'
    world.settle()
    t.equal(world.state.phase, 'Idle', 'the first one seen is no news')
    world.candidate = { ready: 0, total: 1 }
    world.revision = 'b'
    world.settle()
    t.equal(world.state.phase, phase)
  }
})

t.test('suspended: nothing advances, a conviction still ends it', async (t) => {
  const world = new World(policyWith())
  start(world)
  world.policy.release!.suspend = true
  world.flow(60_000)
  t.match(world.state, { phase: 'Progressing', step: 0 })
  t.match(world.look({ verb: 'skip', who: 'ann' }).refusal, { code: 'suspended' })
  world.finding = convicted()
  world.settle()
  t.equal(world.state.phase, 'RolledBack')
})

t.test('Copy: serving gets the template and is complete before the traffic comes back', async (t) => {
  const world = new World(policyWith({ promotion: 'Copy', workloads: true, bakeMs: 0 }))
  start(world)
  world.serving = { ready: 1, total: 1, settled: false }
  for (let i = 0; i < 60 && world.state.phase !== 'Promoting'; i++) world.flow(100)
  t.equal(world.state.phase, 'Promoting')
  const effects = world.log.flatMap(({ outcome }) => outcome.effects)
  t.ok(effects.some((effect) => effect.type === 'SetTemplate' && effect.variant === 'stable'))
  world.flow(5000)
  t.equal(canary(world), 10_000)
  world.serving = { ready: 1, total: 1, settled: true }
  world.flow(100)
  t.match(world.state, { phase: 'Succeeded', roles: { serving: 'stable' } })
  t.equal(canary(world), 0)
  world.flow(5000)
  t.ok(
    world.log
      .flatMap(({ outcome }) => outcome.effects)
      .some((effect) => effect.type === 'ScaleWorkload' && effect.variant === 'canary' && effect.to === 0),
    'the candidate is scaled down after its delay',
  )
})

t.test('Copy: convicted in mid-promotion, serving is restored first and has the traffic after', async (t) => {
  const world = new World(policyWith({ promotion: 'Copy', workloads: true, bakeMs: 0 }))
  start(world)
  world.serving = { ready: 1, total: 1, settled: false }
  for (let i = 0; i < 60 && world.state.phase !== 'Promoting'; i++) world.flow(100)
  world.finding = convicted()
  world.settle()
  t.equal(canary(world), 10_000)
  const last = world.log
    .flatMap(({ outcome }) => outcome.effects)
    .findLast((effect) => effect.type === 'RestoreTemplate')
  t.match(last, { variant: 'stable', release: '1' })
  world.nowMs += 1000
  world.serving = { ready: 1, total: 1 }
  world.settle()
  t.match(world.state, { phase: 'RolledBack', reason: 'ErrorRate' })
  t.equal(canary(world), 0)
})

t.test(
  'rolled back after a promotion while the old variant is down: it is brought up first, or the promotion stands',
  async (t) => {
    const world = new World(policyWith())
    start(world)
    world.flow(10_000)
    t.equal(world.state.phase, 'Succeeded')
    world.candidate = { ready: 0, total: 1 }
    t.equal(world.settle({ verb: 'rollback', who: 'ann' }).refusal, undefined)
    t.match(world.state, { phase: 'Succeeded', undo: { by: 'ann' } })
    t.equal(canary(world), 10_000, 'never to nothing')
    world.candidate = { ready: 1, total: 1 }
    world.settle()
    t.match(world.state, { phase: 'RolledBack', roles: { serving: 'stable' } })
    t.equal(canary(world), 0)
  },
)

t.test('no traffic passes where the policy says so', async (t) => {
  const world = new World(policyWith({ noTraffic: 'Pass', bakeMs: 0 }))
  start(world)
  for (let n = 0; n < 4; n++) {
    world.nowMs += 30_000
    world.settle()
  }
  t.equal(world.state.phase, 'Succeeded')
})

t.test('one bad endpoint is taken out, once', async (t) => {
  const world = new World(policyWith())
  start(world)
  world.finding = finding({ held: 'BadEndpoint', badEndpoint: '10.0.0.7:80' })
  const { effects, decision } = world.look()
  t.match(effects, [{ type: 'EjectEndpoint', endpoint: '10.0.0.7:80' }, { type: 'Notify' }])
  t.match(decision, { reason: 'BadEndpoint', message: /10\.0\.0\.7:80/ })
  t.equal(world.look().decision, undefined)
})

t.test('other variants keep their weight throughout a release', async (t) => {
  const policy = policyWith({}, ['stable', 'canary', 'legacy'])
  policy.startBps = { stable: 8000, canary: 0, legacy: 2000 }
  const world = new World(policy)
  start(world)
  t.strictSame(weightsBps(world.state), { stable: 7600, canary: 400, legacy: 2000 })
  world.flow(20_000)
  t.strictSame(weightsBps(world.state), { stable: 0, canary: 8000, legacy: 2000 })
  t.equal(coreOf(world.state), undefined)
})

t.test('a harm budget that another release used up does not end this one', async (t) => {
  const world = new World(policyWith({ harmBudget: 3 }))
  start(world)
  world.harmLeft = 0
  world.settle()
  t.match(world.state, { phase: 'RolledBack', reason: 'HarmBudget' })
  world.candidate = { ready: 0, total: 1 }
  world.settle({ verb: 'retry', who: 'ann' })
  t.equal(world.state.phase, 'Preparing', 'its own trial has not begun')
})
