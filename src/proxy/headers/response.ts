import type { HttpVersion } from '../request/check.ts'
import type { Framing } from './framing.ts'

export interface ResponseHeaderContext {
  /** The client's version: names are lower-cased for 2.0. */
  httpVersion: HttpVersion
  status: number
  /** `responseFraming(...)`. */
  framing: Framing
  requestId: string
  /** `stickyCookie(...)`, or '' for none. */
  setCookie: string
  /** The upstream switched protocols (101): Connection and Upgrade are kept. */
  upgrade: boolean
}

/** The headers to answer with, or undefined where the upstream's are not valid: answer upstream-protocol. */
export declare function responseHeaders(raw: readonly string[], context: ResponseHeaderContext): string[] | undefined
