import { canonicalAddress, parseAddress } from './address.ts'

export { canonicalAddress } from './address.ts'

/** A set of networks. */
export interface Networks {
  /** False for what is no address. */
  has(address: string): boolean
}

/** Compiles CIDRs (or single addresses), IPv4 and IPv6; throws a RangeError on one that is neither. */
export function compileNetworks(cidrs: readonly string[]): Networks {
  const networks = cidrs.map(parseNetwork)
  const scratch = new Uint8Array(16)
  return {
    has(address) {
      if (networks.length === 0 || !parseAddress(canonicalAddress(address), scratch)) return false
      for (const network of networks) if (contains(network, scratch)) return true
      return false
    },
  }
}

interface Network {
  bytes: Uint8Array
  /** Leading bits that count, 0-128. */
  bits: number
}

function parseNetwork(cidr: string): Network {
  const slash = cidr.indexOf('/')
  const text = slash < 0 ? cidr : cidr.slice(0, slash)
  const bytes = new Uint8Array(16)
  const ipv4 = !text.includes(':')
  const most = ipv4 ? 32 : 128
  const length = slash < 0 ? most : prefixLength(cidr, slash + 1)
  if (!parseAddress(text, bytes) || length < 0 || length > most) throw new RangeError(`not a CIDR: ${cidr}`)
  return { bytes, bits: ipv4 ? length + 96 : length }
}

function prefixLength(text: string, from: number): number {
  if (text.length === from || text.length > from + 3) return -1
  let value = 0
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

function contains({ bytes, bits }: Network, address: Uint8Array): boolean {
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false
  const rest = bits & 7
  return rest === 0 || (bytes[whole]! ^ address[whole]!) >> (8 - rest) === 0
}

/**
 * The address of the client: `peer` unless it is trusted; else the right-most entry of X-Forwarded-For (all lines joined
 * by a comma) that is not trusted. Entries are walked from the right, since everything left of the first untrusted hop is
 * that hop's word. An entry that is no address ends the walk at the trusted hop that reported it; where all are trusted,
 * the left-most is the client.
 */
export function clientAddress(peer: string, forwardedFor: string, trusted: Networks): string {
  let client = canonicalAddress(peer)
  if (forwardedFor === '' || !trusted.has(client)) return client
  for (let end = forwardedFor.length; end >= 0; ) {
    const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(',', end - 1)
    const entry = forwardedFor.slice(comma + 1, end).trim()
    end = comma
    if (entry === '') continue
    const address = withoutPort(entry)
    if (!parseAddress(address, scratch)) return client
    client = address
    if (!trusted.has(client)) return client
  }
  return client
}

const scratch = new Uint8Array(16)

/** `1.2.3.4:80`, `[::1]:80`, `[::1]` and bare addresses, with or without zone -> the address, canonical. */
function withoutPort(entry: string): string {
  if (entry.startsWith('[')) {
    const close = entry.indexOf(']')
    return close < 0 ? '' : canonicalAddress(entry.slice(1, close))
  }
  const colon = entry.indexOf(':')
  // One colon: IPv4 with a port; more: IPv6.
  return canonicalAddress(colon >= 0 && entry.indexOf(':', colon + 1) < 0 ? entry.slice(0, colon) : entry)
}
