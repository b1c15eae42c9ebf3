import { joinedHeader } from '../headers/raw.ts'
import type { EndpointSpec } from '../snapshot.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamHandler } from '../upstream/call.ts'
import { isGrpc } from './grpc.ts'
import { COLD_REQUESTS, type Visit } from './visit.ts'

/** Longest body of a failed answer that is read to its end, so that the connection can be used again. */
const DISCARD_BYTES = 65_536

/** Who an attempt reports to, as long as it is the current one. */
export interface AttemptOwner {
  readonly visit: Visit
  informed(attempt: Attempt, status: number, rawHeaders: string[]): void
  answered(attempt: Attempt, status: number, rawHeaders: string[]): void
  /** False: pause until `resume`. */
  data(attempt: Attempt, chunk: Buffer): boolean
  ended(attempt: Attempt, trailers: string[]): void
  failed(attempt: Attempt, failure: UpstreamFailure): void
}

/** One attempt on one endpoint: books it, measures it, and tells its owner until it is let go. */
export class Attempt implements UpstreamHandler {
  readonly variant: number
  readonly endpoint: EndpointSpec
  /** The response head has come. */
  answered = false
  /** It counts as failed: set by its owner. */
  bad = false
  readonly #owner: AttemptOwner
  readonly #cold: boolean
  #call: UpstreamCall | undefined
  #sentMs = -1
  #state: 'live' | 'discarding' | 'over' = 'live'
  #discarded = 0

  constructor(owner: AttemptOwner, variant: number, endpoint: EndpointSpec) {
    this.#owner = owner
    this.variant = variant
    this.endpoint = endpoint
    const { visit } = owner
    const { recorder } = visit.gate!
    visit.attempts++
    visit.endpoint = endpoint
    visit.upstreamMs = -1
    recorder.attempt(variant)
    this.#cold = recorder.pick(endpoint.slot) < COLD_REQUESTS
  }

  /** The call that carries it; it may have failed already. */
  set call(call: UpstreamCall) {
    this.#call = call
    if (this.#state === 'over') call.abort()
  }

  pause(): void {
    this.#call?.pause()
  }

  resume(): void {
    this.#call?.resume()
  }

  /** Breaks it off; the owner hears no more of it. */
  abort(): void {
    this.#finish()
    this.#call?.abort()
  }

  /** Nobody wants the answer: reads it to its end where that is short, else breaks it off. The owner hears no more of it. */
  discard(rawHeaders: readonly string[]): void {
    if (this.#state !== 'live') return
    const long = Number(joinedHeader(rawHeaders, 'content-length')) > DISCARD_BYTES
    const events = joinedHeader(rawHeaders, 'content-type').startsWith('text/event-stream')
    // A stream of messages may be silent for ever.
    if (long || events || isGrpc(rawHeaders)) this.abort()
    else this.#state = 'discarding'
  }

  onSent(_reused: boolean): void {
    if (this.#state !== 'live') return
    const { visit } = this.#owner
    this.#sentMs = visit.runtime.services.clock.nowMs()
    if (this.variant === visit.variant && visit.timed(this.#cold)) visit.observation?.sent(this.#sentMs * 1000)
  }

  onInformation(status: number, rawHeaders: string[]): void {
    if (this.#state !== 'live') return
    this.#firstByte()
    this.#owner.informed(this, status, rawHeaders)
  }

  onResponse(status: number, rawHeaders: string[]): void {
    if (this.#state !== 'live') return
    this.#firstByte()
    this.answered = true
    this.#owner.answered(this, status, rawHeaders)
  }

  #firstByte(): void {
    const { visit } = this.#owner
    if (visit.upstreamMs >= 0) return
    const nowMs = visit.runtime.services.clock.nowMs()
    if (this.variant === visit.variant) visit.observation?.answered(nowMs * 1000)
    // An answer that came before the request was sent completely has no latency.
    visit.upstreamMs = this.#sentMs < 0 ? 0 : nowMs - this.#sentMs
    if (this.#sentMs >= 0) visit.gate!.recorder.latency(this.variant, Math.round(visit.upstreamMs * 1000))
  }

  onData(chunk: Buffer): boolean {
    if (this.#state === 'live') return this.#owner.data(this, chunk)
    this.#discarded += chunk.length
    if (this.#state === 'discarding' && this.#discarded > DISCARD_BYTES) this.abort()
    return true
  }

  onEnd(trailers: string[]): void {
    const live = this.#state === 'live'
    if (live) this.#owner.ended(this, trailers)
    this.#finish()
  }

  onFailure(failure: UpstreamFailure): void {
    const live = this.#state === 'live'
    if (live) {
      // Over before the owner hears of it, which may begin the next attempt at once.
      this.#state = 'over'
      this.#owner.failed(this, failure)
      this.#release()
    } else this.#finish()
  }

  #finish(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#release()
  }

  #release(): void {
    this.#owner.visit.gate!.recorder.release(this.endpoint.slot, this.bad)
  }
}
