import type { HttpVersion } from '../request/check.ts'
import { removeNamed } from './connection.ts'
import { Kind, kindOf } from './names.ts'
import { isVisible } from './octets.ts'
import { hasToken, valueAt } from './raw.ts'
import { isTraceparent } from './trace.ts'
import { VIA } from './via.ts'

/** What the request headers are rewritten with. */
export interface RequestHeaderContext {
  httpVersion: HttpVersion
  /** CheckedHead.authority: the value of Host. */
  authority: string
  /** Address of the connection's other end, canonical (`canonicalAddress`); '' for a unix socket. */
  peerAddress: string
  /** `clientAddress(...)`: the right-most hop that is not trusted. */
  clientAddress: string
  /** The peer is in trustedProxies: its X-Forwarded-*, Forwarded, x-request-id and x-streamgate-* are believed. */
  trusted: boolean
  scheme: 'http' | 'https'
  /** Port that the client connected to. */
  port: number
  /** `requestIdOf(...)`. */
  requestId: string
  /** CheckedHead.upgrade: '' = none; else Connection and Upgrade are sent on. */
  upgrade: string
}

/** W3C: what is longer need not be passed on. */
const TRACESTATE_MAX = 512
const REQUEST_ID_MAX = 128

/**
 * The headers to send upstream: a raw list, with the order, duplicates and names of what the client sent; ours follow.
 * From a trusted peer X-Forwarded-For is appended to, X-Forwarded-Proto, -Host and -Port are kept; from others all are
 * replaced. Forwarded is appended to where a trusted peer sent it and never begun, so that the program has one source.
 */
export function requestHeaders(raw: readonly string[], context: RequestHeaderContext): string[] {
  const { trusted, authority } = context
  const http2 = context.httpVersion === '2.0'
  const out: string[] = []
  let connection = ''
  let forwardedFor = ''
  let forwarded = ''
  let forwardedProto = ''
  let forwardedHost = ''
  let forwardedPort = ''
  let trailers = false
  let hostSent = false
  let cookieAt = -1
  let traceparents = 0
  let traceparentAt = 0
  let tracestates = 0

  if (http2 && authority !== '') {
    out.push('host', authority)
    hostSent = true
  }
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    switch (kindOf(name)) {
      case Kind.endToEnd:
        // Pseudo-headers of HTTP/2 are no headers.
        if (name.charCodeAt(0) !== 0x3a) out.push(name, value)
        break
      case Kind.kept:
      case Kind.contentLength:
      case Kind.via:
      case Kind.altSvc:
        out.push(name, value)
        break
      case Kind.host:
        if (!hostSent && authority !== '') out.push(name, authority)
        hostSent = true
        break
      case Kind.cookie:
        // RFC 9113, 8.2.3: HTTP/2 clients may split Cookie; HTTP/1 programs want one.
        if (http2 && cookieAt >= 0) out[cookieAt] += `; ${value}`
        else cookieAt = out.push(name, value) - 1
        break
      case Kind.connection:
        connection = joined(connection, value)
        break
      case Kind.te:
        if (hasToken(value, 'trailers')) trailers = true
        break
      case Kind.traceparent:
        traceparents++
        traceparentAt = i
        break
      case Kind.tracestate:
        tracestates += value.length
        break
      case Kind.internal:
        if (trusted) out.push(name, value)
        break
      case Kind.forwardedFor:
        forwardedFor = joined(forwardedFor, value)
        break
      case Kind.forwarded:
        forwarded = joined(forwarded, value)
        break
      // The nearest hop wrote the last one.
      case Kind.forwardedProto:
        forwardedProto = value
        break
      case Kind.forwardedHost:
        forwardedHost = value
        break
      case Kind.forwardedPort:
        forwardedPort = value
        break
      // The rest is removed: hop-by-hop fields, names that confuse, and what is set below.
    }
  }

  if (connection !== '') removeNamed(out, connection)
  if (trailers) out.push('TE', 'trailers')
  if (traceparents === 1 && isTraceparent(raw[traceparentAt + 1]!)) {
    out.push(raw[traceparentAt]!, raw[traceparentAt + 1]!)
    if (tracestates > 0 && tracestates <= TRACESTATE_MAX) copyTracestate(raw, out)
  }
  if (context.upgrade !== '') out.push('Connection', 'Upgrade', 'Upgrade', context.upgrade)
  const peer = context.peerAddress
  if (trusted && forwardedFor !== '')
    out.push('X-Forwarded-For', peer === '' ? forwardedFor : joined(forwardedFor, peer))
  else if (peer !== '') out.push('X-Forwarded-For', peer)
  out.push('X-Forwarded-Proto', trusted && forwardedProto !== '' ? forwardedProto : context.scheme)
  const host = trusted && forwardedHost !== '' ? forwardedHost : authority
  if (host !== '') out.push('X-Forwarded-Host', host)
  out.push('X-Forwarded-Port', trusted && forwardedPort !== '' ? forwardedPort : String(context.port))
  // Always derived, never kept: many proxies in front neither set nor remove it, so it may be the client's word.
  if (context.clientAddress !== '') out.push('X-Real-IP', context.clientAddress)
  if (trusted && forwarded !== '') out.push('Forwarded', joined(forwarded, forwardedElement(context)))
  out.push('X-Request-Id', context.requestId, 'Via', VIA[context.httpVersion])
  return out
}

/** The client's id where the peer is trusted and the id is sane (1-128 visible characters), else a new one. */
export function requestIdOf(raw: readonly string[], trusted: boolean, generate: () => string): string {
  if (trusted) {
    const at = valueAt(raw, 'x-request-id')
    if (at >= 0 && isVisible(raw[at]!, REQUEST_ID_MAX) && valueAt(raw, 'x-request-id', at + 1) < 0) return raw[at]!
  }
  return generate()
}

const joined = (list: string, value: string): string => (list === '' ? value : `${list}, ${value}`)

function copyTracestate(raw: readonly string[], out: string[]): void {
  for (let i = 0; i < raw.length; i += 2) {
    if (kindOf(raw[i]!) === Kind.tracestate) out.push(raw[i]!, raw[i + 1]!)
  }
}

/** RFC 7239, 6: IPv6 in brackets and quotes; a host with a port needs quotes as well. */
function forwardedElement(context: RequestHeaderContext): string {
  const peer = context.peerAddress
  const node = peer === '' ? 'unknown' : peer.includes(':') ? `"[${peer}]"` : peer
  const host = context.authority === '' ? '' : `;host="${context.authority}"`
  return `for=${node}${host};proto=${context.scheme}`
}
