import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { ControlView } from '../../src/controller/index.ts'
import {
  type AdmittedGate,
  EventSink,
  eventOf,
  GATES,
  type GateStatus,
  isConflict,
  KubeError,
  StatusWriter,
  statusChange,
  statusOf,
} from '../../src/kube/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ScriptedApi } from './support/api-server.ts'
import { clientOf, keptLog, until } from './support/things.ts'

const NOW = '2026-01-01T00:00:10.000Z'
const ref = { namespace: 'shop', name: 'web' }

const admitted = (more: Partial<AdmittedGate> = {}, status?: GateStatus): AdmittedGate => ({
  key: 'shop/web',
  resource: {
    metadata: { ...ref, uid: 'u', generation: 3 },
    ...(status === undefined ? {} : { status: status as never }),
  },
  config: {} as never,
  problem: undefined,
  weights: undefined,
  weightsProblem: undefined,
  ...more,
})

const view = (more: Partial<NonNullable<ControlView['release']>> = {}, phase: ControlView['phase'] = 'Progressing') =>
  ({
    key: 'shop/web',
    strategy: 'Canary',
    serving: 'stable',
    candidate: 'canary',
    weights: { stable: 90, canary: 10 },
    phase,
    release: {
      id: '4',
      revision: 'web:2',
      phase,
      step: 2,
      steps: 5,
      stepWeights: [5, 10, 25, 50, 100],
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: null,
      verdict: 'Undecided',
      reason: 'NeedRequests',
      message: 'about 240 more canary requests',
      requestsNeeded: 240,
      harmedRequests: 1,
      rescuedRequests: 4,
      evidence: null,
      ...more,
    },
  }) satisfies ControlView

const place = { name: 'a', origin: 'http://10.0.0.1:80', basePath: '' }
const places = { stable: { places: [place] }, canary: { places: [place] } }
const input = (more: Partial<Parameters<typeof statusOf>[0]> = {}) => ({
  gate: admitted(),
  view: view(),
  places,
  decision: 7,
  store: undefined,
  now: NOW,
  ...more,
})
const condition = (status: GateStatus, type: string) => status.conditions?.find((one) => one.type === type)

t.test('a release in progress', async (t) => {
  const status = statusOf(input())
  t.match(status, {
    observedGeneration: 3,
    phase: 'Progressing',
    step: '2/5',
    verdict: 'Undecided',
    serving: 'stable',
    candidate: 'canary',
    weight: 10,
    weights: { stable: 90, canary: 10 },
    decision: 7,
    release: { id: '4', revision: 'web:2', requestsNeeded: 240, harmedRequests: 1 },
  })
  t.equal('finishedAt' in status.release!, false, 'a null is left out')
  t.match(condition(status, 'Ready'), { status: 'True', reason: 'Serving', lastTransitionTime: NOW })
  t.match(condition(status, 'Progressing'), { status: 'True', reason: 'Progressing', observedGeneration: 3 })
  t.match(condition(status, 'Degraded'), { status: 'False', reason: 'AsExpected' })
})

t.test('conditions tell what is wrong', async (t) => {
  const read = (more: Partial<Parameters<typeof statusOf>[0]>, type: string) => condition(statusOf(input(more)), type)
  const empty = { ...places, canary: { places: [], problem: 'none of the 2 pods of Service shop/c is ready' } }
  t.match(read({ places: empty }, 'Ready'), {
    status: 'False',
    reason: 'NoEndpoints',
    message: 'canary: none of the 2 pods of Service shop/c is ready',
  })
  const idle = { ...view(), weights: { stable: 100, canary: 0 } }
  t.match(read({ places: empty, view: idle }, 'Ready'), { status: 'True' }, 'what gets no traffic needs no pods')
  const conflict = admitted({ problem: { reason: 'Conflict', message: 'host x is taken' }, config: undefined })
  t.match(read({ gate: conflict, view: undefined }, 'Ready'), { status: 'False', reason: 'Conflict' })
  t.match(read({ gate: conflict, view: undefined }, 'Degraded'), { status: 'True', message: 'host x is taken' })
  const stale = admitted({ problem: { reason: 'Invalid', message: 'bad' } })
  t.match(read({ gate: stale }, 'Degraded'), { message: 'the last valid configuration stays in force: bad' })
  t.match(read({ gate: admitted({ weightsProblem: 'no sum' }) }, 'Degraded'), { status: 'True', message: 'no sum' })
  const failed = view({ verdict: 'Degraded', reason: 'ErrorRate', message: '9 of 20 failed' }, 'RolledBack')
  t.match(read({ view: failed }, 'Degraded'), { status: 'True', reason: 'ErrorRate', message: '9 of 20 failed' })
  t.match(read({ view: failed }, 'Progressing'), { status: 'False', reason: 'RolledBack' })
  t.match(read({ view: view({}, 'Paused') }, 'Progressing'), { status: 'Unknown', reason: 'Paused' })
  t.match(read({ view: { ...view(), release: null, phase: 'Idle' } }, 'Progressing'), {
    status: 'False',
    reason: 'Idle',
  })
})

t.test('a transition keeps its time, and what is not known stays', async (t) => {
  const first = statusOf(input({ store: { record: 'state' } }))
  const later = statusOf(input({ gate: admitted({}, first), now: '2026-01-01T00:00:20.000Z' }))
  t.equal(condition(later, 'Ready')?.lastTransitionTime, NOW)
  t.equal(later.store?.record, 'state')
  const refused = admitted({ problem: { reason: 'Invalid', message: 'x' }, config: undefined }, first)
  const after = statusOf(input({ gate: refused, view: undefined, now: '2026-01-01T00:00:30.000Z' }))
  t.equal(condition(after, 'Ready')?.lastTransitionTime, '2026-01-01T00:00:30.000Z')
  t.match(after, { phase: 'Progressing', store: { record: 'state' }, release: { id: '4' } })
})

t.test('what differs: nothing, figures, or more', async (t) => {
  const before = statusOf(input())
  const turned = Object.fromEntries(Object.entries(before).reverse()) as GateStatus
  t.equal(statusChange(before, turned), 'none', 'the order of keys means nothing')
  t.equal(statusChange(undefined, before), 'real')
  const figures = view({ harmedRequests: 2, requestsNeeded: 100, message: 'about 100 more' })
  t.equal(statusChange(before, statusOf(input({ view: figures }))), 'figures')
  t.equal(statusChange(before, statusOf(input({ store: { checkpoint: 'x' } }))), 'figures')
  t.equal(statusChange(before, statusOf(input({ store: { record: 'x' } }))), 'real')
  t.equal(statusChange(before, statusOf(input({ view: view({ reason: 'NoTraffic' }) }))), 'real')
  t.equal(statusChange(before, statusOf(input({ places: {} }))), 'real')
})

t.test('the writer: at once, then at most once a second, figures every five, the last offer wins', async (t) => {
  const clock = new ManualClock()
  const writes: { atMs: number; status: GateStatus }[] = []
  let failing = false
  const client = {
    apply: async (_: unknown, __: unknown, body: object) => {
      writes.push({ atMs: clock.nowMs(), status: (body as { status: GateStatus }).status })
      if (failing) throw new KubeError({ verb: 'apply', resource: GATES }, { status: 503, reason: 'x', detail: 'y' })
      return {} as never
    },
  }
  const log = keptLog()
  const writer = new StatusWriter({ client: client as never, clock, random: () => 0, log })
  t.teardown(() => writer.close())
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const offer = async (more: Partial<Parameters<typeof statusOf>[0]>) => {
    writer.offer(ref, statusOf(input(more)), undefined)
    await settle()
  }
  await offer({})
  await offer({})
  t.equal(writes.length, 1)
  await offer({ decision: 8 })
  await offer({ decision: 9 })
  clock.advance(999)
  await settle()
  t.equal(writes.length, 1)
  clock.advance(1)
  await settle()
  t.match(writes[1]?.status, { decision: 9 })
  t.equal(writes.length, 2)
  await offer({ decision: 9, view: view({ harmedRequests: 5 }) })
  clock.advance(4_999)
  await settle()
  t.equal(writes.length, 2)
  clock.advance(1)
  await settle()
  t.equal(writes.length, 3)
  failing = true
  clock.advance(1_000)
  await offer({ decision: 10 })
  t.equal(writes.length, 4)
  failing = false
  clock.advance(1_000)
  await settle()
  t.match(writes[4]?.status, { decision: 10 }, 'tried again')
  t.equal(log.lines.length, 1)
  await offer({ decision: 11 })
  writer.close()
  clock.advance(60_000)
  await settle()
  t.equal(writes.length, 5)
})

t.test('a fenced write carries the version that was read', async (t) => {
  const api = await ScriptedApi.start()
  const client = clientOf(api)
  const writer = new StatusWriter({ client, clock: systemClock, random: Math.random, log: keptLog() })
  t.teardown(async () => {
    writer.close()
    await client.close()
    await api.stop()
  })
  const written = writer.write(ref, { decision: 1 }, { resourceVersion: '41' })
  let ask = await api.next()
  t.equal(ask.path, '/apis/streamgate.dev/v1alpha1/namespaces/shop/gates/web/status')
  t.same(Object.fromEntries(ask.query), { fieldManager: 'streamgate', force: 'true' })
  t.match(ask.json(), { metadata: { resourceVersion: '41' }, status: { decision: 1 } })
  ask.answer(200, { metadata: { ...ref, resourceVersion: '42' } })
  t.equal((await written).metadata.resourceVersion, '42')
  const late = writer.write(ref, { decision: 2 }, { resourceVersion: '41' })
  ask = await api.next()
  ask.refuse(409, 'Conflict', 'the object has been modified')
  t.ok(isConflict(await late.catch((error: unknown) => error)))
})

t.test('an event of a decision', async (t) => {
  const decision = {
    time: '2026-01-01T00:00:10.123Z',
    phase: 'RolledBack',
    step: 2,
    weights: {},
    verdict: 'Degraded',
    reason: 'ErrorRate',
    message: 'x'.repeat(2_000),
    evidence: null,
    inputs: {} as never,
  } as const
  const event = eventOf({ ...ref, uid: 'u' }, '4', decision, 'streamgate-abc')
  t.equal(event.metadata.name, 'web.4-rolledback-errorrate-20260101000010123')
  t.equal(event.eventTime, '2026-01-01T00:00:10.123000Z')
  t.equal(event.type, 'Warning')
  t.equal(event.note.length, 1024)
  t.same(event.regarding, { apiVersion: 'streamgate.dev/v1alpha1', kind: 'Gate', ...ref, uid: 'u' })
  t.equal(eventOf({ ...ref, name: 'x'.repeat(300) }, '4', decision, 'i').metadata.name.length <= 253, true)

  const api = await ScriptedApi.start()
  const client = clientOf(api)
  t.teardown(async () => {
    await client.close()
    await api.stop()
  })
  const log = keptLog()
  const sink = new EventSink(client, log)
  for (let n = 0; n < 3; n++) sink.send({ ...event, note: `${n}` })
  const first = await api.next()
  t.equal(`${first.method} ${first.path}`, 'POST /apis/events.k8s.io/v1/namespaces/shop/events')
  first.refuse(409, 'AlreadyExists', 'told before')
  ;(await api.next()).refuse(403, 'Forbidden', 'no')
  ;(await api.next()).answer(201, event)
  await sink.idle()
  t.equal(log.lines.length, 1)
  await until(() => api.untaken === 0)
})
