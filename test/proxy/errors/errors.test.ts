import t from 'tap'
import { FAILURE_KINDS } from '../../../src/metrics/index.ts'
import { ERRORS, type ErrorCode, errorSpec, ProxyError } from '../../../src/proxy/errors.ts'
import { problemOf } from '../../../src/proxy/problem.ts'

const codes = Object.keys(ERRORS) as ErrorCode[]

t.test('every row of the table is sound', async (t) => {
  for (const code of codes) {
    const { status, source, retry, kind, flag, title } = errorSpec(code)
    t.match(code, /^[a-z]+(-[a-z]+)*$/, `${code} is kebab case`)
    t.ok(status >= 400 && status <= 599, `${code} has an error status`)
    t.equal(status < 500 || status === 505 || status === 508, source === 'downstream', `${code}: 4xx are the client's`)
    t.equal(kind !== undefined, source === 'upstream', `${code}: only upstream failures count against a variant`)
    if (kind !== undefined) t.ok((FAILURE_KINDS as readonly string[]).includes(kind))
    if (source !== 'upstream') t.equal(retry, 'never', `${code} is not repeated`)
    t.match(flag, /^[A-Z]{2,3}$/)
    t.ok(title.length > 0)
  }
})

t.test('only what cannot have reached a program is always repeated', async (t) => {
  t.same(
    codes.filter((code) => errorSpec(code).retry === 'always'),
    ['connect-failed', 'connect-timeout'],
  )
  t.same(
    codes.filter((code) => errorSpec(code).retry === 'reused-only'),
    ['upstream-reset'],
  )
})

t.test('statuses of the contract', async (t) => {
  const expected: Partial<Record<ErrorCode, number>> = {
    'no-route': 404,
    'no-endpoint': 503,
    overflow: 503,
    'connect-failed': 502,
    'upstream-reset': 502,
    'upstream-protocol': 502,
    'response-timeout': 504,
    'connect-timeout': 504,
    'body-too-large': 413,
    'head-too-large': 431,
    'too-many-headers': 431,
    'uri-too-long': 414,
    'bad-host': 400,
    'method-not-allowed': 405,
    'http-version': 505,
    'expectation-failed': 417,
    'header-timeout': 408,
    'loop-detected': 508,
    'client-abort': 499,
    internal: 500,
  }
  for (const [code, status] of Object.entries(expected)) t.equal(errorSpec(code as ErrorCode).status, status, code)
})

t.test('problem documents are constant RFC 9457 objects that say nothing of the inside', async (t) => {
  for (const code of codes) {
    const problem = problemOf(code)
    t.equal(problemOf(code), problem, 'the same object each time')
    t.same(JSON.parse(problem.body), {
      type: `https://streamgate.dev/problems/${code}`,
      title: errorSpec(code).title,
      status: errorSpec(code).status,
    })
    const headers = new Map<string, string>()
    for (let i = 0; i < problem.headers.length; i += 2) headers.set(problem.headers[i]!, problem.headers[i + 1]!)
    t.equal(headers.get('content-type'), 'application/problem+json')
    t.equal(headers.get('content-length'), String(Buffer.byteLength(problem.body)))
    t.equal(headers.get('x-streamgate-reason'), code)
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(headers.has('allow'), code === 'method-not-allowed', 'RFC 9110, 15.5.6')
    t.throws(() => (problem.headers as string[]).push('x', 'y'), 'shared, so frozen')
  }
})

t.test('a ProxyError knows its row and keeps its cause', async (t) => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.7:80')
  const error = new ProxyError('connect-failed', cause)
  t.equal(error.code, 'connect-failed')
  t.equal(error.spec, ERRORS['connect-failed'])
  t.equal(error.cause, cause)
  t.notMatch(error.message, /10\.0\.0\.7/)
  t.notOk('cause' in new ProxyError('internal'))
})
