import type { Decision } from '../release/outcome.ts'
import { coreOf, type Release, releaseOf, type State } from '../release/state.ts'
import type { Inquiries } from './inquiries.ts'
import type { Scene } from './scene.ts'

/** Tells subscribers, metrics and hooks of the decisions that stand. */
export class Reporter {
  readonly #scene: Scene
  readonly #inquiries: Inquiries
  /** When traffic was last taken away from the candidate, until that is reported. */
  #weightZeroMs: number | undefined

  constructor(scene: Scene, inquiries: Inquiries) {
    this.#scene = scene
    this.#inquiries = inquiries
  }

  /** The candidate's weight is being taken away: a rollback lasts from now until it is reported. */
  defending(nowMs: number): void {
    this.#weightZeroMs = nowMs
  }

  report(decisions: readonly Decision[], state: State): void {
    const { key, around } = this.#scene
    const release = releaseOf(state)
    for (const decision of decisions) {
      around.environment.telemetry.setPhase(key, decision.phase)
      around.publish({ type: 'decision', key, release: release?.id ?? '', decision })
      this.#inquiries.tell(decision)
      const ended = coreOf(state) === undefined && decision.phase === state.phase
      if (release !== undefined && ended) this.#ended(release, decision)
    }
    this.#weightZeroMs = undefined
    around.publish({ type: 'gate', key })
  }

  #ended(release: Release, { phase, time, reason }: Decision): void {
    // Weights by hand after an end, and a rollback that could not be made: the release ended before.
    if (reason === 'ManualWeights' || (reason === 'NotReady' && phase === 'Succeeded')) return
    const { telemetry, clock } = this.#scene.around.environment
    const seconds = Math.max(0, (Date.parse(time) - Date.parse(release.startedAt)) / 1000)
    telemetry.releaseEnded(this.#scene.key, release.strategy, phase, seconds)
    if (phase !== 'RolledBack' || this.#weightZeroMs === undefined) return
    telemetry.rollbackEnded(this.#scene.key, release.strategy, (clock.nowMs() - this.#weightZeroMs) / 1000)
  }
}
