import fc from 'fast-check'
import t from 'tap'
import { readProxyHeader } from '../../../src/proxy/listen/proxy-protocol.ts'

const v2 = (command: number, family: number, payload: Buffer) => {
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex')
  head[12] = command
  head[13] = family
  head.writeUInt16BE(payload.length, 14)
  return Buffer.concat([head, payload])
}

t.test('what is valid is read, what is not is refused', async (t) => {
  const cases: [Buffer, object][] = [
    [
      Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\nrest'),
      { kind: 'header', length: 40, address: '192.0.2.1', port: 1000 },
    ],
    [Buffer.from('PROXY TCP6 2001:db8::1 ::1 1000 80\r\n'), { kind: 'header', address: '2001:db8::1', port: 1000 }],
    [Buffer.from('PROXY UNKNOWN\r\n'), { kind: 'header', length: 15, address: undefined }],
    [Buffer.from('PROXY TCP4 x 192.0.2.2 1000 80\r\n'), { kind: 'invalid' }],
    [Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 70000 80\r\n'), { kind: 'invalid' }],
    [Buffer.from(`PROXY ${'x'.repeat(200)}`), { kind: 'invalid' }],
    [Buffer.from('GET / HTTP/1.1\r\n'), { kind: 'invalid' }],
    [Buffer.from('PRO'), { kind: 'more' }],
    [
      v2(0x21, 0x11, Buffer.from('c0000201c0000202 03e80050'.replace(' ', ''), 'hex')),
      { kind: 'header', length: 28, address: '192.0.2.1', port: 1000 },
    ],
    [
      v2(0x21, 0x21, Buffer.alloc(36, 1)),
      { kind: 'header', length: 52, address: '101:101:101:101:101:101:101:101', port: 257 },
    ],
    [v2(0x20, 0, Buffer.alloc(0)), { kind: 'header', length: 16, address: undefined }],
    [v2(0x31, 0x11, Buffer.alloc(12)), { kind: 'invalid' }],
    [v2(0x21, 0x11, Buffer.alloc(3000)), { kind: 'invalid' }],
  ]
  for (const [bytes, expected] of cases)
    t.match(readProxyHeader(bytes), expected, JSON.stringify(bytes.toString('latin1')))
})

t.test('any bytes, in any pieces: no exception, and a prefix never contradicts the whole', async (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 60 }).map((payload) => v2(0x21, 0x11, Buffer.from(payload))),
    fc.string({ maxLength: 120 }).map((text) => Buffer.from(`PROXY ${text}\r\n`)),
  )
  fc.assert(
    fc.property(bytes, fc.nat(300), (all, cut) => {
      const whole = readProxyHeader(Buffer.from(all))
      const part = readProxyHeader(Buffer.from(all).subarray(0, cut))
      return part.kind === 'more' || part.kind === whole.kind
    }),
    { seed: 1, numRuns: 2000 },
  )
  t.pass()
})
