import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../../src/proxy/headers/address.ts'
import { canonicalAddress, clientAddress, compileNetworks } from '../../../src/proxy/headers/trusted.ts'

const parsed = (text: string): string | undefined => {
  const bytes = new Uint8Array(16).fill(0xaa)
  return parseAddress(text, bytes) ? Buffer.from(bytes).toString('hex') : undefined
}

t.test('addresses', async (t) => {
  const table: [text: string, hex: string][] = [
    ['0.0.0.0', '00000000000000000000ffff00000000'],
    ['192.0.2.255', '00000000000000000000ffffc00002ff'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::', '20010db8000000000000000000000000'],
    ['2001:DB8::a:b', '20010db80000000000000000000a000b'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['::ffff:192.0.2.255', '00000000000000000000ffffc00002ff'],
    ['64:ff9b::1.2.3.4', '0064ff9b000000000000000001020304'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ]
  for (const [text, hex] of table) t.equal(parsed(text), hex, text)
})

t.test('agrees with node:net on what is an address', async (t) => {
  const unit = fc.constantFrom(
    '0',
    '1',
    '9',
    'a',
    'F',
    'g',
    ':',
    ':',
    '::',
    '.',
    '.',
    '25',
    '255',
    '256',
    '10',
    ' ',
    '%',
  )
  const near = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit, maxLength: 14 }))
  const broken = fc
    .tuple(near, fc.nat(30), unit)
    .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at))
  let valid = 0
  fc.assert(
    fc.property(fc.oneof(near, broken), (text) => {
      // A zone is cut off before.
      if (text.includes('%')) return true
      const is = isIP(text) !== 0
      if (is) valid++
      return (parsed(text) !== undefined) === is
    }),
    { seed: 8, numRuns: 8000 },
  )
  t.ok(valid > 1000, `${valid} valid`)
})

t.test('networks', async (t) => {
  const networks = compileNetworks(['10.0.0.0/8', '192.0.2.7', '198.51.100.128/25', '2001:db8::/33', '::1'])
  const inside = [
    '10.0.0.0',
    '10.255.255.255',
    '::ffff:10.1.2.3',
    '192.0.2.7',
    '198.51.100.200',
    '2001:db8:7fff::1',
    '::1',
    '::1%lo',
  ]
  const outside = [
    '11.0.0.0',
    '9.255.255.255',
    '192.0.2.8',
    '198.51.100.127',
    '2001:db8:8000::',
    '::2',
    '',
    'x',
    '10.0.0.1:80',
    '::ffff:11.0.0.1',
  ]
  for (const address of inside) t.ok(networks.has(address), address)
  for (const address of outside) t.notOk(networks.has(address), address)
  t.ok(compileNetworks(['0.0.0.0/0']).has('1.2.3.4'))
  t.notOk(compileNetworks(['0.0.0.0/0']).has('2001::1'), 'all of IPv4 is not all')
  t.ok(compileNetworks(['::/0']).has('1.2.3.4'))
  t.ok(compileNetworks(['::ffff:10.0.0.0/104']).has('10.1.1.1'), 'the mapped form of a network')
  t.notOk(compileNetworks([]).has('127.0.0.1'))
  for (const bad of [
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8x',
    '01.0.0.0',
  ]) {
    t.throws(() => compileNetworks([bad]), RangeError, bad)
  }
})

t.test('canonical addresses', async (t) => {
  t.equal(canonicalAddress('::ffff:10.0.0.1'), '10.0.0.1')
  t.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1')
  t.equal(canonicalAddress('10.0.0.1'), '10.0.0.1')
  t.equal(canonicalAddress('::ffff:a00:1'), '::ffff:a00:1')
  t.equal(canonicalAddress(undefined), '')
})

t.test('the client is the right-most hop that is not trusted', async (t) => {
  const trusted = compileNetworks(['10.0.0.0/8', 'fd00::/8'])
  const table: [peer: string, forwardedFor: string, client: string][] = [
    ['192.0.2.7', '', '192.0.2.7'],
    ['192.0.2.7', '1.1.1.1', '192.0.2.7'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['::ffff:10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    ['10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
    ['10.0.0.1', '6.6.6.6,1.1.1.1 ,fd00::2,10.0.0.2', '1.1.1.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '1.1.1.1:8080', '1.1.1.1'],
    ['10.0.0.1', '[2001:db8::1]:8080', '2001:db8::1'],
    ['10.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['10.0.0.1', '2001:db8::1', '2001:db8::1'],
    ['10.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    ['10.0.0.1', '::ffff:1.1.1.1', '1.1.1.1'],
    ['10.0.0.1', '1.1.1.1, unknown', '10.0.0.1'],
    ['10.0.0.1', '1.1.1.1, _hidden, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '1.1.1.1, ', '1.1.1.1'],
    ['10.0.0.1', ',', '10.0.0.1'],
    ['10.0.0.1', '[1.1.1.1', '10.0.0.1'],
    ['', '1.1.1.1', ''],
  ]
  for (const [peer, forwardedFor, client] of table) {
    t.equal(clientAddress(peer, forwardedFor, trusted), client, `${peer} <- ${forwardedFor}`)
  }
})
