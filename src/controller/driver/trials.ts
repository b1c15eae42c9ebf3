import { judgePolicy } from '../analysis/index.ts'
import type { Example } from '../release/observation.ts'
import type { Roles } from '../release/plan.ts'
import type { Known } from '../revive.ts'
import type { TrialRecord } from '../store/records.ts'
import { type Sides, Trial } from '../trial.ts'
import type { Scene } from './scene.ts'

/** Examples of failed requests that a decision carries. */
const MAX_EXAMPLES = 5

/** The trial that runs, if any, and what goes with it: the harm budget, examples of failures. */
export class Trials {
  readonly #scene: Scene
  #present: Trial | undefined
  /** What a process before this one knew; it goes to the first trial, if that is the same. */
  #known: Known | undefined
  /** The harm budget that `#harmLeft` is left of. */
  #budget: number | null = null
  #harmLeft: number | null = null
  #examples: readonly Example[] = []

  constructor(scene: Scene, known: Known | undefined) {
    this.#scene = scene
    this.#known = known
  }

  get present(): Trial | undefined {
    return this.#present
  }

  /** Failed answers that users may still see; null = no budget. */
  get harmLeft(): number | null {
    return this.#harmLeft
  }

  get examples(): readonly Example[] {
    return this.#examples
  }

  /** Judges what happened since the last look. */
  judge(nowMs: number): void {
    if (this.#present === undefined) return
    this.#present.look(nowMs)
    this.#harmLeft = this.#scene.env.harmLeft() ?? null
    const { finding } = this.#present
    if (finding === undefined) return
    const { telemetry } = this.#scene.around.environment
    for (const [test, ln] of Object.entries(finding.evidence)) telemetry.setEvidence(this.#scene.key, test, ln)
  }

  /** Counters begin anew for `mark`, the evidence with another `trial`; nothing where both run already. */
  reset(roles: Roles, trial: string, mark: number): void {
    if (this.#present?.of.trial !== trial) this.#begin(roles, trial, mark)
    if (this.#present!.of.mark !== mark) this.#present!.mark(mark)
    if (this.#harmBudget !== this.#budget) this.#rebudget()
  }

  #begin(roles: Roles, trial: string, mark: number): void {
    const { env, config, clock } = this.#scene
    const { latency } = config.spec.analysis
    const known = this.#known?.of === trial ? this.#known : undefined
    this.#known = undefined
    const resume = known?.trial
    this.#budget = this.#harmBudget
    this.#harmLeft = this.#budget === null ? null : leftOf(this.#budget, known)
    env.setHarm(this.#harmLeft ?? undefined)
    this.#present = new Trial({
      policy: judgePolicy(config.spec.analysis),
      slowMaxUs: latency.max * 1000,
      env,
      sides: this.#sides(roles),
      of: resume?.of ?? { trial, mark },
      nowMs: clock.nowMs(),
      resume,
    })
  }

  get #harmBudget(): number | null {
    return this.#scene.config.spec.analysis.harmBudget ?? null
  }

  /** The budget was changed in mid-release: what users saw counts against the new one. */
  #rebudget(): void {
    const { env } = this.#scene
    const left = env.harmLeft() ?? this.#harmLeft ?? 0
    const spent = this.#budget === null ? 0 : this.#budget - left
    this.#budget = this.#harmBudget
    this.#harmLeft = this.#budget === null ? null : Math.max(0, this.#budget - spent)
    env.setHarm(this.#harmLeft ?? undefined)
  }

  #sides = ({ candidate, serving }: Roles): Sides => ({
    candidate: this.#scene.index(candidate),
    serving: this.#scene.index(serving),
  })

  /** Nothing is judged any more; nothing where nothing is. */
  end(): void {
    if (this.#present === undefined) return
    this.#present = undefined
    this.#harmLeft = null
    this.#examples = []
    this.#scene.env.setHarm(undefined)
    this.#scene.env.setThresholds({ slowUs: 0, slowMaxUs: 0, pendingUs: 0 })
  }

  /** The gate got another block of shared memory, its variants maybe in another order. */
  reopen(roles: Roles): void {
    this.#present?.reopen(this.#sides(roles))
    this.#scene.env.setHarm(this.#harmLeft ?? undefined)
  }

  /** A failed request of the candidate, as an example for people. */
  sample({ path, status, kind, endpoint, requestId }: Example): void {
    if (this.#present === undefined) return
    this.#examples = [...this.#examples, { path, status, kind, endpoint, requestId }].slice(-MAX_EXAMPLES)
  }

  record(nowMs: number): TrialRecord | null {
    return this.#present?.record(nowMs) ?? null
  }
}

/** What users saw before a restart counts, by what is known of it. */
const leftOf = (budget: number, known: Known | undefined): number =>
  Math.max(0, Math.min(known?.harmLeft ?? budget, budget - (known?.harmed ?? 0)))
