import fc from 'fast-check'
import t from 'tap'
import type { Command } from '../../src/controller/release/commands.ts'
import { decide } from '../../src/controller/release/decide.ts'
import { demands } from '../../src/controller/release/demands.ts'
import type { HookPhase, Policy } from '../../src/controller/release/plan.ts'
import { coreOf, type State, standingOf } from '../../src/controller/release/state.ts'
import { candidateBps, weightsBps } from '../../src/controller/release/table.ts'
import { convicted, finding, policyWith, World } from './world.ts'

const RUNS = { numRuns: 400, seed: 20260101, endOnFailure: true }

/** What happens between two looks. */
type Event = {
  ms: number
  requests: number
  judged: 'fine' | 'undecided' | 'convicted' | 'shared' | 'pending' | 'badEndpoint'
  candidate: number
  serving: number
  failing: boolean
  hook: 'passed' | 'refused' | 'unreachable' | 'none'
  check: 'pass' | 'fail' | 'inconclusive'
  harm: number
  revision: string | null
  command: Command | null
}

const often = <T>(value: T, weight: number, other: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(value), weight }, { arbitrary: other, weight: 1 })

const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .constantFrom('start', 'pause', 'resume', 'skip', 'promote', 'abort', 'retry', 'rollback')
    .map((verb) => ({ verb, who: 'ann' }) as Command),
  fc
    .record({
      who: fc.constant('bob'),
      verb: fc.constant('weights' as const),
      force: fc.boolean(),
      percent: fc.nat(100),
    })
    .map(
      ({ percent, ...rest }): Command => ({
        ...rest,
        weightsBps: { stable: 10_000 - percent * 100, canary: percent * 100 },
      }),
    ),
  fc.constant<Command>({ who: 'eve', verb: 'rollback', to: { id: '1', revision: 'old', template: true } }),
)

const event: fc.Arbitrary<Event> = fc.record({
  ms: fc.constantFrom(0, 100, 100, 1000, 5000, 40_000),
  requests: fc.constantFrom(0, 1, 50),
  judged: fc.constantFrom(
    'fine',
    'fine',
    'fine',
    'undecided',
    'undecided',
    'convicted',
    'shared',
    'pending',
    'badEndpoint',
  ),
  candidate: often(2, 8, fc.nat(2)),
  serving: often(2, 8, fc.nat(2)),
  failing: often(false, 9, fc.constant(true)),
  hook: often<Event['hook']>('passed', 8, fc.constantFrom('refused', 'unreachable', 'none')),
  check: often<Event['check']>('pass', 8, fc.constantFrom('fail', 'inconclusive')),
  harm: often(3, 20, fc.constant(0)),
  revision: often<string | null>('v1', 20, fc.constantFrom('v2', 'v3', null)),
  command: often<Command | null>(null, 2, command),
})

const PHASES: HookPhase[] = [
  'BeforeRelease',
  'BeforeStep',
  'AfterStep',
  'BeforePromotion',
  'AfterRelease',
  'OnRollback',
]
const policy: fc.Arbitrary<Policy> = fc
  .record({
    strategy: fc.constantFrom('Canary' as const, 'BlueGreen' as const),
    steps: fc.array(
      fc.record({
        weightBps: fc.integer({ min: 1, max: 10_000 }),
        minDurationMs: fc.constantFrom(0, 1000),
        minRequests: fc.constantFrom(0, 20),
        pause: often(false, 4, fc.constant(true)),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    promotion: fc.constantFrom('Swap' as const, 'Swap' as const, 'Copy' as const),
    trigger: fc.constantFrom('Auto' as const, 'Manual' as const),
    stepTimeoutMs: fc.constantFrom(0, 20_000),
    bakeMs: fc.constantFrom(0, 2000),
    suspend: often(false, 9, fc.constant(true)),
    harmBudget: fc.constantFrom(undefined, 3),
    noTraffic: fc.constantFrom('Hold' as const, 'Pass' as const),
    checks: fc.constantFrom(
      [],
      [{ name: 'slo', failureLimit: 0, dryRun: false }],
      [{ name: 'slo', failureLimit: 0, dryRun: true }],
    ),
    hooks: fc.subarray(PHASES),
  })
  .map((release) => {
    // The rules of the configuration: weights of steps only rise.
    const steps = release.steps.toSorted((a, b) => a.weightBps - b.weightBps)
    return policyWith({ ...release, steps, workloads: release.promotion === 'Copy' })
  })

function happen(world: World, event: Event): void {
  world.nowMs += event.ms
  world.requests += event.requests
  if (event.requests > 0) world.lastMs = world.nowMs
  // A judge never takes a conviction back within a trial.
  if (world.finding.convicted === undefined) {
    world.finding =
      event.judged === 'fine'
        ? finding({ fine: true, requestsNeeded: 0 })
        : event.judged === 'convicted'
          ? convicted()
          : event.judged === 'shared'
            ? finding({ held: 'SharedFailure' })
            : event.judged === 'pending'
              ? finding({ held: 'ServingPending' })
              : event.judged === 'badEndpoint'
                ? finding({ held: 'BadEndpoint', badEndpoint: 'a:1' })
                : finding()
  }
  world.candidate = { ready: event.candidate, total: 2 }
  world.serving = { ready: event.serving, total: 2 }
  world.servingFailing = event.failing
  world.harmLeft = event.harm
  world.revision = event.revision
  world.checks = [{ name: 'slo', result: event.check, failures: event.check === 'fail' ? 1 : 0, detail: 'said so' }]
  world.hooks = {}
  for (const effect of demands(world.policy, world.state)) {
    if (effect.type === 'CallHook' && event.hook !== 'none') {
      world.hooks[effect.key] = { result: event.hook, detail: 'said so' }
    }
  }
}

/** Runs the events; `check` sees every single look. */
function run(
  policy: Policy,
  events: readonly Event[],
  check: (before: State, world: World, event: Event, commanded: boolean) => void,
): World {
  const world = new World(policy)
  const looks = (event: Event, command: Command | null) => {
    const before = world.state
    world.look(command ?? undefined)
    check(before, world, event, command !== null)
  }
  looks({ ...quiet, revision: 'v1' }, null)
  looks(quiet, { verb: 'start', who: 'ann' })
  for (const event of events) {
    happen(world, event)
    looks(event, event.command)
    looks(event, null)
    looks(event, null)
  }
  return world
}
const quiet: Event = {
  ms: 0,
  requests: 0,
  judged: 'undecided',
  candidate: 1,
  serving: 1,
  failing: false,
  hook: 'none',
  check: 'pass',
  harm: 3,
  revision: 'v1',
  command: null,
}
const story = fc.array(event, { minLength: 1, maxLength: 60 })
const last = (world: World) => world.log.at(-1)!

t.test('weights are whole, not negative and sum to 100 %, and what is decided is what is set', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (_before, world) => {
        const values = Object.values(weightsBps(world.state))
        if (values.some((bps) => !Number.isInteger(bps) || bps < 0)) throw new Error(`weights ${values}`)
        if (values.reduce((a, b) => a + b, 0) !== 10_000) throw new Error(`weights ${values} do not sum to 10000`)
      })
    }),
    RUNS,
  )
})

t.test('no step is skipped, and none is left unproven without a person', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (before, world, _event, commanded) => {
        const from = coreOf(before)
        const to = coreOf(world.state)
        if (from?.phase !== 'Progressing' || commanded) return
        if (to?.phase === 'Progressing' && to.step > from.step + 1) throw new Error('a step was skipped')
        const left =
          to?.phase === 'Promoting' || (to?.phase === 'Progressing' && (to.step > from.step || to.stage !== 'Watching'))
        if (from.stage !== 'Watching' || !left) return
        const { observation, nowMs } = last(world)
        const step = from.release.steps[from.step]!
        if (nowMs - from.weightSinceMs < step.minDurationMs) throw new Error('left before minDuration')
        const counted = observation.of?.mark === from.mark
        const proven = observation.finding?.fine === true && counted && observation.traffic.requests >= step.minRequests
        const silence = nowMs - Math.max(observation.traffic.lastMs ?? 0, from.weightSinceMs)
        const passed = policy.release!.noTraffic === 'Pass' && silence >= 30_000
        if (!proven && !passed) throw new Error('left unproven')
      })
    }),
    RUNS,
  )
})

t.test('a convicted candidate has no traffic, unless serving cannot take it or a person overrules', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (before, world, _event, commanded) => {
        const core = coreOf(before)
        const { observation } = last(world)
        if (core === undefined || core.overruled || commanded) return
        if (observation.of?.trial !== `${core.release.id}.${core.release.attempt}` || !observation.finding?.convicted)
          return
        const after = coreOf(world.state)
        if (after === undefined) return
        const serving = observation.serving
        const lame = serving.ready === 0 || (policy.release!.workloads && serving.ready * 4 < serving.total * 3)
        const copying = after.phase === 'Promoting' && after.release.promotion === 'Copy'
        if (after.restoring !== null && (lame || copying)) return
        throw new Error(`still ${world.state.phase} at ${candidateBps(world.state)} bps`)
      })
    }),
    RUNS,
  )
})

t.test('traffic never moves to a variant without a ready endpoint, but by hand', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (before, world, _event, commanded) => {
        if (commanded) return
        const { roles } = standingOf(before)
        const was = weightsBps(before)
        const is = weightsBps(world.state)
        const { observation } = last(world)
        for (const role of ['serving', 'candidate'] as const) {
          const name = roles[role]
          if (is[name]! > was[name]! && observation[role].ready === 0)
            throw new Error(`${was[name]} -> ${is[name]} on ${role}`)
        }
      })
    }),
    RUNS,
  )
})

t.test(
  'whatever happened, a release ends once traffic flows: promoted when it is fine, rolled back when it is not',
  async () => {
    const good: Event = { ...quiet, ms: 1000, requests: 50, judged: 'fine', candidate: 2, serving: 2, hook: 'passed' }
    fc.assert(
      fc.property(policy, story, fc.boolean(), (policy, events, isGood) => {
        const awake = { ...policy, release: { ...policy.release!, suspend: false } }
        const world = run(awake, events, () => {})
        for (let i = 0; i < 200 && coreOf(world.state) !== undefined; i++) {
          happen(world, { ...good, revision: world.revision, judged: isGood ? 'fine' : 'convicted' })
          world.look(world.state.phase === 'Paused' ? { verb: 'resume', who: 'ann' } : undefined)
          world.look()
        }
        if (coreOf(world.state) !== undefined) throw new Error(`still ${JSON.stringify(world.state)}`)
      }),
      RUNS,
    )
  },
)

t.test('state and observation survive JSON, and replaying a record gives the same decisions', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      const world = run(policy, events, () => {})
      let state: State = JSON.parse(JSON.stringify(new World(policy).state))
      for (const { observation, nowMs, outcome } of JSON.parse(JSON.stringify(world.log)) as World['log']) {
        const again = decide(policy, JSON.parse(JSON.stringify(state)), observation, nowMs)
        if (JSON.stringify(again) !== JSON.stringify(outcome)) throw new Error('another decision')
        state = again.state
      }
    }),
    { ...RUNS, numRuns: 150 },
  )
})

t.test('a decision carries its inputs: with the state before it they give it again', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (before, world) => {
        const { outcome } = last(world)
        if (outcome.decision === undefined) return
        const { nowMs, ...observation } = outcome.decision.inputs
        const again = decide(policy, before, observation, nowMs)
        if (JSON.stringify(again.decision) !== JSON.stringify(outcome.decision)) throw new Error('another decision')
      })
    }),
    { ...RUNS, numRuns: 100 },
  )
})

t.test('what a transition performs is exactly what the new state demands and the old one did not', async () => {
  fc.assert(
    fc.property(policy, story, (policy, events) => {
      run(policy, events, (before, world) => {
        const had = demands(policy, before).map((effect) => JSON.stringify(effect))
        const missing = demands(policy, world.state).filter((effect) => {
          const text = JSON.stringify(effect)
          return !had.includes(text) && !last(world).outcome.effects.some((done) => JSON.stringify(done) === text)
        })
        if (missing.length > 0) throw new Error(JSON.stringify(missing))
      })
    }),
    { ...RUNS, numRuns: 100 },
  )
})
