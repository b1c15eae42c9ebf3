import fc from 'fast-check'
import t from 'tap'
import { type RequestHeaderContext, requestHeaders, requestIdOf } from '../../../src/proxy/headers/request.ts'
import { traceIdOf } from '../../../src/proxy/headers/trace.ts'
import { loops, MAX_VISITS } from '../../../src/proxy/headers/via.ts'

const CONTEXT: RequestHeaderContext = {
  httpVersion: '1.1',
  authority: 'shop.example.com',
  peerAddress: '192.0.2.7',
  clientAddress: '192.0.2.7',
  trusted: false,
  scheme: 'http',
  port: 8080,
  requestId: 'id-1',
  upgrade: '',
}
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const OURS = [
  ['X-Forwarded-For', '192.0.2.7'],
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-Host', 'shop.example.com'],
  ['X-Forwarded-Port', '8080'],
  ['X-Real-IP', '192.0.2.7'],
  ['X-Request-Id', 'id-1'],
  ['Via', '1.1 streamgate'],
].flat()

const rewrite = (raw: string[], over: Partial<RequestHeaderContext> = {}) =>
  requestHeaders(raw, { ...CONTEXT, ...over })
/** What is left of the client's own headers. */
const left = (raw: string[], over: Partial<RequestHeaderContext> = {}) => {
  const out = rewrite(raw, over)
  return out.slice(0, out.indexOf('X-Forwarded-For'))
}
const valuesOf = (list: string[], name: string) =>
  list.filter((_, i) => i % 2 === 1 && list[i - 1]!.toLowerCase() === name)

t.test('order, duplicates, names and bytes are kept; ours follow', async (t) => {
  const raw = [
    'Host',
    'shop.example.com',
    'aCCept',
    'a',
    'X-B',
    '\xe9 , "',
    'x-b',
    '',
    'Cookie',
    'a=1',
    'Cookie',
    'b=2',
  ]
  t.same(rewrite(raw), [...raw, ...OURS])
  t.same(raw.length, 12, 'the input is not changed')
})

t.test('what belongs to the connection is removed', async (t) => {
  const hop: [string, string][] = [
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'close'],
    ['Proxy-Authorization', 'Basic eDp5'],
    ['Proxy-Authenticate', 'Basic'],
    ['Transfer-Encoding', 'chunked'],
    ['Trailer', 'x-sum'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
    ['Expect', '100-continue'],
    ['TE', 'gzip'],
  ]
  for (const [name, value] of hop) {
    t.same(left(['A', '1', name, value, name.toLowerCase(), value!, 'B', '2']), ['A', '1', 'B', '2'], name)
    t.same(left(['A', '1', name.toUpperCase(), value]), ['A', '1'], name)
  }
})

t.test('TE: trailers alone is passed on', async (t) => {
  t.same(left(['te', 'trailers']), ['TE', 'trailers'])
  t.same(left(['TE', 'gzip;q=1, Trailers', 'TE', 'trailers']), ['TE', 'trailers'])
  t.same(left(['TE', 'xtrailers, trailersx']), [])
})

t.test('Connection removes what it names, wherever it stands', async (t) => {
  t.same(left(['X-Hop', '1', 'Connection', 'close, x-hop', 'x-HOP', '2', 'X-Other', '3']), ['X-Other', '3'])
  t.same(left(['Connection', 'x-a', 'X-A', '1', 'X-B', '2', 'Connection', ' , X-B ,']), [])
  t.same(left(['Connection', 'accept', 'Accept', '*/*']), [])
})

t.test('but never what the program relies on (CVE-2026-33805)', async (t) => {
  const kept = [
    ['Host', 'shop.example.com'],
    ['Content-Length', '5'],
    ['Content-Type', 'text/plain'],
    ['Authorization', 'Bearer x'],
    ['Cookie', 'a=1'],
  ].flat()
  const named = [
    'host, content-length, content-type, authorization, cookie, traceparent, tracestate, x-request-id, via, forwarded',
    'x-forwarded-for, x-forwarded-proto, x-forwarded-host, x-forwarded-port, x-real-ip, X-FORWARDED-ANYTHING',
  ]
  const raw = [...kept, 'Connection', named[0]!, 'Connection', named[1]!, 'traceparent', TRACE, 'tracestate', 'a=b']
  t.same(rewrite(raw), [...kept, 'traceparent', TRACE, 'tracestate', 'a=b', ...OURS])
})

t.test('an untrusted peer is not believed', async (t) => {
  const lies = [
    ['X-Forwarded-For', '1.1.1.1'],
    ['x-forwarded-proto', 'https'],
    ['X-FORWARDED-HOST', 'evil'],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Prefix', '/admin'],
    ['X-Forwarded-Client-Cert', 'By=x'],
    ['X-Real-IP', '1.1.1.1'],
    ['Forwarded', 'for=1.1.1.1'],
    ['X-Request-Id', 'theirs'],
    ['X-StreamGate-Variant', 'canary'],
    // Read as the names above where `_` is taken for `-`.
    ['X_Forwarded_For', '1.1.1.1'],
    ['x_forwarded-proto', 'https'],
    ['X-Real_IP', '1.1.1.1'],
    ['x_streamgate_variant', 'canary'],
    ['Content_Length', '7'],
    ['X_Forwarded_Whatever', '1'],
  ].flat()
  t.same(rewrite(['Host', 'shop.example.com', ...lies, 'x_own_name', '1']), [
    'Host',
    'shop.example.com',
    'x_own_name',
    '1',
    ...OURS,
  ])
})

t.test('from a trusted peer X-Forwarded-For is appended to and the others are kept', async (t) => {
  const raw = [
    ['X-Forwarded-For', '198.51.100.1'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'www.example.com'],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Prefix', '/x'],
    ['x-forwarded-for', '10.0.0.9'],
    ['X-Real-IP', '6.6.6.6'],
    ['X_Forwarded_For', '6.6.6.6'],
    ['X-Streamgate-Hop', '1'],
  ].flat()
  const out = rewrite(raw, { trusted: true, peerAddress: '10.0.0.1', clientAddress: '198.51.100.1' })
  t.same(valuesOf(out, 'x-forwarded-for'), ['198.51.100.1, 10.0.0.9, 10.0.0.1'])
  t.same(valuesOf(out, 'x-forwarded-proto'), ['https'])
  t.same(valuesOf(out, 'x-forwarded-host'), ['www.example.com'])
  t.same(valuesOf(out, 'x-forwarded-port'), ['443'])
  t.same(valuesOf(out, 'x-forwarded-prefix'), ['/x'])
  t.same(valuesOf(out, 'x-real-ip'), ['198.51.100.1'], 'derived, not copied')
  t.same(valuesOf(out, 'x_forwarded_for'), [])
  t.same(valuesOf(out, 'x-streamgate-hop'), ['1'])
  const bare = rewrite([], { trusted: true, scheme: 'https', port: 8443 })
  t.same(valuesOf(bare, 'x-forwarded-for'), ['192.0.2.7'])
  t.same(valuesOf(bare, 'x-forwarded-proto'), ['https'])
  t.same(valuesOf(bare, 'x-forwarded-port'), ['8443'])
  t.same(valuesOf(rewrite([], { peerAddress: '', clientAddress: '' }), 'x-forwarded-for'), [], 'a unix socket')
})

t.test('Forwarded is appended to for a trusted peer, never begun', async (t) => {
  const forwarded = (over: Partial<RequestHeaderContext>) =>
    valuesOf(rewrite(['Forwarded', 'for=198.51.100.1'], { trusted: true, ...over }), 'forwarded')
  t.same(forwarded({}), ['for=198.51.100.1, for=192.0.2.7;host="shop.example.com";proto=http'])
  t.same(forwarded({ peerAddress: '2001:db8::1', authority: 'a:81', scheme: 'https' }), [
    'for=198.51.100.1, for="[2001:db8::1]";host="a:81";proto=https',
  ])
  t.same(forwarded({ trusted: false }), [])
  t.same(valuesOf(rewrite([], { trusted: true }), 'forwarded'), [])
})

t.test('Host is what was routed on', async (t) => {
  t.same(left(['A', '1', 'hOst', 'other', 'B', '2'], { authority: 'abs.example:81' }), [
    'A',
    '1',
    'hOst',
    'abs.example:81',
    'B',
    '2',
  ])
  t.same(left(['A', '1'], { httpVersion: '1.0', authority: '' }), ['A', '1'])
})

t.test('HTTP/2: authority becomes Host, cookie crumbs are joined, pseudo-headers dropped', async (t) => {
  const raw = [':method', 'GET', ':authority', 'shop.example.com', 'cookie', 'a=1', 'accept', '*/*', 'cookie', 'b=2']
  const out = rewrite([...raw, 'te', 'trailers', 'host', 'shop.example.com'], { httpVersion: '2.0' })
  t.same(out.slice(0, 8), ['host', 'shop.example.com', 'cookie', 'a=1; b=2', 'accept', '*/*', 'TE', 'trailers'])
  t.same(valuesOf(out, 'via'), ['2 streamgate'])
})

t.test('an upgrade is sent on', async (t) => {
  const raw = ['Connection', 'Upgrade, x-hop', 'Upgrade', 'websocket', 'X-Hop', '1', 'Sec-WebSocket-Key', 'k']
  t.same(left(raw, { upgrade: 'websocket' }), [
    'Sec-WebSocket-Key',
    'k',
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
  ])
})

t.test('traceparent is passed on when valid, else dropped with its tracestate', async (t) => {
  const state = ['tracestate', 'a=1', 'TraceState', 'b=2']
  t.same(left([...state, 'Traceparent', TRACE]), ['Traceparent', TRACE, ...state])
  t.equal(traceIdOf(['TRACEPARENT', TRACE]), '4bf92f3577b34da6a3ce929d0e0e4736')
  const later = `cc${TRACE.slice(2)}-what`
  t.same(left(['traceparent', later]), ['traceparent', later], 'a later version may be longer')
  const invalid = [
    '',
    TRACE.toUpperCase(),
    `ff${TRACE.slice(2)}`,
    `${TRACE}-x`,
    `cc${TRACE.slice(2)}x`,
    TRACE.slice(0, -1),
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    TRACE.replaceAll('-', '_'),
    TRACE.replace('4b', '4g'),
  ]
  for (const value of invalid) {
    t.same(left(['traceparent', value, ...state]), [], value)
    t.equal(traceIdOf(['traceparent', value]), '')
  }
  t.same(left(['traceparent', TRACE, 'traceparent', TRACE, ...state]), [], 'two')
  t.equal(traceIdOf(['traceparent', TRACE, 'traceparent', TRACE]), '')
  t.same(left(state), [], 'no traceparent')
  t.same(left(['traceparent', TRACE, 'tracestate', 'x'.repeat(513)]), ['traceparent', TRACE])
})

t.test('the request id of a trusted peer is kept when it is sane', async (t) => {
  const idOf = (trusted: boolean, ...raw: string[]) => requestIdOf(raw, trusted, () => 'new')
  t.equal(idOf(true, 'X-Request-ID', 'abc-1'), 'abc-1')
  t.equal(idOf(true, 'x-request-id', 'x'.repeat(128)), 'x'.repeat(128))
  t.equal(idOf(false, 'X-Request-ID', 'abc-1'), 'new')
  for (const bad of ['', 'a b', 'a\tb', '\xe9', 'x'.repeat(129)]) t.equal(idOf(true, 'X-Request-ID', bad), 'new')
  t.equal(idOf(true, 'X-Request-ID', 'a', 'x-request-id', 'b'), 'new')
  t.equal(idOf(true, 'Host', 'a'), 'new')
})

t.test('Via is appended, and a request that goes in circles is noticed', async (t) => {
  t.same(valuesOf(rewrite(['Via', '1.1 cdn']), 'via'), ['1.1 cdn', '1.1 streamgate'])
  t.same(valuesOf(rewrite([], { httpVersion: '1.0' }), 'via'), ['1.0 streamgate'])
  let raw: string[] = ['Host', 'a']
  for (let visit = 0; visit < MAX_VISITS; visit++) {
    t.equal(loops(raw), false, `${visit} visits before`)
    raw = rewrite(raw)
  }
  t.equal(loops(raw), true)
  t.equal(loops(['via', Array(MAX_VISITS).fill('2 streamgate').join(', ')]), true)
  t.equal(loops(['via', Array(MAX_VISITS).fill('1.1 streamgate-two').join(',')]), false)
  t.equal(loops(['x', Array(MAX_VISITS).fill('1.1 streamgate').join(',')]), false)
})

t.test(
  'whatever an untrusted client sends, the program gets our words once and nothing of the connection',
  async (t) => {
    const special = [
      'Connection',
      'keep-alive',
      'Transfer-Encoding',
      'TE',
      'Upgrade',
      'X-Forwarded-For',
      'x_forwarded_for',
      'X-Forwarded-Foo',
      'X-Real-IP',
      'Forwarded',
      'X-StreamGate-Variant',
      'X-Request-Id',
      'Expect',
      'Accept',
      'X-Own',
    ]
    const casing = fc.constantFrom<(name: string) => string>(
      (name) => name,
      (name) => name.toLowerCase(),
      (name) => name.toUpperCase(),
      (name) => name.toLowerCase().replace(/[a-m]/g, (char) => char.toUpperCase()),
    )
    const name = fc.tuple(fc.constantFrom(...special), casing).map(([text, change]) => change(text))
    const value = fc.constantFrom('1', 'X-Own, x-forwarded-for', 'close, via, x-request-id, host', 'trailers', '')
    const ours = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-real-ip', 'via']
    const allowed = new Set([...ours, 'x-request-id', 'host', 'accept', 'x-own', 'te'])
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), (pairs) => {
        const out = rewrite(['Host', 'other', ...pairs.flat()])
        const names = out.filter((_, i) => i % 2 === 0).map((text) => text.toLowerCase())
        return (
          names.every((text) => allowed.has(text)) &&
          [...ours, 'x-request-id', 'host'].every((one) => names.filter((text) => text === one).length === 1) &&
          valuesOf(out, 'x-forwarded-for')[0] === '192.0.2.7' &&
          valuesOf(out, 'x-request-id')[0] === 'id-1' &&
          valuesOf(out, 'host')[0] === 'shop.example.com'
        )
      }),
      { seed: 9, numRuns: 2000 },
    )
    t.pass()
  },
)
