import type { WorkloadEffect } from '../environment.ts'
import { demands } from '../release/demands.ts'
import type { Effect, SetWeights } from '../release/effects.ts'
import { coreOf, type State, standingOf } from '../release/state.ts'
import type { Inquiries } from './inquiries.ts'
import type { Scene } from './scene.ts'
import type { Steering } from './steering.ts'
import type { Trials } from './trials.ts'

/** Makes the world what a state demands; what was performed before is not repeated. */
export class Performer {
  readonly #scene: Scene
  readonly #steering: Steering
  readonly #trials: Trials
  readonly #inquiries: Inquiries
  /** Demands that are met, as text. */
  #met: ReadonlySet<string> = new Set()
  #ejected = false

  constructor(scene: Scene, parts: { steering: Steering; trials: Trials; inquiries: Inquiries }) {
    this.#scene = scene
    this.#steering = parts.steering
    this.#trials = parts.trials
    this.#inquiries = parts.inquiries
  }

  /** All that the state demands. */
  perform(state: State): void {
    if (this.#steering.lost) this.#reopen(state)
    const wanted = demands(this.#scene.policy, state)
    const before = this.#met
    this.#met = new Set(wanted.map((effect) => JSON.stringify(effect)))
    this.#readmit(wanted)
    for (const effect of wanted) {
      if (effect.type === 'SetWeights') this.#steering.set(effect)
      else if (effect.type === 'ResetCounters') this.#trials.reset(standingOf(state).roles, effect.trial, effect.mark)
      else if (!before.has(JSON.stringify(effect))) this.#do(effect)
    }
    if (coreOf(state) !== undefined) return
    this.#trials.end()
    // Without a release section no demand says so.
    this.#inquiries.rest()
  }

  /** The weights alone: what cannot wait. */
  steer(state: State): void {
    for (const effect of demands(this.#scene.policy, state)) {
      if (effect.type === 'SetWeights') this.#steering.set(effect)
    }
  }

  #do(effect: Exclude<Effect, SetWeights | { type: 'ResetCounters' }>): void {
    switch (effect.type) {
      case 'CallHook':
        void this.#inquiries.ask(effect)
        break
      case 'RunChecks':
        this.#inquiries.check(effect)
        break
      case 'EjectEndpoint':
        this.#scene.env.eject(effect.endpoint)
        this.#ejected = true
        break
      case 'Notify':
        break
      default:
        this.#scene.env.perform?.(effect satisfies WorkloadEffect)
    }
  }

  /** Nothing is to be out any more: the release is over, or begins anew. */
  #readmit(wanted: readonly Effect[]): void {
    if (!this.#ejected || wanted.some(({ type }) => type === 'EjectEndpoint')) return
    this.#scene.env.readmit()
    this.#ejected = false
  }

  /** The gate got another block of shared memory: everything is steered anew. */
  #reopen(state: State): void {
    this.#steering.forget()
    this.#trials.reopen(standingOf(state).roles)
    this.#met = new Set([...this.#met].filter((text) => !text.includes('EjectEndpoint')))
  }
}
