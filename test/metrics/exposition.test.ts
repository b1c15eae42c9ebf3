import { connect } from 'node:net'
import t from 'tap'
import {
  advanceEpoch,
  createBlock,
  createRecorder,
  GateMeter,
  GateStats,
  MetricsServer,
  shutGuard,
} from '../../src/metrics/index.ts'
import { METRICS } from '../../src/metrics/names.ts'
import { MetricsRegistry } from '../../src/metrics/registry.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** The contract's names: this list is typed from it, not from the code. */
const CONTRACT: Record<string, string[]> = {
  streamgate_requests_total: ['gate', 'variant', 'code'],
  streamgate_request_duration_seconds: ['gate', 'variant', 'le'],
  streamgate_upstream_failures_total: ['gate', 'variant', 'kind'],
  streamgate_rescued_requests_total: ['gate'],
  streamgate_harmed_requests_total: ['gate'],
  streamgate_requests_in_flight: ['gate', 'variant'],
  streamgate_endpoints: ['gate', 'variant', 'state'],
  streamgate_requests_per_second: ['gate', 'variant', 'gate_namespace', 'service'],
  streamgate_weight_ratio: ['gate', 'variant'],
  streamgate_share_ratio: ['gate', 'variant'],
  streamgate_release_phase: ['gate', 'phase'],
  streamgate_releases_total: ['gate', 'strategy', 'result'],
  streamgate_release_duration_seconds: ['gate', 'strategy', 'le'],
  streamgate_rollback_duration_seconds: ['gate', 'strategy', 'le'],
  streamgate_release_downtime_seconds_total: ['gate'],
  streamgate_release_evidence: ['gate', 'test'],
  streamgate_config_reload_success: [],
  streamgate_build_info: ['version', 'node'],
}

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gy

/** Reads the text format; throws at a line that it does not allow. */
function parse(body: string): { samples: Sample[]; types: Map<string, string> } {
  const samples: Sample[] = []
  const types = new Map<string, string>()
  for (const line of body.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line)
    if (type) types.set(type[1]!, type[2]!)
    if (line === '' || line.startsWith('#')) continue
    const match = LINE.exec(line)
    if (!match) throw new Error(`not a sample: ${line}`)
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [name!, value!]))
    samples.push({
      name: match[1]!,
      labels,
      value: Number(match[3]!.replace(/^Nan$/, 'NaN').replace('+Inf', 'Infinity')),
    })
  }
  return { samples, types }
}

function setUp() {
  const clock = new ManualClock()
  const registry = new MetricsRegistry({ clock, version: '1.2.3' })
  const block = createBlock({ workers: 1, variants: 2, endpoints: 2 })
  const epoch = advanceEpoch(block, { weightsBps: [9000, 1000], observed: true, candidate: 1, serving: 0, salt: 0 })
  const recorder = createRecorder(block, 0, clock)
  const meter = new GateMeter(block, ['stable', 'canary'])
  const stats = new GateStats(meter, clock.nowMs())
  registry.addGate({
    key: 'default/shop',
    namespace: 'default',
    strategy: 'Canary',
    variants: [
      { name: 'stable', service: 'shop-stable', slots: () => [0] },
      { name: 'canary', service: 'canary', slots: () => [1] },
    ],
    meter,
    stats,
  })
  const scrape = async (accept = '') => parse((await registry.scrape(accept)).body)
  const value = async (name: string, labels: Record<string, string>) => {
    const { samples } = await scrape()
    return samples.find((each) => {
      return each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value)
    })?.value
  }
  return { clock, registry, block, epoch, recorder, stats, scrape, value }
}

t.test('every metric of the contract is there, with its labels and no others', async (t) => {
  const { clock, registry, recorder, stats, scrape } = setUp()
  recorder.begin(0, true)
  recorder.end(0, 200, 3000, false)
  clock.advance(1000)
  stats.tick(clock.nowMs())
  registry.release.setEvidence('default/shop', 'worse', -0.5)
  const { samples, types } = await scrape()
  t.same(
    Object.keys(CONTRACT).sort(),
    Object.values(METRICS)
      .map(([name]) => name)
      .sort(),
  )
  for (const [name, labels] of Object.entries(CONTRACT)) {
    const suffix = types.get(name) === 'histogram' ? '_bucket' : ''
    const found = samples.filter((each) => each.name === name + suffix)
    t.ok(found.length > 0, name)
    for (const each of found) t.same(Object.keys(each.labels).sort(), [...labels].sort(), name)
  }
  t.ok(samples.some((each) => each.name === 'process_cpu_seconds_total'))
  t.ok(samples.some((each) => each.name === 'nodejs_version_info'))
})

t.test('what was recorded is what is exported', async (t) => {
  const { block, epoch, recorder, value } = setUp()
  const canary = { gate: 'default/shop', variant: 'canary' }
  for (const us of [900, 4000, 5000, 5001, 2e6, 2e8]) {
    recorder.begin(1, true)
    recorder.failure(1, 'reset')
    recorder.end(1, 502, us, true)
  }
  recorder.begin(1, true)
  recorder.rescued()
  t.equal(await value('streamgate_requests_total', { ...canary, code: '502' }), 6)
  t.equal(await value('streamgate_requests_total', { ...canary, code: '200' }), undefined)
  t.equal(await value('streamgate_upstream_failures_total', { ...canary, kind: 'reset' }), 6)
  t.equal(await value('streamgate_upstream_failures_total', { ...canary, kind: 'grpc' }), 0, 'known before it occurs')
  t.equal(await value('streamgate_rescued_requests_total', { gate: 'default/shop' }), 1)
  t.equal(await value('streamgate_requests_in_flight', canary), 1)
  const duration = 'streamgate_request_duration_seconds'
  t.equal(await value(`${duration}_bucket`, { ...canary, le: '0.001' }), 1)
  t.equal(await value(`${duration}_bucket`, { ...canary, le: '0.005' }), 3)
  t.equal(await value(`${duration}_bucket`, { ...canary, le: '100' }), 5)
  t.equal(await value(`${duration}_bucket`, { ...canary, le: '+Inf' }), 6)
  t.equal(await value(`${duration}_count`, canary), 6)
  t.equal(await value('streamgate_weight_ratio', canary), 0.1)
  shutGuard(block, epoch)
  t.equal(await value('streamgate_weight_ratio', canary), 0, 'a shut candidate has no weight')
  t.equal(await value('streamgate_weight_ratio', { gate: 'default/shop', variant: 'stable' }), 1)
})

t.test('releases are told by the controller', async (t) => {
  const { registry, value } = setUp()
  const gate = { gate: 'default/shop' }
  t.equal(await value('streamgate_release_phase', { ...gate, phase: 'Idle' }), 1)
  registry.release.setPhase('default/shop', 'Progressing')
  registry.release.releaseEnded('default/shop', 'Canary', 'RolledBack', 45)
  registry.release.releaseEnded('default/shop', 'Canary', 'NoSuchResult', 45)
  registry.release.rollbackEnded('default/shop', 'Canary', 0.2)
  registry.release.addDowntime('default/shop', 2)
  registry.release.setPhase('default/unknown', 'Progressing')
  t.equal(await value('streamgate_release_phase', { ...gate, phase: 'Idle' }), 0)
  t.equal(await value('streamgate_release_phase', { ...gate, phase: 'Progressing' }), 1)
  t.equal(await value('streamgate_releases_total', { ...gate, strategy: 'Canary', result: 'RolledBack' }), 1)
  t.equal(await value('streamgate_releases_total', { ...gate, strategy: 'Canary', result: 'Succeeded' }), 0)
  t.equal(await value('streamgate_release_duration_seconds_bucket', { ...gate, le: '30' }), 0)
  t.equal(await value('streamgate_release_duration_seconds_bucket', { ...gate, le: '60' }), 1)
  t.equal(await value('streamgate_rollback_duration_seconds_sum', gate), 0.2)
  t.equal(await value('streamgate_release_downtime_seconds_total', gate), 2)
})

t.test('a gate that is removed leaves no series behind', async (t) => {
  const { registry, scrape } = setUp()
  registry.removeGate('default/shop')
  const { samples } = await scrape()
  t.same(
    samples.filter((each) => each.labels.gate !== undefined),
    [],
  )
})

t.test('OpenMetrics on request, and plain text afterwards as before', async (t) => {
  const { registry } = setUp()
  const open = await registry.scrape('application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1')
  t.match(open.contentType, 'application/openmetrics-text')
  t.match(open.body, /^# TYPE streamgate_rescued_requests counter\nstreamgate_rescued_requests_total\{/m)
  t.match(open.body, /^# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total /m)
  t.ok(open.body.endsWith('\n# EOF\n'))
  const plain = await registry.scrape('text/plain;version=0.0.4, application/openmetrics-text;q=0.2')
  t.match(plain.contentType, 'text/plain; version=0.0.4')
  t.match(plain.body, /^# TYPE streamgate_rescued_requests_total counter$/m)
  t.match(plain.body, /^# TYPE process_cpu_seconds_total counter$/m)
})

t.test('the server: metrics, liveness, readiness with its reasons, nothing else', async (t) => {
  const { registry } = setUp()
  let reasons: string[] = []
  const options = {
    host: '127.0.0.1',
    scrape: (accept: string) => registry.scrape(accept),
    readiness: () => ({ ready: reasons.length === 0, reasons }),
  }
  const server = new MetricsServer({ ...options, port: 0 })
  const port = await server.start()
  t.teardown(() => server.close())
  const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init)
  const metrics = await get('/metrics?x=1')
  t.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.match(await metrics.text(), /streamgate_build_info\{version="1.2.3"/)
  t.equal(await (await get('/livez')).text(), 'ok\n')
  t.equal((await get('/readyz')).status, 200)
  reasons = ['draining', 'no worker serves']
  const unready = await get('/readyz')
  t.equal(unready.status, 503)
  t.equal(await unready.text(), 'not ready: draining; no worker serves\n')
  t.same(await (await get('/readyz', { headers: { accept: 'application/json' } })).json(), { ready: false, reasons })
  t.equal((await get('/nothing')).status, 404)
  const post = await get('/metrics', { method: 'POST', body: 'x' })
  t.equal(post.status, 405)
  t.equal(post.headers.get('allow'), 'GET, HEAD')
  const head = await get('/metrics', { method: 'HEAD' })
  t.ok(Number(head.headers.get('content-length')) > 1000)
  t.equal(await head.text(), '')

  await t.rejects(new MetricsServer({ ...options, port }).start(), {
    message: new RegExp(`127.0.0.1:${port} is in use by another program; set spec.metrics.port`),
  })
  const idle = connect(port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  idle.resume()
  const cut = new Promise((resolve) => idle.once('close', resolve))
  await server.close()
  await cut
  await server.close()
})
