import fc from 'fast-check'
import t from 'tap'
import { signer } from '../../../src/proxy/signature.ts'
import { bucketAt, bucketOfKey, positionOf } from '../../../src/proxy/split/bucket.ts'
import { cookieValue } from '../../../src/proxy/split/cookie.ts'
import { startOf, variantAt } from '../../../src/proxy/split/ranges.ts'
import { bucketOfCookie, stickyCookie } from '../../../src/proxy/split/sticky.ts'

t.test('positions are a permutation of the buckets under every salt, and bucketAt undoes it', async (t) => {
  for (const salt of [0, 1, -1, 12345, 0x7fffffff]) {
    const seen = new Uint8Array(10_000)
    for (let bucket = 0; bucket < 10_000; bucket++) {
      const position = positionOf(bucket, salt)
      seen[position] = 1
      if (bucketAt(position, salt) !== bucket) t.fail(`salt ${salt}, bucket ${bucket}`)
    }
    t.equal(
      seen.reduce((sum, one) => sum + one, 0),
      10_000,
      `salt ${salt}`,
    )
  }
})

t.test('another salt puts other users first', async (t) => {
  // Of the first 1,000 positions 100 are expected in common with another salt's; hypergeometric, sd 9.
  for (let salt = 1; salt <= 20; salt++) {
    let common = 0
    for (let position = 0; position < 1000; position++) if (positionOf(bucketAt(position, 0), salt) < 1000) common++
    t.ok(common > 60 && common < 140, `salt ${salt}: ${common}`)
  }
})

t.test('keys spread evenly over the buckets, neighbours too', async (t) => {
  for (const key of [(i: number) => `10.0.${i >> 8}.${i & 255}`, (i: number) => `user-${i}`, String]) {
    const counts: number[] = Array(100).fill(0)
    for (let i = 0; i < 20_000; i++) counts[Math.floor(bucketOfKey(key(i)) / 100)]!++
    const statistic = counts.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0)
    // 99.99 % of chi-square with 99 degrees of freedom.
    t.ok(statistic < 161, statistic.toFixed(1))
  }
  t.equal(bucketOfKey('a'), bucketOfKey('a'))
})

t.test('raising the weight only adds users, 0 frees all, and shares are exact over the buckets', async (t) => {
  let before = new Set<number>()
  for (const weight of [0, 1, 500, 2500, 5000, 9999, 10_000]) {
    const now = new Set<number>()
    for (let bucket = 0; bucket < 10_000; bucket++) {
      if (variantAt(positionOf(bucket, 99), [10_000 - weight, weight], 0, 2, 1, 0) === 1) now.add(bucket)
    }
    t.equal(now.size, weight)
    t.ok([...before].every((bucket) => now.has(bucket)))
    before = now
  }
})

t.test('ranges of several variants', async (t) => {
  const splits = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 3, maxLength: 3 }),
    fc.integer({ min: -1, max: 3 }),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 9999 }),
  )
  fc.assert(
    fc.property(splits, ([points, candidate, rest, position]) => {
      if (candidate === rest) return true
      const edges = [0, ...points.sort((a, b) => a - b), 10_000]
      const weights = [99, ...edges.slice(1).map((edge, i) => edge - edges[i]!)]
      const variant = variantAt(position, weights, 1, 4, candidate, rest)
      const start = startOf(variant, weights, 1, 4, candidate, rest)
      return position >= start && position < start + weights[1 + variant]!
    }),
    { seed: 6, numRuns: 2000 },
  )
  t.pass('each position lies in the range of its variant, so none of weight 0 gets one')
})

t.test('cookies are found without being cut up', async (t) => {
  const raw = ['Host', 'a', 'COOKIE', 'a=1;  sg=2 ; b="3"; sgx=4;empty=', 'cookie', 'c=5; a=6']
  t.equal(cookieValue(raw, 'a'), '1')
  t.equal(cookieValue(raw, 'sg'), '2')
  t.equal(cookieValue(raw, 'b'), '3')
  t.equal(cookieValue(raw, 'c'), '5')
  t.equal(cookieValue(raw, 'empty'), '')
  t.equal(cookieValue(raw, 'g'), undefined)
  t.equal(cookieValue(raw, 'A'), undefined, 'case matters')
  t.equal(cookieValue(['Host', 'sg=1'], 'sg'), undefined)
  t.equal(cookieValue(['cookie', 'x=sg=1'], 'sg'), undefined)
  t.equal(cookieValue(['cookie', ';;;'], 'sg'), undefined)
})

const sticky = { by: 'Cookie', name: 'sg_bucket', ttlS: 0 } as const

t.test('the cookie that is set', async (t) => {
  t.equal(stickyCookie(sticky, 1234, false), 'sg_bucket=1234; Path=/; HttpOnly; SameSite=Lax')
  t.equal(
    stickyCookie({ ...sticky, name: 'b', ttlS: 3600 }, 0, true),
    'b=0; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure',
  )
  t.match(stickyCookie(sticky, 7, false, signer('s')), /^sg_bucket=7\.[A-Za-z0-9_-]{22}; Path=/)
})

t.test('a cookie comes back as its bucket', async (t) => {
  for (const sign of [undefined, signer('secret')]) {
    for (const bucket of [0, 9, 1234, 9999]) {
      const value = stickyCookie(sticky, bucket, false, sign).split(';')[0]!
      t.equal(bucketOfCookie(['cookie', `x=1; ${value}; y=2`], 'sg_bucket', sign), bucket)
    }
  }
})

t.test('what is malformed or forged is no cookie', async (t) => {
  const bucketOf = (value: string, sign?: (text: string) => string) =>
    bucketOfCookie(['cookie', `sg_bucket=${value}`], 'sg_bucket', sign)
  for (const value of ['', '10000', '-1', '+1', '01', '1e3', '1 2', '0x1', '12345', 'a', '1.', '1.x', '\xb2']) {
    t.equal(bucketOf(value), -1, JSON.stringify(value))
  }
  const sign = signer('secret')
  const signature = (bucket: number, by = sign, name = 'sg_bucket') => by(`${name}=${bucket}`)
  t.equal(bucketOf(`5.${signature(5)}`, sign), 5)
  t.equal(bucketOf('5', sign), -1, 'unsigned')
  t.equal(bucketOf('5.', sign), -1)
  t.equal(bucketOf(`6.${signature(5)}`, sign), -1, "another bucket's")
  t.equal(bucketOf(`5.${signature(5, signer('other'))}`, sign), -1, "another key's")
  t.equal(bucketOf(`5.${signature(5, sign, 'other')}`, sign), -1, "another cookie's")
  t.equal(bucketOf(`5.${signature(5)}x`, sign), -1)
  t.equal(bucketOf(`5.${signature(5).slice(1)}`, sign), -1)
  t.equal(bucketOfCookie([], 'sg_bucket', sign), -1)
})
