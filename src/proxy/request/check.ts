import type { ErrorCode } from '../errors.ts'
import type { LimitSpec } from '../snapshot.ts'

export type HttpVersion = '1.0' | '1.1' | '2.0'

/** A request head as the wire gave it: latin1 strings, nothing decoded or joined. */
export interface RawHead {
  method: string
  /** The request target (HTTP/1) or `:path` (HTTP/2). */
  target: string
  /** Names and values in turn. HTTP/2 pseudo-headers may be among them, first. */
  rawHeaders: readonly string[]
  /** `1.1`, `1.0`, `2.0`; others are refused. */
  httpVersion: string
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
  /** Normalised copy of the path for routing alone (path.ts). */
  routePath: string
  /** The most generous reading of the path; the same string where there is only one reading. Route with `matchRoute`. */
  loosePath: string
  /** Content-Length, or -1 without one. */
  contentLength: number
  chunked: boolean
  /** A body may follow: a length above 0, chunked, or HTTP/2 without a length (the end of the stream decides). */
  hasBody: boolean
  /** The client waits for a 100. */
  expectContinue: boolean
  /** Protocol of an upgrade that may be tunnelled (as sent: `websocket`), or ''. */
  upgrade: string
}

export type HeadCheck = CheckedHead | { ok: false; code: ErrorCode }

/** Checks a head against RFC 9110, 9112 and 9113 and everything that requests are smuggled with. */
export declare function checkHead(head: RawHead): HeadCheck
