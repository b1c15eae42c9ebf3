import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { FailureKind } from '../metrics/index.ts'
import { type ErrorCode, errorSpec } from './errors.ts'
import { codeOf, kindOf } from './exchange/outcome.ts'
import { problemBody, problemHeaders } from './exchange/refusal.ts'
import { Visit } from './exchange/visit.ts'
import { responseFraming, validStatus } from './headers/framing.ts'
import { responseHeaders } from './headers/response.ts'
import { cut } from './http1/cut.ts'
import { endLingering } from './http1/linger.ts'
import type { UpgradeRequest } from './http1/upgrade-request.ts'
import type { Runtime } from './runtime.ts'
import type { EndpointSpec } from './snapshot.ts'
import type { UpgradeAnswer, UpstreamFailure } from './upstream/call.ts'

/**
 * The life of an upgrade (WebSocket and others): the same checks, route and split as any request, then two connections
 * tied together byte for byte. Not repeated, not rescued and without latency; judged by whether the endpoint answered.
 */
export class Tunnel {
  readonly #visit: Visit
  readonly #request: UpgradeRequest
  readonly #client: Socket
  readonly #onOver: () => void
  #upstream: Socket | undefined
  /** Body of an answer that is not 101, on its way. */
  #body: Readable | undefined
  #abort: (() => void) | undefined
  #endpoint: EndpointSpec | undefined
  #bad = false
  #over = false

  /** `onOver`: it is answered or torn down; what may be left is a connection that lingers. */
  constructor(request: UpgradeRequest, runtime: Runtime, onOver: () => void) {
    this.#visit = new Visit(runtime, request)
    this.#request = request
    this.#client = request.socket
    this.#onOver = onOver
  }

  start(): void {
    const visit = this.#visit
    const refused = visit.open()
    if (refused) {
      this.#refuse(refused)
      return
    }
    const gate = visit.gate!
    const endpoint = gate.balancers[visit.variant]!.pick()
    if (typeof endpoint === 'string') {
      const code = endpoint === 'empty' ? 'no-endpoint' : 'overflow'
      visit.attemptFailed(visit.variant, errorSpec(code).kind!, undefined, errorSpec(code).status)
      this.#refuse(code)
      return
    }
    this.#endpoint = endpoint
    visit.endpoint = endpoint
    visit.attempts++
    gate.recorder.attempt(visit.variant)
    gate.recorder.pick(endpoint.slot)
    this.#client.once('close', () => this.#clientClosed())
    const { method } = this.#request
    const call = gate.upstream.upgrade(endpoint, { method, path: visit.head!.path, headers: visit.upstreamHeaders() })
    this.#abort = call.abort
    void call.answer.then((answer) => this.#answered(answer))
  }

  /** Cuts both connections: the drain's deadline. */
  close(): void {
    this.#client.destroy()
  }

  #answered(answer: UpgradeAnswer): void {
    if (this.#over) {
      if (answer.kind === 'switched') answer.socket.destroy()
      if (answer.kind === 'refused') answer.body.destroy()
      return
    }
    switch (answer.kind) {
      case 'switched':
        this.#switch(answer.rawHeaders, answer.socket, answer.head)
        break
      case 'refused':
        this.#pass(answer.status, answer.rawHeaders, answer.body)
        break
      case 'failed':
        this.#failed(answer.failure)
        break
    }
  }

  #switch(rawHeaders: string[], upstream: Socket, head: Buffer): void {
    const visit = this.#visit
    const client = this.#client
    const { requestId, setCookie } = visit
    const fields = { httpVersion: '1.1', status: 101, framing: 'none', requestId, setCookie, upgrade: true } as const
    const headers = responseHeaders(rawHeaders, fields)
    this.#upstream = upstream
    if (!headers) {
      this.#judge('reset', 'upstream-protocol')
      return
    }
    this.#succeeded()
    // The outcome is known: how long the tunnel stays open says nothing of the variant.
    visit.observation?.end()
    visit.observation = undefined
    const openedMs = visit.runtime.services.clock.nowMs() - visit.startMs
    upstream.setNoDelay(true)
    upstream.on('error', () => {})
    this.#request.respond(101, headers)
    if (head.length > 0) client.write(head)
    if (this.#request.head.length > 0) upstream.write(this.#request.head)
    const before = { client: client.bytesRead, upstream: client.bytesWritten }
    // pipe passes back-pressure on, and the end of one direction as a half-close.
    client.pipe(upstream)
    upstream.pipe(client)
    this.#watchIdle(client, upstream)
    upstream.once('close', () => {
      // What the endpoint wrote last is on its way to the client; a cut is passed on as one.
      if (upstream.errored) cut(client)
      else if (!client.writableEnded) client.end()
    })
    client.once('close', () => {
      visit.requestBytes = client.bytesRead - before.client
      visit.responseBytes = client.bytesWritten - before.upstream
      this.#finish(101, openedMs)
    })
  }

  /** A tunnel in which neither side said anything for the gate's idle time is closed. */
  #watchIdle(client: Socket, upstream: Socket): void {
    const { idleTimeoutMs } = this.#visit.gate!.spec.upstream
    let seen = -1
    // Not as setTimeout's own callback, which is called once.
    client.on('timeout', () => {
      const moved = client.bytesRead + client.bytesWritten + upstream.bytesRead + upstream.bytesWritten
      if (moved === seen) client.destroy()
      else client.setTimeout(idleTimeoutMs)
      seen = moved
    })
    client.setTimeout(idleTimeoutMs)
    // The client's timer looks at both, and a half-open tunnel is quiet on one side.
    seen = client.bytesRead + client.bytesWritten + upstream.bytesRead + upstream.bytesWritten
  }

  /** The endpoint answered with something else than 101: passed on as it is, and the connection ends with it. */
  #pass(status: number, rawHeaders: string[], body: Readable): void {
    const visit = this.#visit
    const { requestId, setCookie } = visit
    const { method } = this.#request
    const framing = validStatus(status) ? responseFraming(method, status, rawHeaders, '1.0') : undefined
    const headers =
      framing &&
      responseHeaders(rawHeaders, { httpVersion: '1.1', status, framing, requestId, setCookie, upgrade: false })
    if (body.errored) {
      this.#judge('reset', 'upstream-reset')
      return
    }
    body.on('error', (error) => this.#broken(status, error))
    if (!headers || status === 101) {
      body.destroy()
      this.#judge('reset', 'upstream-protocol')
      return
    }
    if (status >= 500) this.#fail('5xx', status)
    else this.#succeeded()
    this.#body = body
    const client = this.#client
    this.#request.respond(status, [...headers, 'Connection', 'close'])
    body.on('data', (chunk: Buffer) => {
      visit.responseBytes += chunk.length
    })
    // Whoever takes nothing of it loses it; once all is on its way, the connection lingers as any other.
    client.on('timeout', () => {
      if (client.writableLength > 0) client.destroy()
    })
    client.setTimeout(visit.gate!.spec.upstream.idleTimeoutMs)
    client.once('finish', () => endLingering(client, visit.runtime.services.clock))
    body.pipe(client)
    client.resume()
    body.once('end', () => this.#finish(status))
  }

  /** The body of an answer that is not 101 broke off. */
  #broken(status: number, error: Error): void {
    if (this.#over) return
    const stalled = (error as { code?: unknown }).code === 'IDLE_TIMEOUT'
    if (stalled && this.#client.writableNeedDrain) {
      // The endpoint had to wait for the client: booked as a client that left.
      this.#client.destroy()
      return
    }
    this.#visit.flags.push(errorSpec(stalled ? 'upstream-idle' : 'upstream-reset').flag)
    this.#fail(stalled ? 'timeout' : 'reset', status)
    this.#release()
    this.#visit.finish(status)
    cut(this.#client)
  }

  #failed(failure: UpstreamFailure): void {
    const kind = kindOf(failure)
    const code = codeOf(failure, false)
    if (kind) this.#judge(kind, code)
    else this.#refuse(code)
  }

  #judge(kind: 'connect' | 'reset' | 'timeout', code: ErrorCode): void {
    this.#fail(kind, errorSpec(code).status)
    this.#refuse(code)
  }

  #fail(kind: FailureKind, status: number): void {
    const visit = this.#visit
    visit.attemptFailed(visit.variant, kind, this.#endpoint, status)
    this.#bad = visit.failed
    visit.gate!.outliers[visit.variant]!.failure(this.#endpoint!.slot)
  }

  #succeeded(): void {
    const { gate, variant } = this.#visit
    gate!.outliers[variant]!.success(this.#endpoint!.slot)
  }

  #refuse(code: ErrorCode): void {
    const visit = this.#visit
    const { status } = errorSpec(code)
    const body = problemBody(code)
    visit.flags.push(errorSpec(code).flag)
    visit.responseBytes = body.length
    this.#request.respond(status, [...problemHeaders(code, visit.requestId), 'connection', 'close'])
    endLingering(this.#client, visit.runtime.services.clock, body)
    this.#finish(status)
  }

  #clientClosed(): void {
    if (this.#upstream) {
      this.#upstream.destroy()
      return
    }
    if (this.#over) return
    this.#abort?.()
    this.#body?.destroy()
    this.#release()
    this.#visit.abort()
  }

  #finish(status: number, durationMs?: number): void {
    if (this.#over) return
    this.#release()
    if (!this.#client.writableEnded) this.#client.end()
    this.#visit.finish(status, durationMs)
  }

  #release(): void {
    this.#over = true
    this.#onOver()
    if (this.#endpoint) this.#visit.gate!.recorder.release(this.#endpoint.slot, this.#bad)
  }
}
