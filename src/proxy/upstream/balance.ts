import type { Clock } from '../../clock.ts'
import { type Block, Endpoint, endpointAt, type GateRecorder } from '../../metrics/index.ts'
import type { Random } from '../../random.ts'
import type { EndpointSpec, UpstreamSpec } from '../snapshot.ts'
import { isEjected } from './ejection.ts'

/** What a balancer needs; all of one variant of one gate, in one worker. */
export interface BalancerOptions {
  block: Block
  endpoints: readonly EndpointSpec[]
  spec: Pick<UpstreamSpec, 'loadBalancing' | 'maxRequests'>
  /** Requests in flight of all workers together. */
  recorder: Pick<GateRecorder, 'endpointInFlight'>
  clock: Clock
  random: Random
}

/** How often two endpoints are drawn at random before all of them are looked at. */
const DRAWS = 4

/**
 * Chooses the endpoint of a request. Endpoints that failed their health check get nothing: when all did, the variant is
 * `empty`. Ejection is only a guess from a few requests: when every healthy endpoint is ejected, ejection is ignored
 * (Envoy's panic mode) rather than the variant given up. O(1) expected, no allocation.
 */
export class Balancer {
  readonly #options: BalancerOptions
  /** Endpoint.unhealthy words of the endpoints. */
  readonly #unhealthyAt: Int32Array
  #next: number

  constructor(options: BalancerOptions) {
    this.#options = options
    this.#unhealthyAt = Int32Array.from(
      options.endpoints,
      ({ slot }) => endpointAt(options.block.layout, slot) + Endpoint.unhealthy,
    )
    // Workers start at different endpoints, so that their first requests do not all meet at one.
    this.#next = Math.floor(options.random() * options.endpoints.length)
  }

  /** True when no endpoint is healthy (or there is none): what `whenEmpty` asks. */
  get empty(): boolean {
    for (let i = 0; i < this.#unhealthyAt.length; i++) if (this.#healthy(i)) return false
    return true
  }

  /**
   * `empty`: no healthy endpoint. `overflow`: all usable ones have maxRequests in flight. `exclude`: the endpoint that a
   * retry should avoid; it is chosen all the same when it is the only one left. The caller does recorder.pick and release.
   */
  pick(exclude?: EndpointSpec): EndpointSpec | 'empty' | 'overflow' {
    const { endpoints, spec } = this.#options
    const count = endpoints.length
    if (count === 0) return 'empty'
    const nowS = this.#options.clock.nowMs() / 1000
    if (count > 1) {
      const chosen = spec.loadBalancing === 'RoundRobin' ? this.#turn(nowS, exclude) : this.#draw(nowS, exclude)
      if (chosen !== undefined) return chosen
    }
    return this.#search(nowS, exclude)
  }

  /** Power of two choices: the less busy of two random endpoints; ties fall to the first drawn, which is random itself. */
  #draw(nowS: number, exclude: EndpointSpec | undefined): EndpointSpec | undefined {
    const { endpoints, random } = this.#options
    const count = endpoints.length
    for (let draw = 0; draw < DRAWS; draw++) {
      const first = Math.floor(random() * count)
      let second = Math.floor(random() * (count - 1))
      if (second >= first) second++
      const a = this.#room(first, nowS, exclude)
      const b = this.#room(second, nowS, exclude)
      // Both must be usable: taking the one that is would send it the share of the one that is not, and a neighbour's too.
      if (a >= 0 && b >= 0) return endpoints[b < a ? second : first]
    }
    return undefined
  }

  #turn(nowS: number, exclude: EndpointSpec | undefined): EndpointSpec | undefined {
    const { endpoints } = this.#options
    for (let step = 0; step < endpoints.length; step++) {
      const index = this.#next
      this.#next = index + 1 === endpoints.length ? 0 : index + 1
      if (this.#room(index, nowS, exclude) >= 0) return endpoints[index]
    }
    return undefined
  }

  /** In flight of an endpoint that can take one more; -1 when it cannot or should not. */
  #room(index: number, nowS: number, exclude: EndpointSpec | undefined): number {
    const { block, endpoints, recorder, spec } = this.#options
    const endpoint = endpoints[index]!
    if (!this.#healthy(index) || endpoint.slot === exclude?.slot || isEjected(block, endpoint.slot, nowS)) return -1
    const inFlight = recorder.endpointInFlight(endpoint.slot)
    return spec.maxRequests > 0 && inFlight >= spec.maxRequests ? -1 : Math.max(inFlight, 0)
  }

  /**
   * The rare case, all endpoints looked at. Wishes are given up one by one: first `exclude`, then the ejections (panic);
   * health and maxRequests never. Within a wish, the least busy endpoint; ties random (reservoir sampling).
   */
  #search(nowS: number, exclude: EndpointSpec | undefined): EndpointSpec | 'empty' | 'overflow' {
    const { block, endpoints, recorder, spec, random } = this.#options
    let best = -1
    let bestRank = 0
    let ties = 0
    let healthy = 0
    for (let i = 0; i < endpoints.length; i++) {
      if (!this.#healthy(i)) continue
      healthy++
      const { slot } = endpoints[i]!
      const inFlight = Math.max(recorder.endpointInFlight(slot), 0)
      if (spec.maxRequests > 0 && inFlight >= spec.maxRequests) continue
      const wishes = (isEjected(block, slot, nowS) ? 2 : 0) + (slot === exclude?.slot ? 1 : 0)
      const rank = wishes * 2 ** 31 + inFlight
      if (best < 0 || rank < bestRank) {
        best = i
        bestRank = rank
        ties = 1
      } else if (rank === bestRank) {
        ties++
        if (random() * ties < 1) best = i
      }
    }
    if (best >= 0) return endpoints[best]!
    return healthy === 0 ? 'empty' : 'overflow'
  }

  #healthy(index: number): boolean {
    return Atomics.load(this.#options.block.words, this.#unhealthyAt[index]!) === 0
  }
}
