import type { ErrorCode } from '../errors.ts'
import { isToken } from '../headers/octets.ts'
import type { LimitSpec } from '../snapshot.ts'
import { readFields } from './fields.ts'
import { parseHost } from './host.ts'
import { isPlainPath, loosePathOf, routePathOf } from './path.ts'
import { parseTarget } from './target.ts'

export type HttpVersion = '1.0' | '1.1' | '2.0'

/** A request head as the wire gave it: latin1 strings, nothing decoded or joined. */
export interface RawHead {
  method: string
  /** The request target (HTTP/1) or `:path` (HTTP/2). */
  target: string
  /** Names and values in turn. Pseudo-headers of HTTP/2 may be among them and are passed over. */
  rawHeaders: readonly string[]
  /** `1.1`, `1.0`, `2.0`; others are refused. */
  httpVersion: string
  /** `:authority` of HTTP/2. */
  authority?: string | undefined
  /** 0 = no limit. */
  limits: Pick<LimitSpec, 'maxHeaderBytes' | 'maxHeaders' | 'maxBodyBytes'>
}

/** A head that passed. */
export interface CheckedHead {
  ok: true
  httpVersion: HttpVersion
  /** Lower case, without port and trailing dot, IPv6 in brackets: what routes match. undefined: HTTP/1.0 without Host. */
  host: string | undefined
  /** The Host to forward: as the client sent it, or the authority of an absolute-form target. '' where there is none. */
  authority: string
  /** Path and query to forward, verbatim; `*` for OPTIONS *. */
  path: string
  /** Normalised copy of the path for routing alone (path.ts); `/` for OPTIONS *. */
  routePath: string
  /** The most generous reading of the path; the same string where there is only one reading. Route with `matchRoute`. */
  loosePath: string
  /** Content-Length, or -1 without one. */
  contentLength: number
  chunked: boolean
  /** The client waits for a 100. */
  expectContinue: boolean
  /** Protocol of an upgrade that may be tunnelled (as sent: `websocket`), or ''. */
  upgrade: string
}

export type HeadCheck = CheckedHead | { ok: false; code: ErrorCode }

/** Longest known method is 17 characters (UPDATEREDIRECTREF). */
const METHOD_MAX = 32

/**
 * Checks a head against RFC 9110, 9112 and 9113 and everything that requests are smuggled with, whatever the parser in
 * front has checked already: a second parser is what smuggling needs, and a second check is what prevents it.
 */
export function checkHead(head: RawHead): HeadCheck {
  const { method, target, limits, httpVersion } = head
  if (httpVersion !== '1.1' && httpVersion !== '2.0' && httpVersion !== '1.0') return refused('http-version')
  if (!isToken(method) || method.length > METHOD_MAX) return refused('bad-method')
  if (isRefusedMethod(method)) return refused('method-not-allowed')
  if (limits.maxHeaderBytes > 0 && target.length > limits.maxHeaderBytes) return refused('uri-too-long')
  const parsed = parseTarget(method, target, httpVersion === '2.0')
  if (parsed === undefined) return refused('bad-target')
  const fields = readFields(head, httpVersion)
  if (typeof fields === 'string') return refused(fields)

  let authority = fields.host
  let host: string | undefined
  // HTTP/1.0 has no Host (health checks of older balancers): such a request reaches routes without a host alone.
  if (authority !== undefined || httpVersion !== '1.0') {
    host = parseHost(authority ?? '')
    if (host === undefined) return refused('bad-host')
  }
  if (parsed.authority !== '') {
    authority = parsed.authority
    host = parseHost(authority)
    if (host === undefined) return refused('bad-host')
  }

  const query = parsed.path.indexOf('?')
  let routePath = query < 0 ? parsed.path : parsed.path.slice(0, query)
  let loosePath = routePath
  if (routePath === '*') routePath = loosePath = '/'
  else if (!isPlainPath(routePath)) {
    const strict = routePathOf(routePath)
    const loose = strict === undefined ? undefined : loosePathOf(strict)
    if (strict === undefined || loose === undefined) return refused('unsafe-path')
    routePath = strict
    loosePath = loose
  }
  return {
    ok: true,
    httpVersion,
    host,
    authority: authority ?? '',
    path: parsed.path,
    routePath,
    loosePath,
    contentLength: fields.contentLength,
    chunked: fields.chunked,
    expectContinue: fields.expectContinue,
    upgrade: fields.upgrade,
  }
}

/** CONNECT would make the proxy an open one, TRACE echoes credentials; programs that fold case read `trace` as TRACE. */
function isRefusedMethod(method: string): boolean {
  if (method.length !== 5 && method.length !== 7) return false
  const upper = method.toUpperCase()
  return upper === 'TRACE' || upper === 'CONNECT'
}

const refused = (code: ErrorCode): { ok: false; code: ErrorCode } => ({ ok: false, code })
