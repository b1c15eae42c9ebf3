/**
 * What the proxy does with a header field, by its name. One look-up a field decides; the sets are data.
 */
export const Kind = {
  /** Forwarded; a Connection token may remove it. */
  endToEnd: 0,
  /** Forwarded; no Connection token removes it, or a client could take from the program what it relies on. */
  kept: 1,
  /** Belongs to one connection: removed both ways (RFC 9110, 7.6.1). */
  hop: 2,
  connection: 3,
  te: 4,
  trailer: 5,
  transferEncoding: 6,
  upgrade: 7,
  expect: 8,
  host: 9,
  contentLength: 10,
  cookie: 11,
  traceparent: 12,
  tracestate: 13,
  requestId: 14,
  via: 15,
  /** Advertises another address of the upstream: removed from answers. */
  altSvc: 16,
  forwarded: 17,
  forwardedFor: 18,
  forwardedProto: 19,
  forwardedHost: 20,
  forwardedPort: 21,
  realIp: 22,
  /** x-streamgate-* and the other x-forwarded-*: believed from trusted peers alone. */
  internal: 23,
  /** Reads as a trusted name once a program takes `_` for `-` (CGI, WSGI): never forwarded. */
  confusing: 24,
} as const

/** Fields of one connection. */
export const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'http2-settings',
] as const

/** Fields that a Connection token cannot remove, besides those that have a kind of their own. */
export const KEPT = [
  'authorization',
  'content-type',
  'content-encoding',
  'content-range',
  'origin',
  'set-cookie',
  'cache-control',
] as const

/** Frequent end-to-end fields, listed so that they are found at once; a name that is missing here is only slower. */
const FREQUENT = [
  'accept',
  'accept-encoding',
  'accept-language',
  'accept-ranges',
  'access-control-allow-origin',
  'age',
  'content-language',
  'date',
  'etag',
  'expires',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'pragma',
  'priority',
  'range',
  'referer',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'server',
  'strict-transport-security',
  'upgrade-insecure-requests',
  'user-agent',
  'vary',
  'x-content-type-options',
  'x-frame-options',
  'x-requested-with',
] as const

const OWN: Record<string, number> = {
  connection: Kind.connection,
  te: Kind.te,
  trailer: Kind.trailer,
  'transfer-encoding': Kind.transferEncoding,
  upgrade: Kind.upgrade,
  expect: Kind.expect,
  host: Kind.host,
  'content-length': Kind.contentLength,
  cookie: Kind.cookie,
  traceparent: Kind.traceparent,
  tracestate: Kind.tracestate,
  'x-request-id': Kind.requestId,
  via: Kind.via,
  'alt-svc': Kind.altSvc,
  forwarded: Kind.forwarded,
  'x-forwarded-for': Kind.forwardedFor,
  'x-forwarded-proto': Kind.forwardedProto,
  'x-forwarded-host': Kind.forwardedHost,
  'x-forwarded-port': Kind.forwardedPort,
  'x-real-ip': Kind.realIp,
}

/** Prefixes of internal names. */
const INTERNAL = ['x-streamgate-', 'x-forwarded-'] as const

const KINDS = new Map<string, number>()
/** Both spellings that clients use, so that most names are found without a copy in lower case. */
function know(name: string, kind: number): void {
  KINDS.set(name, kind)
  KINDS.set(
    name
      .split('-')
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
      .join('-'),
    kind,
  )
}
for (const name of FREQUENT) know(name, Kind.endToEnd)
for (const name of KEPT) know(name, Kind.kept)
for (const name of HOP_BY_HOP) know(name, Kind.hop)
for (const name of Object.keys(OWN)) know(name, OWN[name]!)

/** The kind of a field name in any case. */
export function kindOf(name: string): number {
  return KINDS.get(name) ?? rareKind(name.toLowerCase())
}

function rareKind(name: string): number {
  const known = KINDS.get(name)
  if (known !== undefined) return known
  if (isInternal(name)) return Kind.internal
  if (!name.includes('_')) return Kind.endToEnd
  const dashed = name.replaceAll('_', '-')
  return isInternal(dashed) || OWN[dashed] !== undefined ? Kind.confusing : Kind.endToEnd
}

const isInternal = (name: string): boolean => name.startsWith(INTERNAL[0]) || name.startsWith(INTERNAL[1])
