import type { IncomingMessage, ServerResponse } from 'node:http'

/** Requests that may wait on one connection behind the one in hand. A client that sends more is cut off. */
const MAX_WAITING = 256

/** A request whose turn has not come. */
export interface WaitingRequest {
  request: IncomingMessage
  response: ServerResponse
  expectsContinue: boolean
}

/**
 * The requests of one connection, one at a time. node:http orders the answers of a pipelining client, but hands its requests
 * over as fast as they are parsed: one connection would fill an endpoint, and what is not a request of node's (an upgrade,
 * a parser's error) would be answered in front of those before it. So the next one begins when the one before is answered.
 */
export class Pipeline {
  /** A request is in hand. */
  busy = false
  /** The answer in hand, or given, is the last one: what comes behind it was never asked for (RFC 9112 9.6). */
  ended = false
  /** Bytes that had come when the last request was over; -1: none was ever in hand. */
  settledAt = -1
  readonly #waiting: WaitingRequest[] = []

  /** False: too many wait already. */
  wait(request: WaitingRequest): boolean {
    return this.#waiting.push(request) <= MAX_WAITING
  }

  /** The request in hand is over, after so many bytes. The one whose turn it is, if any. */
  next(bytesRead: number): WaitingRequest | undefined {
    this.busy = false
    this.settledAt = bytesRead
    if (this.ended) this.#waiting.length = 0
    return this.#waiting.shift()
  }

  /** A request was served, none is in hand, and nothing of another has come: the client has what it asked for. */
  idle(bytesRead: number): boolean {
    return !this.busy && this.settledAt === bytesRead
  }
}

const PIPELINE = Symbol('pipeline')
interface Piped {
  [PIPELINE]?: Pipeline
}

/** The pipeline of a connection; made when it is first asked for. */
export function pipelineOf(socket: object): Pipeline {
  const piped = socket as Piped
  piped[PIPELINE] ??= new Pipeline()
  return piped[PIPELINE]
}
