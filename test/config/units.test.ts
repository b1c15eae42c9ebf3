import fc from 'fast-check'
import t from 'tap'
import { isCidr, isLoopback } from '../../src/config/addresses.ts'
import { formatPath } from '../../src/config/errors.ts'
import { editDistance, suggest } from '../../src/config/suggest.ts'
import {
  DURATION,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  POSITIVE_DURATION,
  parseDuration,
  parseSize,
  SIZE,
  toBps,
  toPercent,
} from '../../src/config/units.ts'

const bounded = { seed: 7, numRuns: 500 }

t.test('durations', async (t) => {
  const table = { '0': 0, '0s': 0, '250ms': 250, '1.5s': 1500, '30s': 30_000, '5m': 300_000, '1h': 3_600_000 }
  for (const [text, ms] of Object.entries(table)) {
    t.match(text, new RegExp(DURATION))
    t.equal(parseDuration(text), ms, text)
  }
  for (const text of ['', '5', '-1s', '1d', '1 s', '1.s', '.5s', '1e3s', '1s ', '1S'])
    t.notMatch(text, new RegExp(DURATION))
})

t.test('a duration above 0 is one that is not 0', async (t) => {
  const number = fc.tuple(fc.nat(12), fc.option(fc.integer({ min: 0, max: 999 })), fc.constantFrom('s', 'm', 'h'))
  fc.assert(
    fc.property(number, ([whole, fraction, unit]) => {
      const text = `${whole}${fraction === null ? '' : `.${String(fraction).padStart(3, '0')}`}${unit}`
      return new RegExp(POSITIVE_DURATION).test(text) === parseDuration(text) > 0
    }),
    bounded,
  )
  for (const text of ['0ms', '0.4ms', '0', '00s']) t.notMatch(text, new RegExp(POSITIVE_DURATION), text)
  for (const text of ['1ms', '0010ms', '1.5ms']) t.match(text, new RegExp(POSITIVE_DURATION), text)
})

t.test('every duration and size survives being printed', async () => {
  const ms = fc.integer({ min: 0, max: MAX_DURATION_MS })
  fc.assert(
    fc.property(ms, (n) => parseDuration(formatDuration(n)) === n && new RegExp(DURATION).test(formatDuration(n))),
    bounded,
  )
  const size = fc.oneof(
    fc.nat(),
    fc.nat(4096).map((n) => n * 1024),
    fc.nat(4096).map((n) => n * 1024 ** 3),
  )
  fc.assert(
    fc.property(size, (n) => parseSize(formatSize(n)) === n && new RegExp(SIZE).test(String(formatSize(n)))),
    bounded,
  )
})

t.test('every percentage with two decimals is a whole number of basis points', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10_000 }),
      (bps) => toBps(toPercent(bps)) === bps && toBps(Number((bps / 100).toFixed(2))) === bps,
    ),
    bounded,
  )
})

t.test('what was meant', async (t) => {
  const keys = ['hosts', 'paths', 'variants', 'release', 'sticky']
  t.equal(suggest('hots', keys), 'hosts')
  t.equal(suggest('relaese', keys), 'release')
  t.equal(suggest('Variants', keys), 'variants')
  t.equal(suggest('varient', keys), 'variants')
  t.equal(suggest('zzz', keys), undefined)
  t.equal(suggest('b', ['a', 'c']), undefined)
  t.equal(editDistance('abcd', 'abdc'), 1)
  t.equal(editDistance('', 'abc'), 3)
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      return (
        distance === editDistance(b, a) && distance <= Math.max(a.length, b.length) && (distance === 0) === (a === b)
      )
    }),
    bounded,
  )
})

t.test('paths', async (t) => {
  t.equal(formatPath([]), '')
  t.equal(formatPath(['spec', 'variants', 0, 'weight']), 'spec.variants[0].weight')
  t.equal(formatPath(['metadata', 'labels', 'a.b/c']), 'metadata.labels["a.b/c"]')
})

t.test('addresses', async (t) => {
  for (const cidr of ['10.0.0.0/8', '0.0.0.0/0', '1.2.3.4/32', 'fd00::/8', '::/0', '::1/128', '::ffff:1.2.3.4/96'])
    t.ok(isCidr(cidr), cidr)
  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.0/33',
    '256.0.0.0/8',
    '::/129',
    'a/8',
    '1.2.3.4/8/8',
    '1.2.3.4/',
    ':::/8',
    '01.2.3.4/-1',
  ]) {
    t.notOk(isCidr(text), text)
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '128.0.0.1', 'localhost.example.com', '127.example.com'])
    t.notOk(isLoopback(host), host)
})
