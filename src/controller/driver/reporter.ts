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

  /** The end that was counted last, or was there when the process began: later decisions in the same phase are no other end. */
  #counted: string | undefined

  /** `state`: the one that is known already. */
  constructor(scene: Scene, inquiries: Inquiries, state: State) {
    this.#scene = scene
    this.#inquiries = inquiries
    this.#counted = endOf(state)
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
      const end = decision.phase === state.phase ? endOf(state) : undefined
      if (release === undefined || end === undefined || end === this.#counted) continue
      this.#counted = end
      this.#ended(release, decision)
    }
    this.#weightZeroMs = undefined
    around.publish({ type: 'gate', key })
  }

  #ended(release: Release, { phase, time }: Decision): void {
    const { telemetry, clock } = this.#scene.around.environment
    const seconds = Math.max(0, (Date.parse(time) - Date.parse(release.startedAt)) / 1000)
    telemetry.releaseEnded(this.#scene.key, release.strategy, phase, seconds)
    if (phase !== 'RolledBack' || this.#weightZeroMs === undefined) return
    telemetry.rollbackEnded(this.#scene.key, release.strategy, (clock.nowMs() - this.#weightZeroMs) / 1000)
  }
}

/** Names an end of a release; undefined while it runs. A promotion that is rolled back later is another end. */
const endOf = (state: State): string | undefined =>
  coreOf(state) === undefined && releaseOf(state) !== undefined ? `${releaseOf(state)!.id} ${state.phase}` : undefined
