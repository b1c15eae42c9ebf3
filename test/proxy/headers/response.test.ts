import t from 'tap'
import { responseFraming, validStatus } from '../../../src/proxy/headers/framing.ts'
import { type ResponseHeaderContext, responseHeaders } from '../../../src/proxy/headers/response.ts'

const CONTEXT: ResponseHeaderContext = {
  httpVersion: '1.1',
  status: 200,
  framing: 'length',
  requestId: 'id-1',
  setCookie: '',
  upgrade: false,
}
const OURS = ['X-Request-Id', 'id-1', 'Via', '1.1 streamgate']
const rewrite = (raw: string[], over: Partial<ResponseHeaderContext> = {}) =>
  responseHeaders(raw, { ...CONTEXT, ...over })

t.test('order, duplicates, names and bytes are kept', async (t) => {
  const raw = [
    ['Date', 'x'],
    ['Server', 'y'],
    ['SET-cookie', 'a=1; Expires=Wed, 21 Oct 2026'],
    ['Content-Length', '5'],
    ['Set-Cookie', 'b=2'],
    ['WWW-Authenticate', 'Basic'],
    ['WWW-Authenticate', 'Bearer'],
    ['X-Obs', '\xe9\x01\x7f'],
    ['Via', '1.0 inner'],
    ['X-Forwarded-Thing', 'the program says so'],
  ].flat()
  t.same(rewrite(raw), [...raw, ...OURS])
})

t.test('what belongs to the connection, and what only the proxy says, is removed', async (t) => {
  const gone = [
    ['Connection', 'close, X-Hop'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'close'],
    ['Proxy-Authenticate', 'Basic'],
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['TE', 'x'],
    ['Alt-Svc', 'h3=":443"'],
    ['X-Request-ID', 'theirs'],
    ['X-StreamGate-Reason', 'overflow'],
    ['x-hop', '1'],
  ].flat()
  t.same(rewrite(['A', '1', ...gone, 'B', '2']), ['A', '1', 'B', '2', ...OURS])
  const kept = ['Set-Cookie', 'a=1', 'Content-Length', '5', 'Content-Type', 'x', 'Cache-Control', 'no-store']
  t.same(rewrite(['Connection', 'set-cookie, content-length, content-type, cache-control', ...kept]), [
    ...kept,
    ...OURS,
  ])
})

t.test('bytes that would split the answer make it invalid', async (t) => {
  for (const value of ['a\r\nb', 'a\nb', 'a\rb', 'a\0b', '\u010a']) t.equal(rewrite(['A', value]), undefined)
  for (const name of ['', 'a b', 'a:', 'a\r\nb', '\xe9', 'a\0']) t.equal(rewrite([name, 'x']), undefined)
  t.equal(rewrite(['Connection', 'a\0']), undefined, 'even in what would be removed')
})

t.test('HTTP/2: lower-case names, no pseudo-headers', async (t) => {
  t.same(rewrite([':status', '200', 'X-A', 'B', 'Connection', 'close'], { httpVersion: '2.0', setCookie: 'c=1' }), [
    'x-a',
    'B',
    'set-cookie',
    'c=1',
    'x-request-id',
    'id-1',
    'via',
    '1.1 streamgate',
  ])
})

t.test('the sticky cookie is added beside the others', async (t) => {
  t.same(rewrite(['Set-Cookie', 'a=1'], { setCookie: 'sg_bucket=7' }), [
    'Set-Cookie',
    'a=1',
    'Set-Cookie',
    'sg_bucket=7',
    ...OURS,
  ])
})

t.test('Content-Length goes where the framing has none', async (t) => {
  const length = ['Content-Length', '5']
  t.same(rewrite(length, { framing: 'chunked' }), OURS)
  t.same(rewrite(length, { framing: 'close' }), OURS)
  t.same(rewrite(length, { framing: 'none', status: 204 }), OURS)
  t.same(rewrite(length, { framing: 'none', status: 101, upgrade: true }), OURS)
  t.same(rewrite(length, { framing: 'none', status: 304 }), [...length, ...OURS])
  t.same(rewrite(length, { framing: 'none', status: 200 }), [...length, ...OURS], 'HEAD')
})

t.test('Trailer is announced where trailers can follow', async (t) => {
  const trailer = ['Trailer', 'grpc-status']
  t.same(rewrite(trailer, { framing: 'chunked' }), [...trailer, ...OURS])
  for (const framing of ['none', 'length', 'close'] as const) t.same(rewrite(trailer, { framing }), OURS, framing)
})

t.test('a switch of protocols is passed on', async (t) => {
  const raw = ['Upgrade', 'websocket', 'Connection', 'upgrade', 'Sec-WebSocket-Accept', 'x']
  t.same(rewrite(raw, { status: 101, framing: 'none', upgrade: true }), [
    'Sec-WebSocket-Accept',
    'x',
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
    ...OURS,
  ])
})

t.test('framing of answers', async (t) => {
  const length = ['Content-Length', '5']
  const chunked = ['transfer-encoding', 'Chunked']
  const table: [method: string, status: number, raw: string[], v11: string | undefined, v10: string | undefined][] = [
    ['GET', 200, length, 'length', 'length'],
    ['GET', 200, ['content-length', '0'], 'length', 'length'],
    ['GET', 200, [], 'chunked', 'close'],
    ['GET', 200, chunked, 'chunked', 'close'],
    ['GET', 200, [...length, ...chunked], 'chunked', 'close'],
    ['HEAD', 200, length, 'none', 'none'],
    ['HEAD', 200, [], 'none', 'none'],
    ['HEAD', 200, chunked, 'none', 'none'],
    ['GET', 204, [], 'none', 'none'],
    ['GET', 204, length, 'none', 'none'],
    ['GET', 304, length, 'none', 'none'],
    ['GET', 101, [], 'none', 'none'],
    ['POST', 500, length, 'length', 'length'],
    ['GET', 200, [...length, ...length], undefined, undefined],
    ['GET', 200, [...length, 'content-length', '6'], undefined, undefined],
    ['GET', 200, ['Content-Length', '5, 5'], undefined, undefined],
    ['GET', 200, ['Content-Length', '-1'], undefined, undefined],
    ['GET', 200, ['Content-Length', ''], undefined, undefined],
    ['HEAD', 200, ['Content-Length', 'x'], undefined, undefined],
    ['GET', 200, ['Transfer-Encoding', 'gzip, chunked'], undefined, undefined],
    ['GET', 200, ['Transfer-Encoding', 'identity'], undefined, undefined],
    ['GET', 200, [...chunked, ...chunked], undefined, undefined],
  ]
  for (const [method, status, raw, v11, v10] of table) {
    const name = `${method} ${status} ${raw.join(' ')}`
    t.equal(responseFraming(method, status, raw, '1.1'), v11, name)
    t.equal(responseFraming(method, status, raw, '1.0'), v10, name)
    t.equal(responseFraming(method, status, raw, '2.0'), v11, name)
  }
})

t.test('statuses that may be given to a client', async (t) => {
  for (const status of [101, 200, 204, 299, 304, 404, 451, 500, 599]) t.ok(validStatus(status), String(status))
  for (const status of [0, 99, 100, 103, 199, 600, 888, 999, 1000, -200, 200.5, Number.NaN]) {
    t.notOk(validStatus(status), String(status))
  }
})
