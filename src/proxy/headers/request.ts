import type { HttpVersion } from '../request/check.ts'

/** What the request headers are rewritten with. */
export interface RequestHeaderContext {
  httpVersion: HttpVersion
  /** CheckedHead.authority: the value of Host. */
  authority: string
  /** Address of the connection's other end, canonical (`canonicalAddress`). */
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

/** The headers to send upstream: raw list, order and duplicates and names kept. */
export declare function requestHeaders(raw: readonly string[], context: RequestHeaderContext): string[]

/** The client's id where the peer is trusted and the id is sane (1-128 visible characters), else a new one. */
export declare function requestIdOf(raw: readonly string[], trusted: boolean, generate: () => string): string

/** Trace id of a valid traceparent, 32 hex digits, or '' : `trace.id` of the access log. */
export declare function traceIdOf(raw: readonly string[]): string

/** True when the request has passed the proxy more often than any sane chain does: answer loop-detected. */
export declare function loops(raw: readonly string[]): boolean
