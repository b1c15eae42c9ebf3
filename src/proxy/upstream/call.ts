import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { FailureKind } from '../../metrics/index.ts'
import type { EndpointSpec } from '../snapshot.ts'

/**
 * The seam between the exchange and the wire towards an endpoint: one attempt on one endpoint. Implemented over undici;
 * a client of our own on raw sockets can take its place without a change of the exchange.
 */
export interface UpstreamRequest {
  method: string
  /** Path and query, bytes as the client sent them (latin1), basePath of the endpoint not yet added. */
  path: string
  /** Raw name/value list, ready to be sent: hop-by-hop headers removed, Host in it. */
  headers: string[]
  /** null: none. A stream is sent with Content-Length when the headers have it, else chunked. */
  body: Buffer | Readable | null
}

/** Called in this order: onInformation*, then onResponse, onData*, onEnd; or onFailure at any point instead of what would have come next. */
export interface UpstreamHandler {
  /** The request was completely handed to an established connection (latency begins). `reused`: the connection had served a request before. */
  onSent(reused: boolean): void
  /** 103 and other 1xx except 100 and 101. */
  onInformation(status: number, rawHeaders: string[]): void
  /** The response head; raw names and values in order, latin1. */
  onResponse(status: number, rawHeaders: string[]): void
  /** False: pause until `resume` is called. */
  onData(chunk: Buffer): boolean
  /** The response is complete. Trailers as a raw list, usually empty. */
  onEnd(trailers: string[]): void
  onFailure(failure: UpstreamFailure): void
}

export interface UpstreamFailure {
  /** `aborted` is our own abort. */
  kind: Exclude<FailureKind, '5xx' | 'grpc' | 'unavailable' | 'overflow'> | 'aborted'
  /** The connection had served a request before and died without a byte of an answer: nobody's failure when it is replayed. */
  reused: boolean
  /** True when the request cannot have reached the endpoint's program: safe to repeat whatever the method. */
  unsent: boolean
  cause: Error
}

export interface UpstreamCall {
  pause(): void
  resume(): void
  /** Ends the attempt now; the connection is not used again. onFailure is called with kind `aborted`, unless the response was complete. */
  abort(): void
}

/** An upgrade: what the upstream answered, either a tunnel or an ordinary response. */
export type UpgradeAnswer =
  | { kind: 'switched'; rawHeaders: string[]; socket: Socket; head: Buffer }
  | { kind: 'refused'; status: number; rawHeaders: string[]; body: Readable }
  | { kind: 'failed'; failure: UpstreamFailure }

/** All connections of one worker to the endpoints of one gate. Replaced with the snapshot; pools of endpoints that stay are kept. */
export interface Upstream {
  send(endpoint: EndpointSpec, request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  /** Sends an upgrade request (headers include Connection and Upgrade) on a connection of its own. */
  upgrade(
    endpoint: EndpointSpec,
    request: Omit<UpstreamRequest, 'body'>,
  ): { answer: Promise<UpgradeAnswer>; abort(): void }
  /** Closes idle connections now, running ones when they end. */
  close(): Promise<void>
}
