import type { Clock } from '../../clock.ts'
import { type Block, Endpoint, endpointAt } from '../../metrics/index.ts'
import type { EndpointSpec, UpstreamSpec } from '../snapshot.ts'

/** The longest ejection, however often an endpoint was ejected before. */
export const MAX_EJECTION_S = 300

/** What outlier ejection reads of an upstream's configuration. */
export type EjectionSpec = Pick<UpstreamSpec, 'consecutive5xx' | 'baseEjectionMs' | 'maxEjectedPercent'>

/** Whether an endpoint is ejected at `nowS` (Clock.nowMs / 1000). Two loads: called for every pick. */
export function isEjected(block: Block, slot: number, nowS: number): boolean {
  const untilS = Atomics.load(block.words, endpointAt(block.layout, slot) + Endpoint.ejectedUntilS)
  return untilS !== 0 && untilS > nowS
}

/**
 * Takes endpoints that fail in a row out of rotation for a while. Counts are shared by all workers (Atomics on the
 * block's words), so that N workers do not need N times the failures. One detector a variant and worker.
 */
export class OutlierDetector {
  readonly #block: Block
  readonly #endpoints: readonly EndpointSpec[]
  readonly #spec: EjectionSpec
  readonly #clock: Clock

  /** `endpoints`: all of one variant; only they count for maxEjectedPercent. */
  constructor(block: Block, endpoints: readonly EndpointSpec[], spec: EjectionSpec, clock: Clock) {
    this.#block = block
    this.#endpoints = endpoints
    this.#spec = spec
    this.#clock = clock
  }

  /** An answer that is not a 5xx came from the endpoint: its failures in a row and its record of ejections are forgotten. */
  success(slot: number): void {
    const { words, layout } = this.#block
    const at = endpointAt(layout, slot)
    // Plain loads first: in the healthy case nothing is written, so the cache line stays shared by all workers.
    if (words[at + Endpoint.consecutive] !== 0) Atomics.store(words, at + Endpoint.consecutive, 0)
    if (words[at + Endpoint.ejections] !== 0 && !isEjected(this.#block, slot, this.#nowS())) {
      Atomics.store(words, at + Endpoint.ejections, 0)
      Atomics.store(words, at + Endpoint.ejectedUntilS, 0)
    }
  }

  /**
   * A 5xx, or a connect, reset or timeout failure of the endpoint (never a client's abort). True: it was ejected just
   * now. An endpoint that came back from an ejection is on probation: its first failure ejects it again, for longer.
   */
  failure(slot: number): boolean {
    if (this.#spec.consecutive5xx === 0) return false
    const { words, layout } = this.#block
    const at = endpointAt(layout, slot)
    const failures = Atomics.add(words, at + Endpoint.consecutive, 1) + 1
    const nowS = this.#nowS()
    const untilS = Atomics.load(words, at + Endpoint.ejectedUntilS)
    // Requests that were running when it was ejected end in failures too: they must not eject it a second time.
    if (untilS > nowS) return false
    const onProbation = untilS !== 0
    if (failures < this.#spec.consecutive5xx && !onProbation) return false
    if (!this.#mayEject(nowS)) return false
    const ejections = Atomics.load(words, at + Endpoint.ejections) + 1
    const timeS = Math.min((this.#spec.baseEjectionMs / 1000) * ejections, MAX_EJECTION_S)
    // The worker whose exchange succeeds ejects; another one that decided the same in the same moment does nothing.
    const until = Math.max(1, Math.ceil(nowS + timeS))
    if (Atomics.compareExchange(words, at + Endpoint.ejectedUntilS, untilS, until) !== untilS) return false
    Atomics.store(words, at + Endpoint.ejections, ejections)
    Atomics.store(words, at + Endpoint.consecutive, 0)
    return true
  }

  /** Endpoints that are ejected now. */
  ejected(): number {
    const nowS = this.#nowS()
    let count = 0
    for (const { slot } of this.#endpoints) if (isEjected(this.#block, slot, nowS)) count++
    return count
  }

  /** One may always be out where there are two or more; the last one never is. */
  #mayEject(nowS: number): boolean {
    const total = this.#endpoints.length
    let out = 0
    for (const { slot } of this.#endpoints) if (isEjected(this.#block, slot, nowS)) out++
    const allowed = Math.max(1, Math.floor((total * this.#spec.maxEjectedPercent) / 100))
    return out < Math.min(allowed, total - 1)
  }

  #nowS(): number {
    return this.#clock.nowMs() / 1000
  }
}
