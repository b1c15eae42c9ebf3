import { CheckRunner } from '../checks/runner.ts'
import type { HookPayload } from '../hooks/payload.ts'
import { demands } from '../release/demands.ts'
import type { Effect } from '../release/effects.ts'
import type { HookAnswer, Observation } from '../release/observation.ts'
import type { Decision } from '../release/outcome.ts'
import { releaseOf, type State, standingOf, stepOf } from '../release/state.ts'
import { percentages, weightsBps } from '../release/table.ts'
import type { Scene } from './scene.ts'

/** Whom a gate asks and tells: its hooks and checks, and what they answered. */
export class Inquiries {
  readonly #scene: Scene
  readonly #state: () => State
  readonly #answered: () => void
  readonly #checks: CheckRunner
  readonly #closing = new AbortController()
  #answers: Record<string, HookAnswer> = {}

  /** `state`: the present one; `answered`: called when a hook has answered. */
  constructor(scene: Scene, state: () => State, answered: () => void) {
    this.#scene = scene
    this.#state = state
    this.#answered = answered
    const { log } = scene.around.environment
    this.#checks = new CheckRunner({
      client: scene.around.hooks.client,
      payload: () => this.#payload('Check', `${scene.key}/${this.#checks.of}`),
      onResult: (check, result) =>
        log.info(
          { gate: scene.key, check: check.name, dryRun: check.dryRun, ...result },
          `check ${check.name}: ${result.result}`,
        ),
    })
  }

  /** Answers of hooks that somebody waits for, by the key of the call. */
  get answers(): Observation['hooks'] {
    return this.#answers
  }

  get checks(): Observation['checks'] {
    return { of: this.#checks.of ?? '', results: this.#checks.results() }
  }

  /** Checks begin anew. */
  check({ of, now }: Effect & { type: 'RunChecks' }): void {
    this.#checks.run(this.#scene.config.spec.analysis.checks, of, now)
  }

  /** No check runs any more. */
  rest(): void {
    if (this.#checks.of !== null) this.#checks.run([], null, false)
  }

  async ask({ key, phase, step }: Effect & { type: 'CallHook' }): Promise<void> {
    const { hooks } = this.#scene.config.spec
    const payload = { ...this.#payload(phase, `${this.#scene.key}/${key}`), step }
    const answer = await this.#scene.around.hooks.ask(hooks, phase, payload, this.#closing.signal)
    if (this.#closing.signal.aborted) return
    const wanted = demands(this.#scene.policy, this.#state()).flatMap((effect) =>
      effect.type === 'CallHook' ? [effect.key] : [],
    )
    this.#answers = Object.fromEntries(
      Object.entries({ ...this.#answers, [key]: answer }).filter(([one]) => wanted.includes(one)),
    )
    this.#answered()
  }

  /** Tells the OnEvent hooks of a decision. */
  tell({ inputs: _, ...decision }: Decision): void {
    const payload = this.#payload('Event', `${this.#scene.key}/${decision.time}`)
    this.#scene.around.hooks.tell(this.#scene.config.spec.hooks, { ...payload, decision })
  }

  #payload(type: HookPayload['type'], id: string): HookPayload {
    const state = this.#state()
    const { namespace = 'default', name } = this.#scene.config.metadata
    return {
      type,
      id,
      time: new Date(this.#scene.clock.wallMs()).toISOString(),
      gate: { namespace, name },
      release: releasePart(state),
      step: stepOf(state),
      weights: percentages(weightsBps(state)),
      ...standingOf(state).roles,
    }
  }

  /** Gives up what is asked. Idempotent. */
  close(): void {
    this.#closing.abort()
    this.#checks.close()
  }
}

function releasePart(state: State): HookPayload['release'] {
  const release = releaseOf(state)
  if (release === undefined) return null
  const { id, revision, image, strategy } = release
  return { id, revision, ...(image === null ? {} : { image }), strategy, phase: state.phase }
}
