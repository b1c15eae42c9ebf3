import type { GateRuntime } from '../gate-runtime.ts'
import { joinedHeader } from '../headers/raw.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamHandler } from '../upstream/call.ts'
import type { Visit } from './visit.ts'

/** Copies of one gate and worker that may run at once; above it requests are not mirrored. */
const MAX_IN_FLIGHT = 100
/** An answer is read up to here; a longer one is broken off and its length taken from Content-Length. */
const MAX_ANSWER_BYTES = 1024 * 1024

/** Tells the candidate's program that nobody waits for this answer; requestHeaders keeps clients from sending it. */
export const MIRROR_HEADER = 'x-streamgate-mirror'

interface Answer {
  status: number
  /** Bytes of the body, or what Content-Length says; -1 = unknown. */
  length: number
}

/**
 * A copy of a serving request for the candidate: compared in status and length, then forgotten. The client never waits
 * for it, nothing of it is observed by the judge, and it takes no part in retries, ejection or in-flight counts.
 */
export class Mirror implements UpstreamHandler {
  readonly #visit: Visit
  readonly #candidate: number
  readonly #headers: readonly string[]
  #call: UpstreamCall | undefined
  #sent = false
  #served: Answer | undefined
  #servedOver = false
  #answer: Answer = { status: 0, length: -1 }
  #bytes = 0
  #outcome: 'pending' | 'complete' | 'failed' | 'counted' = 'pending'

  private constructor(visit: Visit, candidate: number, headers: readonly string[]) {
    this.#visit = visit
    this.#candidate = candidate
    this.#headers = headers
  }

  /** A mirror for this request if it is drawn, else undefined. */
  static of(visit: Visit, headers: readonly string[]): Mirror | undefined {
    const gate = visit.gate!
    const { percent } = gate.spec.mirror
    if (percent === 0 || gate.mirrorsInFlight >= MAX_IN_FLIGHT || gate.servingOf(visit.epoch) !== visit.variant) {
      return undefined
    }
    const candidate = gate.candidateOf(visit.epoch)
    if (candidate < 0 || visit.runtime.services.random() * 100 >= percent) return undefined
    return new Mirror(visit, candidate, headers)
  }

  get #gate(): GateRuntime {
    return this.#visit.gate!
  }

  /** Sends the copy; the body is whole and within mirror.maxBodyBytes, or there is none. */
  send(body: Buffer | null): void {
    const gate = this.#gate
    if (this.#sent || (body && body.length > gate.spec.mirror.maxBodyBytes)) return
    const endpoint = gate.balancers[this.#candidate]!.pick()
    if (typeof endpoint === 'string') return
    this.#sent = true
    gate.active++
    gate.mirrorsInFlight++
    this.#visit.flags.push('mirrored')
    const headers = [...this.#headers, MIRROR_HEADER, '1']
    const { method } = this.#visit.incoming
    const { path } = this.#visit.head!
    const call = gate.upstream.send(endpoint, { method, path, headers, body }, this)
    this.#call = call
  }

  /** Serving's head has gone to the client. */
  served(status: number, rawHeaders: readonly string[]): void {
    this.#served = { status, length: lengthOf(rawHeaders) }
  }

  /** Serving's answer has ended, one way or the other, after `bytes` of body. */
  settled(bytes: number): void {
    this.#servedOver = true
    if (this.#served && this.#served.length < 0) this.#served.length = bytes
    this.#compare()
  }

  onSent(): void {}
  onInformation(): void {}

  onResponse(status: number, rawHeaders: string[]): void {
    this.#answer = { status, length: lengthOf(rawHeaders) }
  }

  onData(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES) {
      this.#over('complete')
      this.#call?.abort()
    }
    return true
  }

  onEnd(): void {
    if (this.#answer.length < 0) this.#answer.length = this.#bytes
    this.#over('complete')
  }

  onFailure(_failure: UpstreamFailure): void {
    this.#over('failed')
  }

  #over(outcome: 'complete' | 'failed'): void {
    if (this.#outcome !== 'pending') return
    this.#outcome = outcome
    this.#gate.active--
    this.#gate.mirrorsInFlight--
    this.#compare()
  }

  /** Once both answers are over. A client that left before serving answered leaves nothing to compare with. */
  #compare(): void {
    if (!this.#servedOver || this.#outcome === 'pending' || this.#outcome === 'counted') return
    const failed = this.#outcome === 'failed'
    this.#outcome = 'counted'
    const served = this.#served
    if (!served) return
    this.#gate.recorder.mirrored({
      failed,
      statusDiffers: !failed && served.status !== this.#answer.status,
      lengthDiffers: !failed && this.#answer.length >= 0 && served.length !== this.#answer.length,
    })
  }
}

/** Content-Length, or -1. */
function lengthOf(rawHeaders: readonly string[]): number {
  const text = joinedHeader(rawHeaders, 'content-length')
  return text === '' ? -1 : Number(text)
}
