import fc from 'fast-check'
import t from 'tap'
import { errors } from 'undici'
import { CallError, classify } from '../../../src/proxy/upstream/failure.ts'
import { skipContinueIn } from '../../../src/proxy/upstream/skip-continue.ts'

const coded = (code: string): Error => Object.assign(new Error(code), { code })
const FRESH = { started: true, reused: false, answered: false }
const KEPT = { started: true, reused: true, answered: false }
const UNSENT = { started: false, reused: false, answered: false }

t.test('every error has one meaning', async (t) => {
  const table: [Error, typeof FRESH, string, boolean, boolean][] = [
    // error, progress -> kind, reused, unsent
    [coded('ECONNREFUSED'), UNSENT, 'connect', false, true],
    [coded('ENETUNREACH'), UNSENT, 'connect', false, true],
    [coded('ENOTFOUND'), UNSENT, 'connect', false, true],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), UNSENT, 'connect', false, true],
    [coded('ECONNRESET'), UNSENT, 'connect', false, true],
    [new errors.ClientDestroyedError(), UNSENT, 'connect', false, true],
    [new CallError('CONNECT_TIMEOUT', ''), UNSENT, 'timeout', false, true],
    [new errors.ConnectTimeoutError(), UNSENT, 'timeout', false, true],
    [coded('ETIMEDOUT'), UNSENT, 'timeout', false, true],
    [coded('ETIMEDOUT'), FRESH, 'timeout', false, false],
    [new CallError('RESPONSE_TIMEOUT', ''), KEPT, 'timeout', false, false],
    [new CallError('IDLE_TIMEOUT', ''), { ...FRESH, answered: true }, 'timeout', false, false],
    [new errors.SocketError('other side closed'), FRESH, 'reset', false, false],
    [new errors.SocketError('other side closed'), KEPT, 'reset', true, false],
    [coded('ECONNRESET'), KEPT, 'reset', true, false],
    [coded('EPIPE'), KEPT, 'reset', true, false],
    [coded('ECONNRESET'), { ...KEPT, answered: true }, 'reset', false, false],
    [coded('HPE_INVALID_CONSTANT'), KEPT, 'reset', false, false],
    [new errors.HeadersOverflowError(), KEPT, 'reset', false, false],
    [new errors.ResponseContentLengthMismatchError(), { ...KEPT, answered: true }, 'reset', false, false],
    [new Error('anything else'), KEPT, 'reset', false, false],
    [new CallError('ABORTED', ''), KEPT, 'aborted', false, false],
    [new CallError('ABORTED', ''), UNSENT, 'aborted', false, true],
    [new errors.RequestAbortedError(), FRESH, 'aborted', false, false],
    [new errors.RequestContentLengthMismatchError(), FRESH, 'aborted', false, false],
    [new errors.InvalidArgumentError('path'), UNSENT, 'aborted', false, true],
  ]
  for (const [error, progress, kind, reused, unsent] of table) {
    t.same(classify(error, progress), { kind, reused, unsent, cause: error }, `${error.name} ${error.message}`)
  }
})

t.test('100 Continue is found however the bytes are cut', async (t) => {
  const heads = fc.array(fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 100 C\r\nX-A: b\r\n\r\n'), {
    maxLength: 3,
  })
  const answers = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 103 Early\r\n\r\n',
    'HTTP/1.0 100',
    'garbage',
    '\r\n',
  )
  fc.assert(
    fc.property(heads, answers, fc.array(fc.nat(120), { maxLength: 8 }), (skipped, answer, cuts) => {
      const all = skipped.join('') + answer
      const at = [...new Set([0, ...cuts.filter((cut) => cut < all.length), all.length])].sort((a, b) => a - b)
      let held = Buffer.alloc(0)
      let passed = ''
      let waiting = true
      for (let i = 1; i < at.length; i++) {
        const piece = Buffer.from(all.slice(at[i - 1], at[i]), 'latin1')
        if (!waiting) {
          passed += piece.toString('latin1')
          continue
        }
        const result = skipContinueIn(Buffer.concat([held, piece]))
        held = Buffer.alloc(0)
        if (result === 'all') continue
        if ('hold' in result) held = Buffer.from(result.hold)
        else {
          passed += result.pass.toString('latin1')
          waiting = false
        }
      }
      return passed + held.toString('latin1') === answer
    }),
    { seed: 7, numRuns: 2000 },
  )
  t.match(skipContinueIn(Buffer.from(`HTTP/1.1 100 ${'x'.repeat(5000)}`)), { pass: Buffer }, 'but not for ever')
})
