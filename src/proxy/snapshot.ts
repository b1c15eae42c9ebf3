import type { BlockRef, FailureKind } from '../metrics/index.ts'

/**
 * What a worker needs to serve: plain data, structured-cloned to every worker, replaced as a whole by one assignment.
 * A request keeps the snapshot that it started with. Compiled from the configuration (and, in a cluster, from
 * EndpointSlices); nothing past the compiler knows what a Gate's match looks like.
 */
export interface Snapshot {
  /** Grows by one with every snapshot. */
  version: number
  listeners: readonly ListenerSpec[]
  /** CIDRs whose X-Forwarded-* and Forwarded are believed. */
  trustedProxies: readonly string[]
  limits: LimitSpec
  timeouts: ProxyTimeouts
  accessLog: { enabled: boolean /** Percent of requests, 0-100. */; sample: number }
  /** Routes in no particular order: compile them with route/. */
  routes: readonly RouteSpec[]
  gates: readonly GateSpec[]
}

export interface ListenerSpec {
  name: string
  /** undefined: all addresses, both families. */
  host?: string
  port: number
  protocol: 'HTTP' | 'HTTPS'
  redirectHttps: boolean
  proxyProtocol: boolean
  /** PEM texts, read by the main thread; the first certificate answers clients without SNI. */
  certificates: readonly CertificateSpec[]
}

export interface CertificateSpec {
  certPem: string
  keyPem: string
  /** DNS names of the certificate (subjectAltName), lower case, wildcards as they are. */
  names: readonly string[]
}

export interface LimitSpec {
  maxHeaderBytes: number
  maxHeaders: number
  /** 0 = no limit, here and below. */
  maxBodyBytes: number
  /** Of one worker: the configured limit divided by the workers, rounded up. */
  maxConnections: number
  maxConnectionsPerClient: number
}

export interface ProxyTimeouts {
  headerMs: number
  idleMs: number
  maxConnectionAgeMs: number
  drainMs: number
}

/** A general match; Gate API hosts and path prefixes are its first source. */
export interface RouteSpec {
  /** Lower case; `*.example.com` matches one or more labels; undefined = any. */
  host?: string
  /** Matches on segment boundaries; `/` matches all. */
  pathPrefix: string
  /** Index into `Snapshot.gates`. */
  gate: number
}

export interface GateSpec {
  /** `namespace/name`, the `gate` label. */
  key: string
  block: BlockRef
  variants: readonly VariantSpec[]
  /** Failure kinds that count as failed. */
  failureOn: readonly FailureKind[]
  overrides: readonly OverrideSpec[]
  sticky?: StickySpec
  rescue: {
    enabled: boolean
    methods: readonly string[]
    maxBodyBytes: number /** Percent of serving's requests in flight. */
    budgetPercent: number
  }
  mirror: { percent: number; maxBodyBytes: number }
  upstream: UpstreamSpec
}

export interface VariantSpec {
  name: string
  whenEmpty: 'Fail' | 'Spill'
  endpoints: readonly EndpointSpec[]
}

export interface EndpointSpec {
  /** What people see: `host:port` or the pod's name. */
  name: string
  /** `http://127.0.0.1:9001`, or https: the address that is dialled, an IP wherever a name was resolved. */
  origin: string
  /** TLS server name and verification name when it is not the origin's host. */
  serverName?: string
  /** A path prefix of the URL in the configuration, without a trailing slash; usually ''. */
  basePath: string
  /** Slot in the gate's block; stays with the endpoint for its life. */
  slot: number
}

export interface OverrideSpec {
  kind: 'header' | 'cookie'
  /** Lower case for headers. */
  name: string
  value: string
  /** Index of the variant. */
  variant: number
}

export interface StickySpec {
  by: 'Cookie' | 'Header' | 'ClientIP'
  /** Name of the cookie or header. */
  name: string
  /** Max-Age of the cookie in seconds; 0 = a session cookie. */
  ttlS: number
  /** Key of the cookie's signature (HMAC-SHA256); undefined = unsigned. */
  secret?: string
}

export interface UpstreamSpec {
  connectTimeoutMs: number
  responseTimeoutMs: number
  idleTimeoutMs: number
  retryAttempts: number
  retryOn: readonly ('connect' | 'reused-reset' | '5xx' | 'reset' | 'timeout')[]
  retryBudgetPercent: number
  loadBalancing: 'LeastRequest' | 'RoundRobin'
  /** Consecutive failures until an endpoint is ejected; 0 = off. */
  consecutive5xx: number
  baseEjectionMs: number
  maxEjectedPercent: number
  /** In flight per endpoint, all workers together; 0 = no limit. */
  maxRequests: number
  protocol: 'HTTP1' | 'HTTP2'
  tls: { caPem?: string; serverName?: string }
}
