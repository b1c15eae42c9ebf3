import fc from 'fast-check'
import t from 'tap'
import type { ErrorCode } from '../../../src/proxy/errors.ts'
import { type CheckedHead, checkHead, type RawHead } from '../../../src/proxy/request/check.ts'

const LIMITS = { maxHeaderBytes: 16_384, maxHeaders: 100, maxBodyBytes: 0 }
const HOST = ['Host', 'shop.example.com']

function head(over: Partial<RawHead> = {}): RawHead {
  return { method: 'GET', target: '/', rawHeaders: HOST, httpVersion: '1.1', limits: LIMITS, ...over }
}
const withFields = (...fields: string[]) => head({ rawHeaders: [...HOST, ...fields] })
const h2 = (over: Partial<RawHead> = {}) =>
  head({ httpVersion: '2.0', authority: 'shop.example.com', rawHeaders: [], ...over })

function passed(t: { fail(message: string): unknown }, raw: RawHead): CheckedHead {
  const result = checkHead(raw)
  if (!result.ok) t.fail(`refused: ${result.code}`)
  return result as CheckedHead
}

const REFUSED: [name: string, head: RawHead, code: ErrorCode][] = [
  // F1
  ['CL and TE', withFields('Content-Length', '5', 'Transfer-Encoding', 'chunked'), 'ambiguous-framing'],
  ['TE and CL', withFields('Transfer-Encoding', 'chunked', 'Content-Length', '5'), 'ambiguous-framing'],
  ['TE and CL 0', withFields('Transfer-Encoding', 'chunked', 'content-length', '0'), 'ambiguous-framing'],
  // F2
  ['TE unknown', withFields('Transfer-Encoding', 'xchunked'), 'bad-transfer-encoding'],
  ['TE chunked, identity', withFields('Transfer-Encoding', 'chunked, identity'), 'bad-transfer-encoding'],
  ['TE identity', withFields('Transfer-Encoding', 'identity'), 'bad-transfer-encoding'],
  ['TE gzip, chunked', withFields('Transfer-Encoding', 'gzip, chunked'), 'bad-transfer-encoding'],
  ['TE chunked, chunked', withFields('Transfer-Encoding', 'chunked, chunked'), 'bad-transfer-encoding'],
  ['TE twice', withFields('Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'), 'bad-transfer-encoding'],
  [
    'TE twice, other case',
    withFields('transfer-encoding', 'chunked', 'TRANSFER-ENCODING', 'x'),
    'bad-transfer-encoding',
  ],
  ['TE empty', withFields('Transfer-Encoding', ''), 'bad-transfer-encoding'],
  ['TE with parameter', withFields('Transfer-Encoding', 'chunked;q=1'), 'bad-transfer-encoding'],
  ['TE quoted', withFields('Transfer-Encoding', '"chunked"'), 'bad-transfer-encoding'],
  ['TE after a tab', withFields('Transfer-Encoding', '\tchunked'), 'bad-transfer-encoding'],
  [
    'TE in HTTP/1.0',
    head({ httpVersion: '1.0', rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked'] }),
    'ambiguous-framing',
  ],
  // F3
  ['CL twice', withFields('Content-Length', '5', 'Content-Length', '6'), 'bad-content-length'],
  ['CL twice, equal', withFields('Content-Length', '5', 'content-length', '5'), 'bad-content-length'],
  ['CL list', withFields('Content-Length', '5, 5'), 'bad-content-length'],
  ['CL +5', withFields('Content-Length', '+5'), 'bad-content-length'],
  ['CL -5', withFields('Content-Length', '-5'), 'bad-content-length'],
  ['CL 0x5', withFields('Content-Length', '0x5'), 'bad-content-length'],
  ['CL 5 5', withFields('Content-Length', '5 5'), 'bad-content-length'],
  ['CL 5.0', withFields('Content-Length', '5.0'), 'bad-content-length'],
  ['CL 1e3', withFields('Content-Length', '1e3'), 'bad-content-length'],
  ['CL 1_000', withFields('Content-Length', '1_000'), 'bad-content-length'],
  ['CL empty', withFields('Content-Length', ''), 'bad-content-length'],
  ['CL overflow', withFields('Content-Length', '99999999999999999999'), 'bad-content-length'],
  ['CL superscript', withFields('Content-Length', '\xb2'), 'bad-content-length'],
  // F4, F5, F6
  ['obs-fold', withFields('X-A', 'one\r\n two'), 'bad-header-value'],
  ['bare LF in a value', withFields('X-A', 'one\nTransfer-Encoding: chunked'), 'bad-header-value'],
  ['bare CR in a value', withFields('X-A', 'one\rtwo'), 'bad-header-value'],
  ['NUL in a value', withFields('X-A', 'one\0two'), 'bad-header-value'],
  ['DEL in a value', withFields('X-A', 'one\x7f'), 'bad-header-value'],
  ['beyond latin1', withFields('X-A', 'one\u010a'), 'bad-header-value'],
  ['space before the colon', withFields('Content-Length ', '5'), 'bad-header-name'],
  ['leading space', withFields(' Content-Length', '5'), 'bad-header-name'],
  ['colon in a name', withFields('X:A', '5'), 'bad-header-name'],
  ['CRLF in a name', withFields('X-A\r\nX-B', '5'), 'bad-header-name'],
  ['empty name', withFields('', '5'), 'bad-header-name'],
  ['NUL in a name', withFields('Content-Length\0', '5'), 'bad-header-name'],
  ['obs-text in a name', withFields('X-\xe9', '5'), 'bad-header-name'],
  ['lookalike beyond latin1', withFields('\u212aeep', '5'), 'bad-header-name'],
  ['a pseudo-header in HTTP/1', withFields(':authority', 'evil'), 'bad-header-name'],
  // F11
  ['no Host', head({ rawHeaders: [] }), 'bad-host'],
  ['two Hosts', withFields('host', 'evil.example'), 'bad-host'],
  ['two Hosts in HTTP/1.0', head({ httpVersion: '1.0', rawHeaders: [...HOST, ...HOST] }), 'bad-host'],
  // F12
  ['CONNECT', head({ method: 'CONNECT', target: 'shop.example.com:443' }), 'method-not-allowed'],
  ['TRACE', head({ method: 'TRACE' }), 'method-not-allowed'],
  ['trace', head({ method: 'trace' }), 'method-not-allowed'],
  ['GET *', head({ target: '*' }), 'bad-target'],
  ['authority-form', head({ target: 'shop.example.com:80' }), 'bad-target'],
  ['relative', head({ target: 'index.html' }), 'bad-target'],
  ['empty target', head({ target: '' }), 'bad-target'],
  ['other scheme', head({ target: 'ftp://shop.example.com/' }), 'bad-target'],
  ['absolute without authority', head({ target: 'http:///x' }), 'bad-target'],
  ['absolute with user information', head({ target: 'http://shop.example.com@evil/x' }), 'bad-host'],
  [
    'absolute with a bad Host beside it',
    head({ target: 'http://a.example/', rawHeaders: ['Host', 'a b'] }),
    'bad-host',
  ],
  ['absolute without Host', head({ target: 'http://a.example/', rawHeaders: [] }), 'bad-host'],
  // F13
  ['space in the target', head({ target: '/a b' }), 'bad-target'],
  ['CRLF in the target', head({ target: '/a\r\nX: y' }), 'bad-target'],
  ['NUL in the target', head({ target: '/a\0' }), 'bad-target'],
  ['fragment', head({ target: '/a#b' }), 'bad-target'],
  ['climbing', head({ target: '/a/../b' }), 'unsafe-path'],
  ['climbing at the end', head({ target: '/a/..' }), 'unsafe-path'],
  ['climbing out', head({ target: '/../etc/passwd' }), 'unsafe-path'],
  ['climbing, escaped dots', head({ target: '/a/%2e%2e/b' }), 'unsafe-path'],
  ['climbing, half escaped', head({ target: '/a/.%2E/b' }), 'unsafe-path'],
  ['climbing, escaped slash', head({ target: '/a/..%2fb' }), 'unsafe-path'],
  ['climbing, all escaped', head({ target: '/a%2F%2e%2e%2Fb' }), 'unsafe-path'],
  ['climbing by backslash', head({ target: '/a/..\\b' }), 'unsafe-path'],
  ['climbing by escaped backslash', head({ target: '/a%5c..%5cb' }), 'unsafe-path'],
  ['climbing with a parameter', head({ target: '/a/..;/b' }), 'unsafe-path'],
  ['climbing with an escaped parameter', head({ target: '/a/%2e.;x=1/b' }), 'unsafe-path'],
  ['escaped NUL', head({ target: '/a%00.html' }), 'unsafe-path'],
  // F15
  ['HTTP/0.9', head({ httpVersion: '0.9' }), 'http-version'],
  ['HTTP/1.2', head({ httpVersion: '1.2' }), 'http-version'],
  ['HTTP/3', head({ httpVersion: '3.0' }), 'http-version'],
  // F17 and limits
  ['too many headers', head({ rawHeaders: [...HOST, ...Array(200).fill('a')] }), 'too-many-headers'],
  ['head too large', withFields('X-A', 'a'.repeat(16_384)), 'head-too-large'],
  ['target too long', head({ target: `/${'a'.repeat(16_384)}` }), 'uri-too-long'],
  [
    'body too large',
    { ...withFields('Content-Length', '1001'), limits: { ...LIMITS, maxBodyBytes: 1000 } },
    'body-too-large',
  ],
  ['bad method', head({ method: 'GE T' }), 'bad-method'],
  ['empty method', head({ method: '' }), 'bad-method'],
  ['long method', head({ method: 'G'.repeat(33) }), 'bad-method'],
  ['unknown Expect', withFields('Expect', '200-ok'), 'expectation-failed'],
  ['Expect list', withFields('Expect', '100-continue, x'), 'expectation-failed'],
  // F20
  ['HTTP/2 Connection', h2({ rawHeaders: ['connection', 'close'] }), 'connection-header'],
  ['HTTP/2 Keep-Alive', h2({ rawHeaders: ['keep-alive', '5'] }), 'connection-header'],
  ['HTTP/2 Proxy-Connection', h2({ rawHeaders: ['proxy-connection', 'close'] }), 'connection-header'],
  ['HTTP/2 Transfer-Encoding', h2({ rawHeaders: ['transfer-encoding', 'chunked'] }), 'connection-header'],
  ['HTTP/2 Upgrade', h2({ rawHeaders: ['upgrade', 'h2c'] }), 'connection-header'],
  ['HTTP/2 TE gzip', h2({ rawHeaders: ['te', 'gzip'] }), 'connection-header'],
  ['HTTP/2 CRLF in a value', h2({ rawHeaders: ['x', 'a\r\nb: c'] }), 'bad-header-value'],
  ['HTTP/2 upper-case name', h2({ rawHeaders: ['X-A', 'b'] }), 'bad-header-name'],
  ['HTTP/2 absolute-form', h2({ target: 'http://a.example/' }), 'bad-target'],
  ['HTTP/2 without authority', h2({ authority: undefined }), 'bad-host'],
  ['HTTP/2 authority against Host', h2({ rawHeaders: ['host', 'evil.example'] }), 'bad-host'],
  ['HTTP/2 authority with user information', h2({ authority: 'a@shop.example.com' }), 'bad-host'],
]

t.test('heads that must be refused', async (t) => {
  for (const [name, raw, code] of REFUSED) t.same(checkHead(raw), { ok: false, code }, name)
})

t.test('a plain request', async (t) => {
  t.same(checkHead(head({ target: '/a/b?c=/../%2e' })), {
    ok: true,
    httpVersion: '1.1',
    host: 'shop.example.com',
    authority: 'shop.example.com',
    path: '/a/b?c=/../%2e',
    routePath: '/a/b',
    loosePath: '/a/b',
    contentLength: -1,
    chunked: false,
    expectContinue: false,
    upgrade: '',
  })
})

t.test('framing that passes', async (t) => {
  t.equal(passed(t, withFields('content-length', '0012')).contentLength, 12)
  t.equal(passed(t, withFields('content-length', '0')).contentLength, 0)
  t.equal(passed(t, withFields('Transfer-Encoding', 'Chunked')).chunked, true)
  t.equal(passed(t, withFields('Expect', '100-Continue')).expectContinue, true)
  const http10 = head({ httpVersion: '1.0', rawHeaders: [...HOST, 'Expect', '100-continue'] })
  t.equal(passed(t, http10).expectContinue, false, 'HTTP/1.0 has no 100')
  t.equal(passed(t, withFields('X-Text', 'caf\xe9\t!')).ok, true, 'obs-text and tab pass')
  t.equal(passed(t, withFields('__proto__', 'x', 'constructor', 'y')).ok, true)
  const body = { ...withFields('Content-Length', '1000'), limits: { ...LIMITS, maxBodyBytes: 1000 } }
  t.equal(passed(t, body).contentLength, 1000)
})

t.test('limits of 0 are off, and a limit is reached only beyond it', async (t) => {
  const none = { maxHeaderBytes: 0, maxHeaders: 0, maxBodyBytes: 0 }
  const many = [...HOST, ...Array(2000).fill('a')]
  t.ok(checkHead({ ...head({ rawHeaders: many, target: `/${'a'.repeat(100_000)}` }), limits: none }).ok)
  t.ok(checkHead(head({ rawHeaders: [...HOST, ...Array(198).fill('a')] })).ok, '100 headers')
})

t.test('the host, as routes match it', async (t) => {
  const valid: [string, string][] = [
    ['Shop.Example.COM', 'shop.example.com'],
    ['shop.example.com:8080', 'shop.example.com'],
    ['shop.example.com:', 'shop.example.com'],
    ['shop.example.com.', 'shop.example.com'],
    ['shop.example.com.:80', 'shop.example.com'],
    ['my_service', 'my_service'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['[::ffff:10.0.0.1]', '[::ffff:10.0.0.1]'],
  ]
  for (const [value, host] of valid) {
    const result = passed(t, head({ rawHeaders: ['host', value] }))
    t.equal(result.host, host, value)
    t.equal(result.authority, value, 'forwarded as it came')
  }
  const invalid = [
    '',
    '.',
    ':80',
    '.example.com',
    'a..b',
    'a.example.com..',
    'a b',
    'a,b',
    'a/b',
    'a?b',
    'a@b',
    'a%2eb',
    'caf\xe9.example',
    'a:80:80',
    'a:8o',
    'a:-1',
    'a:65536',
    '::1',
    '[::1',
    '[]',
    '[1.2.3.4]',
    '[::1]x',
    '[::1]:x',
    '[fe80::1%25eth0]',
    '[::1::]',
    '[1:2:3:4:5:6:7:8:9]',
    '"a"',
    'a\tb',
    'a.'.repeat(128),
  ]
  for (const value of invalid) {
    const result = checkHead(head({ rawHeaders: ['Host', value] }))
    t.equal(result.ok, false, JSON.stringify(value))
  }
})

t.test('absolute-form replaces Host', async (t) => {
  const result = passed(t, head({ target: 'HTTP://Other.example:81/x?y' }))
  t.match(result, { host: 'other.example', authority: 'Other.example:81', path: '/x?y', routePath: '/x' })
  t.equal(passed(t, head({ target: 'http://other.example' })).path, '/')
  t.equal(passed(t, head({ target: 'http://other.example?a=1' })).path, '/?a=1')
  t.equal(passed(t, head({ target: 'https://other.example//x' })).path, '//x')
  t.equal(passed(t, head({ method: 'OPTIONS', target: 'http://other.example' })).path, '*')
})

t.test('OPTIONS *', async (t) => {
  t.match(passed(t, head({ method: 'OPTIONS', target: '*' })), { path: '*', routePath: '/', loosePath: '/' })
  t.match(passed(t, h2({ method: 'OPTIONS', target: '*' })), { path: '*' })
})

t.test('HTTP/1.0 may come without Host', async (t) => {
  t.match(passed(t, head({ httpVersion: '1.0', rawHeaders: [] })), { host: undefined, authority: '' })
})

t.test('HTTP/2', async (t) => {
  t.match(passed(t, h2({ rawHeaders: ['te', 'trailers'] })), {
    host: 'shop.example.com',
    authority: 'shop.example.com',
  })
  t.equal(
    passed(t, h2({ authority: undefined, rawHeaders: HOST.map((x) => x.toLowerCase()) })).host,
    'shop.example.com',
  )
  t.equal(passed(t, h2({ rawHeaders: ['host', 'SHOP.example.com'] })).host, 'shop.example.com')
  const pseudo = [':method', 'GET', ':path', '/', ':authority', 'a.example', 'accept', '*/*']
  t.equal(passed(t, h2({ authority: undefined, rawHeaders: pseudo })).host, 'a.example')
})

t.test('upgrades', async (t) => {
  const ask = (...fields: string[]) => passed(t, withFields(...fields)).upgrade
  t.equal(ask('Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket'), 'WebSocket')
  t.equal(ask('Connection', 'close', 'connection', 'upgrade', 'Upgrade', 'websocket'), 'websocket')
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Content-Length', '0'), 'websocket')
  const none = 'served without the upgrade'
  t.equal(ask('Upgrade', 'websocket'), '', none)
  t.equal(ask('Connection', 'upgraded', 'Upgrade', 'websocket'), '', none)
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'h2c'), '', none)
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'websocket, H2C'), '', none)
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Upgrade', 'h2c'), '', none)
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Content-Length', '5'), '', none)
  t.equal(ask('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Transfer-Encoding', 'chunked'), '', none)
  const post = { ...withFields('Connection', 'Upgrade', 'Upgrade', 'websocket'), method: 'POST' }
  t.equal(passed(t, post).upgrade, '', none)
  const old = { ...withFields('Connection', 'Upgrade', 'Upgrade', 'websocket'), httpVersion: '1.0' }
  t.equal(passed(t, old).upgrade, '', none)
})

t.test('any latin1 garbage gets an answer, and what passes has no byte that splits a message', async (t) => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const text = fc.string({ unit: byte, maxLength: 12 })
  const name = fc.oneof(
    text,
    fc.constantFrom('Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Upgrade', 'Expect', 'TE', ':path'),
  )
  const value = fc.oneof(text, fc.constantFrom('chunked', '5', 'a.example', '100-continue', 'trailers', 'upgrade'))
  const heads = fc.record({
    method: fc.oneof(fc.constantFrom('GET', 'POST', 'OPTIONS'), text),
    target: fc.oneof(
      text.map((rest) => `/${rest}`),
      text,
    ),
    rawHeaders: fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => pairs.flat()),
    httpVersion: fc.constantFrom('1.0', '1.1', '2.0'),
    authority: fc.constantFrom(undefined, 'a.example'),
    limits: fc.constant(LIMITS),
  })
  let some = 0
  fc.assert(
    fc.property(heads, (raw) => {
      const result = checkHead(raw)
      if (!result.ok) return true
      some++
      const lengths = raw.rawHeaders.filter((n, i) => i % 2 === 0 && n.toLowerCase() === 'content-length').length
      return (
        !/[\0-\x20\x7f#]/.test(result.path) &&
        !/[^\w.:[\]-]/.test(result.authority) &&
        !/(^|\/)\.\.(\/|$)/.test(result.loosePath) &&
        lengths <= 1 &&
        !(result.chunked && result.contentLength >= 0)
      )
    }),
    { seed: 1, numRuns: 3000 },
  )
  t.ok(some > 50, `${some} passed`)
})
