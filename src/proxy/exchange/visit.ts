import type { FailureKind, RequestObservation } from '../../metrics/index.ts'
import { type ErrorCode, errorSpec } from '../errors.ts'
import type { GateRuntime } from '../gate-runtime.ts'
import { joinedHeader } from '../headers/raw.ts'
import { requestHeaders, requestIdOf } from '../headers/request.ts'
import { traceIdOf } from '../headers/trace.ts'
import { canonicalAddress, clientAddress } from '../headers/trusted.ts'
import { loops } from '../headers/via.ts'
import type { FailureSample } from '../messages.ts'
import { type CheckedHead, checkHead } from '../request/check.ts'
import { matchRoute, NO_ROUTE } from '../route/router.ts'
import type { Runtime } from '../runtime.ts'
import type { EndpointSpec, GateSpec } from '../snapshot.ts'
import type { AssignReason } from '../split/assign.ts'
import { stickyCookie } from '../split/sticky.ts'
import type { Incoming } from './downstream.ts'

/** An endpoint's first requests have no latency for the judge: pools, caches and compilers are cold. */
export const COLD_REQUESTS = 20

/**
 * The book of one request, an exchange's or a tunnel's: who came, where it was split to, what every attempt came to, and
 * the client's outcome. Whatever happens it is opened once and finished once; nothing else counts.
 */
export class Visit {
  readonly runtime: Runtime
  readonly incoming: Incoming
  readonly startMs: number
  /** Set by `open`, in this order, as far as it came. */
  requestId = ''
  head: CheckedHead | undefined
  gate: GateRuntime | undefined
  clientIp = ''
  trusted = false
  epoch = 0
  /** The variant that the request was split to, whoever answers it in the end. */
  variant = -1
  reason: AssignReason = 'weight'
  /** Value of Set-Cookie for the answer, or ''. */
  setCookie = ''
  /** It was split onto the candidate of a release: it may be rescued, and its failure harms. */
  onCandidate = false
  observation: RequestObservation | undefined

  attempts = 0
  retries = 0
  /** Serving was asked in the candidate's place. */
  rescued = false
  /** Serving's answer reached the client whole: only then was the rescue one. */
  saved = false
  endpoint: EndpointSpec | undefined
  upstreamMs = -1
  requestBytes = 0
  responseBytes = 0
  /** The client's outcome, so far: the last failure that has not been made good by another attempt. */
  failed = false
  flags: string[] = []
  #eventStream = false
  /** The first failure on the variant, so that a decision can name it. */
  #example: Pick<FailureSample, 'kind' | 'endpoint' | 'status'> | undefined
  #finished = false

  constructor(runtime: Runtime, incoming: Incoming) {
    this.runtime = runtime
    this.incoming = incoming
    this.startMs = runtime.services.clock.nowMs()
  }

  /** Checks the head, finds the gate, chooses the variant. undefined: go on. */
  open(): ErrorCode | undefined {
    const { runtime, incoming } = this
    const { services, snapshot } = runtime
    const peer = canonicalAddress(incoming.peerAddress)
    this.trusted = runtime.trusted.has(peer)
    this.requestId = requestIdOf(incoming.rawHeaders, this.trusted, services.newId)
    this.clientIp = this.trusted
      ? clientAddress(peer, joinedHeader(incoming.rawHeaders, 'x-forwarded-for'), runtime.trusted)
      : peer
    const { method, target, rawHeaders, httpVersion, authority } = incoming
    const head = checkHead({ method, target, rawHeaders, httpVersion, authority, limits: snapshot.limits })
    if (!head.ok) return head.code
    this.head = head
    // OPTIONS * asks about the server itself, not about anything of a gate's, and undici cannot pass it on.
    if (head.path === '*') return 'bad-target'
    if (loops(rawHeaders)) return 'loop-detected'
    const index = matchRoute(runtime.router, head)
    if (index < 0) return index === NO_ROUTE ? 'no-route' : 'unsafe-path'
    this.#split(runtime.gates[index]!)
    return undefined
  }

  #split(gate: GateRuntime): void {
    const { incoming, runtime } = this
    const { recorder, assigner, spec } = gate
    const epoch = recorder.epoch()
    const { variant, reason, bucket, setBucket, split, observable } = assigner.assign(
      epoch,
      recorder.shut(epoch),
      incoming.rawHeaders,
      this.clientIp,
    )
    this.gate = gate
    this.epoch = epoch
    this.variant = variant
    this.reason = reason
    if (setBucket && spec.sticky) this.setCookie = stickyCookie(spec.sticky, bucket, incoming.secure, gate.sign)
    gate.active++
    recorder.begin(variant, split)
    if (!split) return
    this.onCandidate = gate.candidateOf(epoch) === variant
    if (!observable) return
    this.observation = recorder.observe(epoch, variant, bucket)
    if (this.observation) {
      runtime.services.observed(gate)
      this.#eventStream = joinedHeader(incoming.rawHeaders, 'accept').includes('text/event-stream')
    }
  }

  /** The headers to send upstream. */
  upstreamHeaders(): string[] {
    const { incoming, head } = this
    return requestHeaders(incoming.rawHeaders, {
      httpVersion: head!.httpVersion,
      authority: head!.authority,
      peerAddress: canonicalAddress(incoming.peerAddress),
      clientAddress: this.clientIp,
      trusted: this.trusted,
      scheme: incoming.secure ? 'https' : 'http',
      port: incoming.localPort,
      requestId: this.requestId,
      upgrade: head!.upgrade,
    })
  }

  /** Whether the latency of an attempt is judged. */
  timed(cold: boolean): boolean {
    return !cold && !this.#eventStream
  }

  /** An attempt on `variant`, or the search for an endpoint of it, failed. */
  attemptFailed(variant: number, kind: FailureKind, endpoint: EndpointSpec | undefined, status: number): void {
    const gate = this.gate!
    gate.recorder.failure(variant, kind)
    this.failed = gate.counts(kind)
    if (!this.flags.includes(kind)) this.flags.push(kind)
    if (variant !== this.variant) return
    if (this.failed) this.observation?.bad()
    this.#example ??= { kind, endpoint: endpoint?.name ?? '', status }
  }

  /** Serving takes over: the candidate's part in this request is over, and judged as it is now. */
  rescue(): void {
    this.rescued = true
    this.failed = false
    this.observation?.end()
    this.observation = undefined
  }

  /** The client went away before the answer was complete. */
  abort(): void {
    this.flags.push(errorSpec('client-abort').flag)
    this.observation?.aborted(this.#nowUs())
    this.failed = false
    this.finish(errorSpec('client-abort').status)
  }

  /** The last word, once: `status` is what the client got. `durationMs`: where it is not the time until now. */
  finish(status: number, durationMs?: number): void {
    if (this.#finished) return
    this.#finished = true
    const nowMs = this.runtime.services.clock.nowMs()
    const durationUs = Math.max(0, Math.round((durationMs ?? nowMs - this.startMs) * 1000))
    const { gate } = this
    if (gate) {
      const { recorder } = gate
      this.observation?.end()
      recorder.end(this.variant, status, durationUs, this.failed)
      // A failed rescue is serving's failure as well: without a release the user would have met it too.
      if (this.saved) recorder.rescued()
      if (this.onCandidate && this.failed && !this.rescued) recorder.harmed(this.epoch)
      gate.active--
      if (this.#example) this.#sample(gate.spec, this.#example, Math.round(nowMs - this.startMs))
    }
    if (this.runtime.services.accessLog?.wants(status, this.rescued))
      this.#log(status, Math.max(0, Math.round((nowMs - this.startMs) * 1000)))
  }

  #sample(spec: GateSpec, example: Pick<FailureSample, 'kind' | 'endpoint' | 'status'>, ms: number): void {
    const path = this.head!.routePath
    this.runtime.services.sample({
      gate: spec.key,
      variant: spec.variants[this.variant]!.name,
      ...example,
      path: path.length > 256 ? path.slice(0, 256) : path,
      requestId: this.requestId,
      ms,
      rescued: this.saved,
    })
  }

  #log(status: number, durationUs: number): void {
    const { services } = this.runtime
    const { incoming, gate } = this
    services.accessLog!.write({
      wallMs: services.clock.wallMs() - durationUs / 1000,
      durationUs,
      method: incoming.method,
      requestId: this.requestId,
      requestBytes: this.requestBytes,
      status,
      responseBytes: this.responseBytes,
      host: this.head?.host ?? '',
      path: this.head?.path ?? incoming.target,
      clientIp: this.clientIp,
      userAgent: joinedHeader(incoming.rawHeaders, 'user-agent') || undefined,
      traceId: traceIdOf(incoming.rawHeaders) || undefined,
      gate: gate?.spec.key,
      variant: gate?.spec.variants[this.variant]?.name,
      variantReason: gate ? this.reason : undefined,
      endpoint: this.endpoint?.name,
      upstreamMs: this.upstreamMs >= 0 ? this.upstreamMs : undefined,
      attempts: this.attempts,
      rescued: this.rescued,
      flags: this.flags,
    })
  }

  #nowUs(): number {
    return this.runtime.services.clock.nowMs() * 1000
  }
}
