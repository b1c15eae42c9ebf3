import fc from 'fast-check'
import t from 'tap'
import type { AccessEntry } from '../../../src/proxy/access-log/index.ts'
import { formatLine, MAX_LINE_BYTES } from '../../../src/proxy/access-log/line.ts'
import { entry } from './entry.ts'

t.test("the contract's keys, and nothing of the query", async (t) => {
  t.same(JSON.parse(formatLine(entry({ path: '/items/7?token=secret#x', wallMs: 1_700_000_000_123 }))), {
    '@timestamp': '2023-11-14T22:13:20.123Z',
    'event.duration': 1_500_000,
    'http.request.method': 'GET',
    'http.request.id': 'id-1',
    'http.request.bytes': 3,
    'http.response.status_code': 200,
    'http.response.bytes': 512,
    'url.domain': 'shop.example.com',
    'url.path': '/items/7',
    'client.ip': '10.1.2.3',
    'user_agent.original': 'curl/8',
    'trace.id': '0af7651916cd43dd8448eb211c80319c',
    'streamgate.gate': 'default/shop',
    'streamgate.variant': 'stable',
    'streamgate.variant_reason': 'weight',
    'streamgate.endpoint': '127.0.0.1:9001',
    'streamgate.upstream_ms': 1.2,
    'streamgate.attempts': 1,
    'streamgate.rescued': false,
    'streamgate.flags': ['retried'],
  })
})

t.test('what is not known is left out', async (t) => {
  const line = JSON.parse(formatLine(entry({ gate: undefined, variant: undefined, userAgent: undefined })))
  t.notOk('streamgate.gate' in line || 'streamgate.variant' in line || 'user_agent.original' in line)
})

t.test('whatever a client sends: one line of ASCII, valid JSON, bounded, the text as it was sent', async (t) => {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 60 }),
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
    fc
      .integer({ min: 200, max: 9000 })
      .chain((n) => fc.constantFrom('a'.repeat(n), '\u0001'.repeat(n), '"\\'.repeat(n))),
  )
  const hostile = fc.record({
    method: bytes,
    requestId: bytes,
    host: bytes,
    path: bytes,
    clientIp: bytes,
    userAgent: bytes,
    traceId: bytes,
    flags: fc.array(bytes, { maxLength: 20 }),
    durationUs: fc.constantFrom(0, -1, Number.NaN, 1e12),
  })
  const property = fc.property(hostile, (fields) => {
    const given: AccessEntry = entry(fields)
    const line = formatLine(given)
    if (line.length > MAX_LINE_BYTES) throw new Error(`${line.length} bytes`)
    if (!/^[ -~]*\n$/.test(line)) throw new Error(`not one line of ASCII: ${line}`)
    const read = JSON.parse(line)
    const path = given.path.split(/[?#]/)[0]!
    const found: string = read['url.path']
    if (path.length < 40 && found !== path && !found.endsWith('...')) throw new Error(`path ${found}`)
    if (!path.startsWith(found.replace(/\.\.\.$/, ''))) throw new Error(`path ${found}`)
  })
  t.doesNotThrow(() => fc.assert(property, { seed: 7, numRuns: 500 }))
})
