import type { GateConfig } from '../../config/schema.ts'
import type { GateEnvironment } from '../environment.ts'
import { isLive } from '../release/advance.ts'
import type { Command, Refusal } from '../release/commands.ts'
import { decide } from '../release/decide.ts'
import { decisionOf } from '../release/decision.ts'
import type { Example, Observation } from '../release/observation.ts'
import type { Outcome, Status } from '../release/outcome.ts'
import { reconcile } from '../release/reconcile.ts'
import { type State, standingOf } from '../release/state.ts'
import { statusOf } from '../release/status.ts'
import { defends, revive } from '../revive.ts'
import type { ArchivedRelease, Checkpoint, GateRecord } from '../store/records.ts'
import { gateView } from '../view.ts'
import type { ControlView, Result } from '../views.ts'
import { Checkpoints } from './checkpoints.ts'
import { Inquiries } from './inquiries.ts'
import { Journal } from './journal.ts'
import { observe } from './observe.ts'
import { Performer } from './performer.ts'
import { Reporter } from './reporter.ts'
import { Scene, type Surroundings } from './scene.ts'
import { Steering } from './steering.ts'
import { Trials } from './trials.ts'

/** A look at the world comes this often, and at once when a candidate request has failed: judging costs more than asking for that. */
const LOOK_MS = 100
/** Transitions at one moment: more of them would be a loop. */
const MAX_MOVES = 8

/**
 * One gate: looks at the world, judges, decides, records, and only then acts. Two exceptions to the order: weight 0 comes
 * first and is recorded after, and a rollback is not given up where nothing can be recorded.
 */
export class ReleaseDriver {
  readonly #scene: Scene
  readonly #journal: Journal
  readonly #trials: Trials
  readonly #steering: Steering
  readonly #inquiries: Inquiries
  readonly #performer: Performer
  readonly #reporter: Reporter
  readonly #checkpoints: Checkpoints
  #status: Status = { verdict: 'Undecided', reason: 'Idle', message: '', requestsNeeded: null }
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #alarm = 0
  #closed = false

  constructor(
    config: GateConfig,
    env: GateEnvironment,
    around: Surroundings,
    stored: { record: GateRecord; checkpoint: Checkpoint | undefined } | undefined,
  ) {
    const scene = new Scene(config, env, around)
    const { record, known } = revive(scene.key, scene.policy, stored, scene.clock.nowMs())
    this.#scene = scene
    this.#journal = new Journal(scene, record, () => this.#act())
    this.#trials = new Trials(scene, known)
    this.#steering = new Steering(scene)
    this.#inquiries = new Inquiries(
      scene,
      () => this.#state,
      () => this.tick(),
    )
    this.#performer = new Performer(scene, {
      steering: this.#steering,
      trials: this.#trials,
      inquiries: this.#inquiries,
    })
    this.#reporter = new Reporter(scene, this.#inquiries, record.state)
    this.#checkpoints = new Checkpoints(scene, this.#journal, this.#trials)
    this.#reconcile()
  }

  /** `namespace/name`. */
  get key(): string {
    return this.#scene.key
  }

  get #state(): State {
    return this.#journal.state
  }

  /** True while the driver must be ticked. */
  get live(): boolean {
    return isLive(this.#scene.policy, this.#state) || !this.#journal.settled || this.#mayBeTriggered()
  }

  /** In a cluster a changed template starts a release: somebody has to look. */
  #mayBeTriggered(): boolean {
    const { policy, env } = this.#scene
    const candidate = this.#scene.index(standingOf(this.#state).roles.candidate)
    return policy.release?.workloads === true && env.revision(candidate) !== null
  }

  /** The gate's configuration, new or again: weights are in force when it returns. */
  configure(config: GateConfig): void {
    this.#scene.configure(config)
    this.#reconcile()
  }

  #reconcile(): void {
    const { key, policy, clock, around } = this.#scene
    const now = { wallMs: clock.wallMs(), nowMs: clock.nowMs() }
    const before = this.#journal.record
    const { state, over, says, why } = reconcile(policy, before.state, before.over, now)
    if (says !== undefined) {
      around.environment.log.warn({ gate: key }, `${key}: ${says}`)
      const decision = why && decisionOf(before.state, state, why, this.#observe(state), now.nowMs)
      this.#journal.enact(state, decision, over)
    }
    this.#performer.perform(state)
    this.#refresh()
    around.environment.telemetry.setPhase(key, state.phase)
    if (this.#journal.record !== before) void this.#journal.save()
  }

  /** A look at the world if it is time for one. */
  glance(): void {
    const due = this.#scene.clock.nowMs() - this.#lookedAtMs >= LOOK_MS
    if (due || this.#scene.env.alarm() !== this.#alarm) this.tick()
  }

  /** A look at the world. Cheap where nothing happens. */
  tick(): void {
    const nowMs = this.#scene.clock.nowMs()
    this.#lookedAtMs = nowMs
    this.#alarm = this.#scene.env.alarm()
    this.#trials.judge(nowMs)
    for (let moves = 0; moves < MAX_MOVES; moves++) if (!this.#move(nowMs)) break
    this.#journal.retry()
    this.#checkpoints.write(nowMs)
    // Last: a new cell opens the guard, which a worker may have shut since the last look.
    if (this.#trials.present === undefined || !this.#steering.turn(nowMs)) return
    this.#scene.around.publish({ type: 'gate', key: this.key })
  }

  /** What the gate does by itself; true where more may follow at this moment, without waiting for the record. */
  #move(nowMs: number): boolean {
    const outcome = decide(this.#scene.policy, this.#state, this.#observe(), nowMs)
    this.#status = outcome.status
    if (outcome.state === this.#state) return false
    const urgent = defends(this.#state, outcome.state)
    if (!urgent && !this.#journal.open) return false
    this.#enact(outcome, urgent, nowMs)
    void this.#journal.save()
    return urgent
  }

  /** The new state, in memory; what takes traffic away from the candidate is in force before it is recorded. */
  #enact({ state, decision }: Outcome, urgent: boolean, nowMs: number, over?: Record<string, number>): void {
    this.#journal.enact(state, decision, over)
    if (!urgent) return
    this.#reporter.defending(nowMs)
    this.#performer.steer(state)
  }

  /** The record stands: the world is made so, and told. */
  #act(): void {
    this.#performer.perform(this.#state)
    this.#checkpoints.write(this.#scene.clock.nowMs(), true)
    this.#reporter.report(this.#journal.take(), this.#state)
    this.#refresh()
  }

  #refresh(): void {
    this.#status = statusOf(this.#scene.policy, this.#state, this.#observe(), this.#scene.clock.nowMs())
  }

  #observe(state = this.#state, command?: Command): Observation {
    return observe(this.#scene, standingOf(state).roles, this.#trials, this.#inquiries, command)
  }

  /** Resolves when the command is decided and recorded. */
  async command(command: Command): Promise<Result> {
    // One at a time, and on what is recorded; but nothing waits for a disk to give up a candidate.
    const goesBack = command.verb === 'abort' || command.verb === 'rollback'
    const { policy, clock, around } = this.#scene
    while (!goesBack && (this.#journal.saving !== undefined || !this.#journal.settled)) {
      const saved = await this.#journal.recorded()
      // A rollback in memory alone would be taken back with what came after it.
      if (!saved && !this.#journal.settled) return unavailable(around.ledger.store.dir)
    }
    const nowMs = clock.nowMs()
    this.#trials.judge(nowMs)
    const outcome = decide(policy, this.#state, this.#observe(this.#state, command), nowMs)
    if (outcome.refusal !== undefined) return refused(outcome.refusal)
    this.#status = outcome.status
    if (outcome.state === this.#state) return { ok: true, message: outcome.status.message, view: this.view() }
    const urgent = defends(this.#state, outcome.state)
    this.#enact(outcome, urgent, nowMs, command.verb === 'weights' ? { ...policy.startBps } : undefined)
    const saved = await this.#journal.recorded()
    if (!saved && !urgent) return unavailable(around.ledger.store.dir)
    this.tick()
    while (this.#journal.saving !== undefined) await this.#journal.saving
    return { ok: true, message: outcome.decision?.message ?? outcome.status.message, view: this.view() }
  }

  /** A failed request, as an example for people. */
  sample({ variant, ...example }: Example & { variant: string }): void {
    if (variant === standingOf(this.#state).roles.candidate) this.#trials.sample(example)
  }

  view(): ControlView {
    const { inForce, shownTally: tally } = this.#journal
    const evidence = this.#trials.present?.finding?.evidence
    const healthy = this.#scene.around.ledger.healthy
    return gateView(this.key, this.#scene.policy, { ...inForce, tally }, this.#status, { evidence, healthy })
  }

  /** The present or last release. */
  release(): ArchivedRelease {
    const { inForce, shownTally: tally } = this.#journal
    return { state: inForce.state, decisions: inForce.decisions, tally }
  }

  /** What a driver that comes after this one goes on with. */
  get record(): GateRecord {
    return this.#journal.record
  }

  /** Stops looking; resolves when what is being written is written. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#inquiries.close()
    if (!this.#journal.settled) await this.#journal.save()
    await this.#journal.saving
    await this.#checkpoints.last()
  }
}

const refused = (refusal: Refusal): Result => ({
  ok: false,
  status: refusal.code === 'bad-weights' || refusal.code === 'unknown-variant' ? 400 : 409,
  ...refusal,
})

const unavailable = (dir: string): Result => ({
  ok: false,
  status: 503,
  code: 'store-unavailable',
  detail: `nothing changed: it could not be recorded in ${dir}; rollback and abort work all the same`,
})
