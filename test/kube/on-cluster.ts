import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { CRD_FILE } from '../../scripts/crd.ts'
import { systemClock } from '../../src/clock.ts'
import {
  EVENTS,
  EventSink,
  eventOf,
  GATES,
  GateCatalog,
  type GateResource,
  type GateStatus,
  Informer,
  isConflict,
  isGone,
  KubeClient,
  type KubeObject,
  LeaderElection,
  loadKubeAccess,
  type Resource,
  StatusWriter,
  statusChange,
} from '../../src/kube/index.ts'
import { systemRandom } from '../../src/random.ts'
import { FINE, GATE_MISTAKES } from './gate-mistakes.ts'
import { Bell, keptLog, until } from './support/things.ts'

const CRDS: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
}
const NAMESPACES: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' }
const PATIENCE_MS = 60_000

interface Crd extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] }
}

/**
 * The kube room against a real API server, the one that KUBECONFIG names: what a scripted one cannot prove. Needs the
 * right to write CRDs; works in a new namespace of its own.
 */
export function kubeSuite(t: Test): void {
  let namespace = ''
  const client = new KubeClient({
    access: loadKubeAccess({ env: process.env }),
    clock: systemClock,
    userAgent: 'streamgate-test',
    timeoutMs: PATIENCE_MS,
  })
  const common = { client, clock: systemClock, random: systemRandom, log: keptLog() }
  const gitops = (name: string, spec: object) =>
    client.apply<GateResource>(GATES, { namespace, name }, { spec } as { metadata?: object }, {
      fieldManager: 'gitops',
      force: true,
    })
  t.teardown(async () => {
    if (namespace !== '') await client.delete(NAMESPACES, { name: namespace })
    await client.close()
  })

  t.before(async () => {
    const crd = parse(readFileSync(CRD_FILE, 'utf8'))
    const ref = { name: crd.metadata.name }
    await client.apply(CRDS, ref, crd, { fieldManager: 'streamgate-test', force: true })
    let conditions: { type: string; status: string }[] = []
    while (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) {
      conditions = (await client.get<Crd>(CRDS, ref)).status?.conditions ?? []
    }
    const made = await client.create(NAMESPACES, undefined, { metadata: { generateName: 'streamgate-kube-' } })
    namespace = made.metadata.name
  })

  t.test('the schema refuses what the rules of files refuse, and says why', async (t) => {
    for (const { what, spec, cluster } of GATE_MISTAKES) {
      const made = client.create(GATES, namespace, { metadata: { name: 'mistake' }, spec })
      const answer = await made.then(
        () => 'accepted',
        (error: Error) => error.message,
      )
      t.match(answer, cluster ?? /^accepted$/, what)
      if (answer === 'accepted') await client.delete(GATES, { namespace, name: 'mistake' })
    }
  })

  t.test('a Gate applied again never drifts, and means the same as in a file', async (t) => {
    const first = await gitops('fine', FINE)
    const again = await gitops('fine', FINE)
    t.equal(again.metadata.resourceVersion, first.metadata.resourceVersion)
    const [admitted] = new GateCatalog().admit([first])
    const [file] = new GateCatalog().admit([{ metadata: first.metadata, spec: FINE }])
    t.equal(admitted?.problem, undefined)
    t.same(admitted?.config, file?.config, 'defaults of the API server are those of the file')
    const variants = [{ name: 'a', urls: ['http://h:1'] }]
    await gitops('lists', { variants })
    const changed = await gitops('lists', { variants, paths: ['/x'], rescue: { methods: ['GET'] } })
    t.match(changed.spec, { paths: ['/x'], rescue: { methods: ['GET'] } }, 'a default is replaced, not added to')
  })

  t.test('statuses: fenced, unchanged by a round trip, and no change of the generation', async (t) => {
    const gate = await gitops('status', FINE)
    const ref = { namespace, name: 'status' }
    const writer = new StatusWriter(common)
    const status: GateStatus = {
      decision: 7,
      phase: 'Progressing',
      weights: { stable: 87.5, canary: 12.5 },
      store: { record: '{"a":null}' },
    }
    const fence = { resourceVersion: gate.metadata.resourceVersion! }
    const written = await writer.write(ref, status, fence)
    t.equal(statusChange(written.status as GateStatus, status), 'none')
    t.equal(written.metadata.generation, gate.metadata.generation)
    const late = await writer.write(ref, { ...status, decision: 8 }, fence).catch((error: unknown) => error)
    t.ok(isConflict(late), String(late))
    const { weights: _, ...fewer } = status
    t.equal((await writer.write(ref, fewer)).status?.weights, undefined, 'what is no longer named is gone')
    writer.close()

    const decision = {
      time: new Date(systemClock.wallMs()).toISOString(),
      phase: 'RolledBack',
      verdict: 'Degraded',
      reason: 'ErrorRate',
      message: '9 of 20 requests failed',
    } as Parameters<typeof eventOf>[2]
    const sink = new EventSink(client, common.log)
    for (let twice = 0; twice < 2; twice++) sink.send(eventOf(gate.metadata, '4', decision, 'pod'))
    await sink.idle()
    const { items } = await client.list<KubeObject & { note: string }>(EVENTS, { namespace })
    t.same(
      items.map(({ note }) => note),
      ['9 of 20 requests failed'],
      'told once',
    )
  })

  t.test('an informer has what is there and follows; pages and old versions are as they should be', async (t) => {
    const bell = new Bell()
    const told: string[] = []
    const tell = (what: string) => (one: KubeObject) => {
      told.push(`${what} ${one.metadata.name}`)
      bell.ring()
    }
    const handlers = { added: tell('added'), updated: tell('updated'), deleted: tell('deleted') }
    const informer = new Informer({ ...common, resource: GATES, namespace, handlers })
    informer.start()
    await informer.whenSynced()
    const before = informer.size
    t.ok(before >= 3)
    const ref = { namespace, name: 'followed' }
    await gitops('followed', FINE)
    await bell.until(() => told.includes('added followed'))
    await client.mergePatch(GATES, ref, { metadata: { labels: { a: 'b' } } })
    await bell.until(() => told.includes('updated followed'))
    await client.delete(GATES, ref)
    await client.delete(GATES, ref)
    await bell.until(() => told.includes('deleted followed'))
    t.equal(informer.size, before)
    informer.close()

    const one = await client.list(GATES, { namespace, limit: 1 })
    const two = await client.list(GATES, { namespace, limit: 1, continue: one.continue ?? '' })
    t.equal(two.resourceVersion, one.resourceVersion)
    t.not(two.items[0]?.metadata.name, one.items[0]?.metadata.name)
    let gone: unknown
    const watch = client.watch(GATES, { namespace, resourceVersion: '1', timeoutS: 5 }, ({ type, object }) => {
      if (type === 'ERROR') gone = object
    })
    await watch.ended.catch((error: unknown) => {
      if (isGone(error)) gone = { code: 410 }
    })
    t.match(gone, { code: 410 })
  })

  t.test('one of two leads, and the other one after it', async (t) => {
    const stand = (identity: string) =>
      new LeaderElection({
        ...common,
        ref: { namespace, name: 'streamgate' },
        identity,
        onLead: () => {},
        onLose: () => {},
      })
    const first = stand('first')
    const second = stand('second')
    first.start()
    await until(() => first.leading)
    second.start()
    await until(() => second.leader === 'first')
    t.equal(second.leading, false)
    await first.close()
    await until(() => second.leading)
    t.equal(first.leading, false)
    t.equal(second.term, first.term + 1)
    await second.close()
  })
}
