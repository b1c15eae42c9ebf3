import type { FailureKind } from '../../metrics/index.ts'
import { type ErrorCode, errorSpec } from '../errors.ts'
import { responseFraming, validStatus } from '../headers/framing.ts'
import { responseHeaders } from '../headers/response.ts'
import type { Runtime } from '../runtime.ts'
import type { EndpointSpec } from '../snapshot.ts'
import type { UpstreamFailure } from '../upstream/call.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Downstream, DownstreamEvents } from './downstream.ts'
import { grpcFailed, isGrpc } from './grpc.ts'
import { type BodyOwner, KeptBody } from './kept-body.ts'
import { Mirror } from './mirror.ts'
import { codeOf, kindOf } from './outcome.ts'
import { problemBody, problemHeaders } from './refusal.ts'
import { mayRescue } from './rescue.ts'
import { type AttemptOutcome, mayRetry } from './retry.ts'
import { Visit } from './visit.ts'

/**
 * The life of one request: check, route, split, pick, forward, then respond, repeat or rescue; recorded once, whatever
 * happens. It knows no wire: the client is a Downstream, the endpoint an UpstreamCall.
 */
export class Exchange implements DownstreamEvents, AttemptOwner, BodyOwner {
  readonly visit: Visit
  readonly #downstream: Downstream
  #body: KeptBody | undefined
  #headers: string[] = []
  #attempt: Attempt | undefined
  #mirror: Mirror | undefined
  /** Status of the head that the client has; 0 before. */
  #status = 0
  #grpc = false
  #retrying = false
  #rescuing = false
  #over = false

  constructor(downstream: Downstream, runtime: Runtime) {
    this.#downstream = downstream
    this.visit = new Visit(runtime, downstream)
    downstream.attach(this)
  }

  start(): void {
    const { visit } = this
    const refused = visit.open()
    if (refused) {
      this.#refuse(refused)
      return
    }
    if (this.#downstream.hasBody) {
      const { maxBodyBytes } = visit.runtime.snapshot.limits
      if (maxBodyBytes > 0 && visit.head!.contentLength > maxBodyBytes) {
        this.#refuse('body-too-large')
        return
      }
      this.#body = new KeptBody(this.#downstream, this, maxBodyBytes, this.#keepBytes())
    }
    this.#headers = visit.upstreamHeaders()
    this.#mirror = Mirror.of(visit, this.#headers)
    if (!this.#body) this.#mirror?.send(null)
    this.#forward(visit.variant, undefined)
  }

  /** How much of the body is kept: for a rescue or a retry, and for the mirror. */
  #keepBytes(): number {
    const { gate, variant, epoch } = this.visit
    const { rescue, mirror } = gate!.spec
    const kept = rescue.enabled && gate!.rescueMethods.has(this.#downstream.method) ? rescue.maxBodyBytes : 0
    return mirror.percent > 0 && gate!.servingOf(epoch) === variant ? Math.max(kept, mirror.maxBodyBytes) : kept
  }

  #forward(variant: number, exclude: EndpointSpec | undefined): void {
    const { visit } = this
    const gate = visit.gate!
    const endpoint = gate.balancers[variant]!.pick(exclude)
    if (typeof endpoint === 'string') {
      const code = endpoint === 'empty' ? 'no-endpoint' : 'overflow'
      visit.attemptFailed(variant, errorSpec(code).kind!, undefined, errorSpec(code).status)
      if (!this.#rescue(variant)) this.#refuse(code)
      return
    }
    const attempt = new Attempt(this, variant, endpoint)
    this.#attempt = attempt
    attempt.call = gate.upstream.send(
      endpoint,
      {
        method: this.#downstream.method,
        path: visit.head!.path,
        headers: this.#headers,
        body: this.#body?.open() ?? null,
      },
      attempt,
    )
  }

  /** A fault of the proxy itself met it: an end of some kind, whatever is broken. */
  fail(): void {
    this.#attempt?.abort()
    this.#giveUp('internal')
  }

  // --- the upstream's side

  informed(_attempt: Attempt, status: number, rawHeaders: string[]): void {
    if (this.#status !== 0) return
    const { requestId, head } = this.visit
    const context = {
      httpVersion: head!.httpVersion,
      status,
      framing: 'none',
      requestId,
      setCookie: '',
      upgrade: false,
    } as const
    const headers = responseHeaders(rawHeaders, context)
    // A hint that could not be passed on as it is costs nobody the answer.
    if (headers) this.#downstream.inform(status, headers)
  }

  answered(attempt: Attempt, status: number, rawHeaders: string[]): void {
    const { visit } = this
    this.#grpc = isGrpc(rawHeaders)
    const kind = status >= 500 ? '5xx' : this.#grpc && grpcFailed(rawHeaders) ? 'grpc' : undefined
    if (kind) {
      this.#judge(attempt, kind, status)
      if (this.#again(attempt, kind === '5xx' ? { kind, unsent: false, reused: false } : undefined)) {
        attempt.discard(rawHeaders)
        return
      }
    } else {
      visit.failed = false
      visit.gate!.outliers[attempt.variant]!.success(attempt.endpoint.slot)
    }
    this.#respond(attempt, status, rawHeaders)
  }

  #respond(attempt: Attempt, status: number, rawHeaders: string[]): void {
    const { requestId, setCookie, head } = this.visit
    const { httpVersion } = head!
    const framing = validStatus(status)
      ? responseFraming(this.#downstream.method, status, rawHeaders, httpVersion)
      : undefined
    const headers =
      framing && responseHeaders(rawHeaders, { httpVersion, status, framing, requestId, setCookie, upgrade: false })
    if (!headers || !this.#downstream.respond(status, headers)) {
      this.#brokenAnswer(attempt)
      return
    }
    this.#status = status
    this.#mirror?.served(status, rawHeaders)
    // Refused in the middle of the upload: the rest of it has no reader (RFC 9110 15.5.14). An answer that streams beside it goes on.
    if (status >= 400 && this.#body && !this.#body.complete) this.#body.stop()
  }

  /** The answer is no HTTP that could be passed on. */
  #brokenAnswer(attempt: Attempt): void {
    this.#judge(attempt, 'reset', errorSpec('upstream-protocol').status)
    attempt.abort()
    if (!this.#again(attempt, { kind: 'reset', unsent: false, reused: false })) this.#refuse('upstream-protocol')
  }

  data(_attempt: Attempt, chunk: Buffer): boolean {
    this.visit.responseBytes += chunk.length
    return this.#downstream.write(chunk)
  }

  ended(attempt: Attempt, trailers: string[]): void {
    const { visit } = this
    if (this.#grpc && !attempt.bad && grpcFailed(trailers)) this.#judge(attempt, 'grpc', this.#status)
    visit.saved = visit.rescued && !visit.failed
    this.#downstream.end(trailers)
    this.#finish(this.#status)
  }

  failed(attempt: Attempt, failure: UpstreamFailure): void {
    const code = codeOf(failure, attempt.answered)
    const kind = kindOf(failure)
    if (kind === undefined) {
      // Not the endpoint's doing: a request that cannot be sent as the client framed it.
      this.#giveUp(code)
      return
    }
    const outcome = { kind, unsent: failure.unsent, reused: failure.reused }
    // A reset on reuse that is replayed is nobody's failure: repeated before anything is judged.
    if (failure.reused && this.#retry(attempt, outcome)) return
    this.#judge(attempt, kind, errorSpec(code).status)
    if (!this.#again(attempt, failure.reused ? undefined : outcome)) this.#giveUp(code)
  }

  // --- repeat or rescue

  #judge(attempt: Attempt, kind: FailureKind, status: number): void {
    const { visit } = this
    visit.attemptFailed(attempt.variant, kind, attempt.endpoint, status)
    attempt.bad = visit.failed
    if (kind !== 'grpc') visit.gate!.outliers[attempt.variant]!.failure(attempt.endpoint.slot)
  }

  /** Begins another attempt, within the variant or on serving, if one is allowed. `outcome`: undefined = not within the variant. */
  #again(attempt: Attempt, outcome: AttemptOutcome | undefined): boolean {
    return (outcome !== undefined && this.#retry(attempt, outcome)) || this.#rescue(attempt.variant)
  }

  #retry(attempt: Attempt, outcome: AttemptOutcome): boolean {
    const { visit } = this
    const gate = visit.gate!
    const request = { method: this.#downstream.method, replayable: this.#replayable(), retries: visit.retries }
    if (!mayRetry(gate.spec.upstream, request, outcome)) return false
    // A request takes one from the budget, however often it is repeated.
    if (!this.#retrying && !gate.retryBudget.take(gate.active)) return false
    this.#retrying = true
    visit.retries++
    visit.flags.push('retried')
    gate.recorder.retried()
    this.#forward(attempt.variant, attempt.endpoint)
    return true
  }

  /** Serving answers in the candidate's place, if it may. */
  #rescue(variant: number): boolean {
    const { visit } = this
    const gate = visit.gate!
    const serving = gate.servingOf(visit.epoch)
    if (serving < 0 || variant === serving || !visit.failed) return false
    const { method } = this.#downstream
    const request = { method, replayable: this.#replayable(), onCandidate: visit.onCandidate, rescued: visit.rescued }
    if (!mayRescue({ enabled: gate.spec.rescue.enabled, methods: gate.rescueMethods }, request)) return false
    if (!gate.rescueBudget.take(gate.recorder.variantInFlight(serving))) return false
    this.#rescuing = true
    visit.rescue()
    this.#forward(serving, undefined)
    return true
  }

  #replayable(): boolean {
    return this.#status === 0 && (this.#body === undefined || this.#body.replayable)
  }

  // --- the client's side

  onDrain(): void {
    this.#attempt?.resume()
  }

  onAbort(): void {
    if (this.#over) return
    this.#attempt?.abort()
    this.#over = true
    this.#settle()
    this.visit.abort()
  }

  onBodyTooLarge(): void {
    this.#attempt?.abort()
    this.#giveUp('body-too-large')
  }

  onBodyComplete(): void {
    const whole = this.#mirror && this.#body!.whole
    if (whole) this.#mirror!.send(whole)
  }

  /** An answer of the proxy's own. */
  #refuse(code: ErrorCode): void {
    if (this.#over) return
    this.visit.flags.push(errorSpec(code).flag)
    this.#body?.stop()
    const { status } = errorSpec(code)
    const body = this.#downstream.method === 'HEAD' ? undefined : problemBody(code)
    this.#downstream.respond(status, problemHeaders(code, this.visit.requestId))
    if (body) {
      this.visit.responseBytes = body.length
      this.#downstream.write(body)
    }
    this.#downstream.end([])
    this.#finish(status)
  }

  /** Says so while that is possible; an answer that has begun is cut, as the client must not take it for whole. */
  #giveUp(code: ErrorCode): void {
    if (this.#status === 0) {
      this.#refuse(code)
      return
    }
    this.visit.flags.push(errorSpec(code).flag)
    this.#downstream.destroy()
    this.#finish(this.#status)
  }

  #finish(status: number): void {
    if (this.#over) return
    this.#over = true
    this.#settle()
    this.visit.finish(status)
  }

  #settle(): void {
    const { visit } = this
    const gate = visit.gate
    if (this.#retrying) gate!.retryBudget.release()
    if (this.#rescuing) gate!.rescueBudget.release()
    if (this.#body) {
      visit.requestBytes = this.#body.bytes
      this.#body.stop()
    }
    this.#mirror?.settled(visit.responseBytes)
  }
}
