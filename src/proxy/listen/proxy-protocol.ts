/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org/download/3.0/doc/proxy-protocol.txt): a load balancer in front says
 * who the client is. Pure; only believed from trusted peers.
 */
export type ProxyHeader =
  | { kind: 'more' }
  | { kind: 'invalid' }
  /** `length` bytes belong to the header. Without an address (LOCAL, UNKNOWN) the peer itself is the client. */
  | { kind: 'header'; length: number; address?: string; port?: number }

const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V1_PREFIX = Buffer.from('PROXY ')
/** Longest line of version 1 with its CRLF. */
const V1_MAX = 107
/** Longest version 2 header that is believed to be one: addresses and a few TLVs. */
const V2_MAX = 2048

/** Reads the header at the start of `bytes`. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < 16 ? { kind: 'more' } : version2(bytes)
  if (startsLike(bytes, V1_PREFIX)) return version1(bytes)
  return { kind: 'invalid' }
}

/** `bytes` begins with `prefix`, as far as it goes. */
function startsLike(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length)
  return bytes.compare(prefix, 0, length, 0, length) === 0
}

function version1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MAX).indexOf('\r\n')
  if (end < 0) return bytes.length >= V1_MAX ? { kind: 'invalid' } : { kind: 'more' }
  const parts = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  if (parts[1] === 'UNKNOWN') return { kind: 'header', length }
  const [, family, address, , port] = parts
  if (parts.length !== 6 || address === undefined || (family !== 'TCP4' && family !== 'TCP6'))
    return { kind: 'invalid' }
  const valid = family === 'TCP4' ? /^\d{1,3}(\.\d{1,3}){3}$/ : /^[0-9a-fA-F:]{2,39}$/
  if (!valid.test(address) || !/^\d{1,5}$/.test(port ?? '') || Number(port) > 65535) return { kind: 'invalid' }
  return { kind: 'header', length, address, port: Number(port) }
}

function version2(bytes: Buffer): ProxyHeader {
  const command = bytes[12]!
  const family = bytes[13]! >> 4
  const size = bytes.readUInt16BE(14)
  const length = 16 + size
  if (command >> 4 !== 2 || (command & 15) > 1 || length > V2_MAX) return { kind: 'invalid' }
  if (bytes.length < length) return { kind: 'more' }
  if ((command & 15) === 0) return { kind: 'header', length }
  if (family === 1 && size >= 12) {
    return { kind: 'header', length, address: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) }
  }
  if (family === 2 && size >= 36) {
    const groups: string[] = []
    for (let at = 16; at < 32; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
    return { kind: 'header', length, address: groups.join(':'), port: bytes.readUInt16BE(48) }
  }
  return { kind: 'header', length }
}
