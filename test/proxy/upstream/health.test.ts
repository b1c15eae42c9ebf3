import t from 'tap'
import { createBlock, Endpoint, endpointAt } from '../../../src/metrics/index.ts'
import { HealthChecker, type HealthTarget } from '../../../src/proxy/upstream/health.ts'
import { Backend } from '../../support/backend.ts'
import { certificateFor } from '../../support/certificates.ts'
import { evilUpstream, type Script } from '../../support/evil-upstream.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { endpointOf, turns } from './upstream-fixture.ts'

const CHECK = { path: '/healthz', intervalMs: 5000, timeoutMs: 1000, healthy: 2, unhealthy: 3 }

function setup(origin: string, more: Partial<HealthTarget> = {}) {
  const clock = new CheckClock()
  const lines: { message: string; fields: object }[] = []
  const log = {
    info: (fields: object, message: string) => void lines.push({ message, fields }),
    warn: (fields: object, message: string) => void lines.push({ message, fields }),
  }
  const block = createBlock({ workers: 1, variants: 1, endpoints: 2 })
  const target: HealthTarget = {
    gate: 'default/shop',
    variant: 'stable',
    block,
    endpoint: endpointOf(origin, { slot: 1, name: 'shop:9001' }),
    host: 'shop.internal:9001',
    check: CHECK,
    tls: {},
    ...more,
  }
  const checker = new HealthChecker({ clock, random: () => 0.5, log })
  const unhealthy = (of = block) => of.words[endpointAt(of.layout, 1) + Endpoint.unhealthy]
  return { clock, lines, block, target, checker, unhealthy }
}

/** Knows how many checks have been judged: each arms the timer of the next one, which is longer than all others. */
class CheckClock extends ManualClock {
  scheduled = 0
  override after(ms: number, callback: () => void): () => void {
    if (ms > 2000) this.scheduled++
    return super.after(ms, callback)
  }
}

/** Moves the clock to the next check and waits until it has been judged. */
async function check(clock: CheckClock, ms: number): Promise<void> {
  const before = clock.scheduled
  clock.advance(ms)
  while (clock.scheduled === before) await turns()
}

t.test('falls after `unhealthy` failures, rises after `healthy` passes, and says so', async (t) => {
  let status = 503
  const heads: string[][] = []
  const backend = await Backend.start({
    handle: (request, response) => {
      heads.push([request.method!, request.url!, request.headers.host!])
      response.statusCode = status
      response.end()
      return true
    },
  })
  const { clock, lines, target, checker, unhealthy } = setup(backend.origin)
  checker.apply([target])
  checker.start()
  clock.advance(2400)
  await turns(10)
  t.equal(heads.length, 0, 'the first check comes within the first interval, not at once')
  await check(clock, 200)
  await check(clock, 5100)
  t.equal(unhealthy(), 0, 'two failures are not three')
  await check(clock, 5100)
  t.equal(unhealthy(), 1)
  t.same(heads[0], ['GET', '/healthz', 'shop.internal:9001'])
  t.match(lines, [{ message: 'endpoint is unhealthy', fields: { endpoint: 'shop:9001', problem: 'status 503' } }])
  await check(clock, 5100)
  t.equal(lines.length, 1, 'said once')

  status = 302
  await check(clock, 5100)
  t.equal(unhealthy(), 1, 'one pass is not two')
  status = 500
  await check(clock, 5100)
  status = 204
  await check(clock, 5100)
  t.equal(unhealthy(), 1, 'passes in a row')
  await check(clock, 5100)
  t.equal(unhealthy(), 0)
  t.equal(lines[1]?.message, 'endpoint is healthy again')
  t.equal(backend.connections, 1, 'over one connection')
  checker.close()
  t.equal(clock.pending, 0)
  await backend.close()
})

t.test('apply: what stays keeps its state, also when its memory moves; what goes is healthy', async (t) => {
  const backend = await Backend.start({ failureRate: 1 })
  const { clock, target, checker, unhealthy } = setup(backend.origin, { check: { ...CHECK, unhealthy: 1 } })
  checker.apply([target])
  checker.start()
  await check(clock, 2600)
  t.equal(unhealthy(), 1)
  checker.apply([{ ...target }])
  t.equal(unhealthy(), 1)
  const bigger = createBlock({ workers: 2, variants: 1, endpoints: 5 })
  checker.apply([{ ...target, block: bigger }])
  t.equal(unhealthy(bigger), 1)
  t.equal(clock.pending, 1, 'on the same schedule')
  checker.apply([])
  t.equal(unhealthy(bigger), 0)
  t.equal(clock.pending, 0)
  checker.close()
  checker.close()
  await backend.close()
})

t.test('every way to fail', async (t) => {
  const scripts: [string, Script, RegExp][] = [
    ['garbage', async (c) => void ((await c.request()) && (await c.send('SSH-2.0\r\n\r\n'))), /HTTP\/1.1 protocol/],
    ['reset', async (c) => void ((await c.request()) && c.reset()), /ECONNRESET|UND_ERR_SOCKET/],
  ]
  for (const [name, script, problem] of scripts) {
    const evil = await evilUpstream(script)
    const { clock, lines, target, checker, unhealthy } = setup(evil.origin, { check: { ...CHECK, unhealthy: 2 } })
    checker.apply([target])
    checker.start()
    await check(clock, 2600)
    await check(clock, 5100)
    t.equal(unhealthy(), 1, name)
    t.match((lines[0]!.fields as { problem: string }).problem, problem)
    checker.close()
    await evil.close()
  }

  await t.test('silence: the timeout decides', async (t) => {
    const evil = await evilUpstream(async (c) => void (await c.request()))
    const { clock, lines, target, checker, unhealthy } = setup(evil.origin, { check: { ...CHECK, unhealthy: 1 } })
    checker.apply([target])
    checker.start()
    clock.advance(2500)
    while (evil.connections.length === 0) await turns()
    await turns(10)
    clock.advance(990)
    t.equal(unhealthy(), 0)
    clock.advance(20)
    t.equal(unhealthy(), 1)
    t.match(lines[0]?.fields, { problem: 'no answer within 1000 ms' })
    checker.close()
    await evil.close()
  })

  await t.test('nobody there', async (t) => {
    const gone = await Backend.start()
    const { origin } = gone
    await gone.close()
    const { clock, lines, target, checker, unhealthy } = setup(origin, { check: { ...CHECK, unhealthy: 1 } })
    checker.apply([target])
    checker.start()
    await check(clock, 2600)
    t.equal(unhealthy(), 1)
    t.match(lines[0]?.fields, { problem: 'ECONNREFUSED' })
    checker.close()
  })
})

t.test('HTTPS: under the URL’s name, verified', async (t) => {
  const certificate = certificateFor('shop.internal')
  const backend = await Backend.start({ protocol: 'https', certificate })
  const endpoint = endpointOf(backend.origin, { slot: 1, serverName: 'shop.internal' })
  for (const [tls, expected] of [
    [{ caPem: certificate.caPem }, 0],
    [{}, 1],
    [{ caPem: certificate.caPem, serverName: 'other.internal' }, 1],
  ] as const) {
    const { clock, target, checker, unhealthy } = setup(backend.origin, {
      endpoint,
      tls,
      check: { ...CHECK, unhealthy: 1 },
    })
    checker.apply([target])
    checker.start()
    await check(clock, 2600)
    t.equal(unhealthy(), expected)
    checker.close()
  }
  t.equal(backend.requests, 1)
  await backend.close()
})
