import fc from 'fast-check'
import t from 'tap'
import { hostAllowed, hostOf, isLoopback } from '../../src/admin/address.ts'
import { TokenAuth } from '../../src/admin/auth.ts'
import { checkWeights } from '../../src/admin/weights.ts'
import { ManualClock } from '../support/manual-clock.ts'

const RUNS = { seed: 20261125, numRuns: 300 }

t.test('loopback', async (t) => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'localhost.',
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
  ]) {
    t.ok(isLoopback(host), host)
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '1127.0.0.1',
    '127.0.0.1.example.com',
    '127.evil.example',
    'localhost.evil',
    '',
  ]) {
    t.notOk(isLoopback(host), host)
  }
})

t.test('the host of an authority', async (t) => {
  t.equal(hostOf('Shop.example.com:80'), 'shop.example.com')
  t.equal(hostOf('[::1]:8081'), '::1')
  for (const bad of [
    '',
    'a b',
    'user@localhost',
    'localhost:x',
    'localhost:123456',
    '[::1',
    'localhost/',
    'a,b',
    'localhost\u0000',
  ]) {
    t.equal(hostOf(bad), undefined, JSON.stringify(bad))
  }
  t.notOk(hostAllowed(undefined, '127.0.0.1', true))
  t.notOk(hostAllowed('', '127.0.0.1', true))
})

t.test('weights in basis points that sum to 100 % are taken as they are', async () => {
  const cuts = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(cuts, (points) => {
      const edges = [0, ...points.sort((a, b) => a - b), 10_000]
      const names = edges.slice(1).map((_, i) => `v${i}`)
      const asked = Object.fromEntries(names.map((name, i) => [name, (edges[i + 1]! - edges[i]!) / 100]))
      const checked = checkWeights(asked, names)
      if (!checked.ok) throw new Error(checked.detail)
      t.same(checked.weights, asked)
    }),
    RUNS,
  )
})

t.test('any other numbers are refused and never throw', async (t) => {
  const asked = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.double(), { maxKeys: 3 })
  fc.assert(
    fc.property(asked, (weights) => {
      const checked = checkWeights(weights, ['a', 'b'])
      if (!checked.ok) return checked.detail.length > 0
      return Object.values(checked.weights).reduce((sum, weight) => sum + Math.round(weight * 100), 0) === 10_000
    }),
    RUNS,
  )
  t.pass()
})

t.test('the table of failed attempts is bounded and forgets', async (t) => {
  const clock = new ManualClock()
  const auth = new TokenAuth(() => [{ name: 'a', token: 'a-token-that-is-long', role: 'viewer' }], clock)
  const fail = (address: string) => auth.check('Bearer wrong', address)
  for (let i = 0; i < 10; i++) fail('192.0.2.1')
  t.match(fail('192.0.2.1'), { why: 'blocked' })
  for (let i = 0; i < 1024; i++) fail(`10.0.${i >> 8}.${i & 255}`)
  t.match(fail('192.0.2.1'), { why: 'wrong' }, 'the oldest is forgotten, never a crash')
  t.match(auth.check('bearer a-token-that-is-long', '10.0.0.1'), { ok: true, caller: { name: 'a' } })
  t.match(auth.check('Bearer  a-token-that-is-long', '10.0.0.1'), { ok: true })
  t.match(auth.check('Bearer a-token-that-is-long x', '10.0.0.9'), { why: 'wrong' })
  t.match(auth.check('Bearer', '10.0.0.9'), { why: 'wrong' })
})
