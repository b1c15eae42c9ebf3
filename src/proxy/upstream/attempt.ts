import type { Buffer } from 'node:buffer'
import type { Dispatcher } from 'undici'
import type { UpstreamCall, UpstreamHandler } from './call.ts'
import type { Connections } from './connections.ts'
import { type Deadlined, Deadlines } from './deadlines.ts'
import { CallError, classify } from './failure.ts'

/** 1xx answers before an answer. They are passed on without back-pressure, so their number bounds the memory of a client that does not read. */
const MAX_INFORMATION = 100

/** Deadlines of one upstream, shared by its attempts. */
export interface CallDeadlines {
  response: Deadlines
  idle: Deadlines
}

/**
 * One request on its way: undici's callbacks in, the exchange's out. Exactly one of onEnd and onFailure is called, last.
 * After `pause` at most one more chunk comes.
 */
export class Attempt implements UpstreamCall, Deadlined, Dispatcher.DispatchHandler {
  // Deadlines' links.
  dueMs = 0
  before: Deadlined | undefined
  after: Deadlined | undefined
  deadlines: Deadlines | undefined

  /** Set by the connections that carry it. */
  reused = false
  /** True once onEnd or onFailure was called. */
  done = false
  readonly #handler: UpstreamHandler
  readonly #timers: CallDeadlines
  readonly #connections: Connections
  #controller: Dispatcher.DispatchController | undefined
  #sent = false
  #answered = false
  #status = 0
  /** 1xx answers so far. */
  #information = 0
  /** Streams of events and of gRPC messages are silent for as long as they like. */
  #silent = false

  constructor(handler: UpstreamHandler, timers: CallDeadlines, connections: Connections) {
    this.#handler = handler
    this.#timers = timers
    this.#connections = connections
  }

  // --- the exchange's side

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    if (!this.done) this.#controller?.resume()
  }

  abort(): void {
    this.#fail(new CallError('ABORTED', 'aborted'))
  }

  onDeadline(): void {
    if (this.#status !== 0) {
      if (this.#controller?.paused) this.#timers.idle.start(this)
      else this.#fail(new CallError('IDLE_TIMEOUT', 'the response body made no progress'))
    } else if (this.#sent) {
      this.#fail(new CallError('RESPONSE_TIMEOUT', 'no response head'))
    } else if (this.#connections.blocked(this)) {
      this.#fail(new CallError('IDLE_TIMEOUT', 'the endpoint does not read the request body'))
    } else {
      // It is the client that is slow to send: the exchange's own deadline deals with that.
      this.#timers.idle.start(this)
    }
  }

  /**
   * The connection broke under the attempt. Called before undici hears of it, which takes a reset for the end of a body that has no
   * length (and fails an assertion when it is told to abort just then): what undici says after this is not heard.
   */
  broken(error: Error): void {
    if (!this.done && this.#controller !== undefined) this.#report(error)
  }

  // --- undici's side

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.done) {
      controller.abort(new CallError('ABORTED', 'aborted'))
      return
    }
    this.#connections.started(this)
    this.#timers.idle.start(this)
  }

  onBodySent(): void {
    if (!this.#sent && !this.done) this.#timers.idle.start(this)
  }

  onRequestSent(): void {
    if (this.#sent || this.done) return
    this.#sent = true
    if (this.#status === 0) this.#timers.response.start(this)
    this.#handler.onSent(this.reused)
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.done) return
    this.#answered = true
    if (status === 101 || status < 100 || status > 599) {
      this.#fail(new Error(`invalid status ${status}`))
      return
    }
    const rawHeaders = rawList(controller.rawHeaders)
    if (status < 200) {
      if (++this.#information > MAX_INFORMATION) this.#fail(new Error('1xx answers without end'))
      else this.#handler.onInformation(status, rawHeaders)
      return
    }
    this.#status = status
    this.#silent = isMessageStream(rawHeaders)
    if (this.#silent) Deadlines.stop(this)
    else this.#timers.idle.start(this)
    this.#handler.onResponse(status, rawHeaders)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.done) return
    if (!this.#silent) this.#timers.idle.start(this)
    if (!this.#handler.onData(chunk)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.done) return
    this.#settle()
    this.#handler.onEnd(rawList(controller.rawTrailers))
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error)
  }

  /** Ends the attempt once: reports first, so that what undici says while the connection is torn down is not heard. */
  #fail(error: Error): void {
    if (this.done) return
    this.#report(error)
    this.#connections.failed(this, error)
    this.#controller?.abort(error)
  }

  #report(error: Error): void {
    const started = this.#controller !== undefined
    this.#settle()
    this.#handler.onFailure(classify(error, { started, reused: this.reused, answered: this.#answered }))
  }

  #settle(): void {
    this.done = true
    Deadlines.stop(this)
  }
}

/** undici's raw headers, Buffers (HTTP/1) or an object (HTTP/2), as a raw name/value list in latin1. */
function rawList(raw: Buffer[] | string[] | object | null | undefined): string[] {
  if (raw === null || raw === undefined) return []
  const list: string[] = []
  if (Array.isArray(raw)) {
    for (const item of raw as (Buffer | string)[]) {
      list.push(typeof item === 'string' ? item : item.toString('latin1'))
    }
    return list
  }
  for (const [name, value] of Object.entries(raw) as [string, string | string[]][]) {
    if (name.startsWith(':')) continue
    if (Array.isArray(value)) for (const one of value) list.push(name, one)
    else list.push(name, String(value))
  }
  return list
}

function isMessageStream(rawHeaders: string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 12 && rawHeaders[i]!.toLowerCase() === 'content-type') {
      const type = rawHeaders[i + 1]!.toLowerCase()
      return type.startsWith('text/event-stream') || type.startsWith('application/grpc')
    }
  }
  return false
}
