import { resolveGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import { type JudgePolicy, judgePolicy } from './analysis/index.ts'
import { CheckRunner } from './checks/runner.ts'
import type { Environment, GateEnvironment, WorkloadEffect } from './environment.ts'
import type { HookCaller } from './hooks/caller.ts'
import type { HookPayload } from './hooks/payload.ts'
import type { Ledger } from './ledger.ts'
import { isLive } from './release/advance.ts'
import type { Command } from './release/commands.ts'
import { decide } from './release/decide.ts'
import { decisionOf } from './release/decision.ts'
import { demands } from './release/demands.ts'
import type { Effect, SetWeights } from './release/effects.ts'
import type { HookAnswer, Observation } from './release/observation.ts'
import type { Decision, Outcome, Status } from './release/outcome.ts'
import type { Policy } from './release/plan.ts'
import { policyOf } from './release/policy.ts'
import { reconcile } from './release/reconcile.ts'
import { coreOf, type Release, releaseOf, type State, standingOf, stepOf } from './release/state.ts'
import { statusOf } from './release/status.ts'
import { percentages, weightsBps } from './release/table.ts'
import { defends, revive } from './revive.ts'
import { type ArchivedRelease, appendDecision, type Checkpoint, type GateRecord, type Tally } from './store/records.ts'
import { tableOf } from './tables.ts'
import { Trial } from './trial.ts'
import { releaseView } from './view.ts'
import type { ControlEvent, ControlView, Result } from './views.ts'

/** A cell is one second, cut short at each change of weight. */
const CELL_MS = 1000
/** A look at the world comes this often, and at once when a candidate request has failed: judging costs more than asking for that. */
const LOOK_MS = 100
const CHECKPOINT_MS = 5000
/** Transitions at one moment: more of them would be a loop. */
const MAX_MOVES = 8
/** Serving is not called failing on fewer requests. */
const LEAST_RECENT = 10
/** Examples of failed requests that a decision carries. */
const MAX_EXAMPLES = 5

/** What of a driver's surroundings is shared by all gates. */
export interface Surroundings {
  environment: Environment
  ledger: Ledger
  hooks: HookCaller
  publish(event: ControlEvent): void
}

/**
 * One gate: looks at the world, judges, decides, records, and only then acts. Two exceptions to the order: weight 0 comes
 * first and is recorded after, and a rollback is not given up where nothing can be recorded.
 */
export class ReleaseDriver {
  readonly key: string
  readonly #around: Surroundings
  readonly #env: GateEnvironment
  readonly #checks: CheckRunner
  readonly #closing = new AbortController()
  #config: GateConfig
  #policy: Policy
  #judgePolicy: JudgePolicy
  #state: State
  #record: GateRecord
  /** What is on the disk. */
  #durable: GateRecord
  #saving: Promise<boolean> | undefined
  #trial: Trial | undefined
  #resume: Checkpoint['trial']
  /** Demands that were performed, and the table that is in force. */
  #performed = new Set<string>()
  #table = ''
  #epoch = 0
  #cellAtMs = 0
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #alarm = 0
  #checkpointAtMs = 0
  #answers: Record<string, HookAnswer> = {}
  #status: Status
  #talliedFrom: Tally
  #harmLeft: number | null = null
  #pending: Decision[] = []
  #weightZeroMs: { fromMs: number } | undefined
  #examples: NonNullable<Observation['examples']>[number][] = []

  constructor(
    config: GateConfig,
    env: GateEnvironment,
    around: Surroundings,
    stored: { record: GateRecord; checkpoint: Checkpoint | undefined } | undefined,
  ) {
    const resolved = resolveGate(config)
    this.key = resolved.key
    this.#config = config
    this.#env = env
    this.#around = around
    this.#policy = policyOf(config, resolved)
    this.#judgePolicy = judgePolicy(config.spec.analysis)
    const { clock } = around.environment
    this.#checks = new CheckRunner({
      client: around.hooks.client,
      payload: () => this.#payload('Check', `${this.key}/${this.#checks.of}`),
      onResult: (check, result) =>
        around.environment.log.info(
          { gate: this.key, check: check.name, dryRun: check.dryRun, ...result },
          `check ${check.name}: ${result.result}`,
        ),
    })
    const { record, trial, harmLeft } = revive(this.key, this.#policy, stored, clock.nowMs())
    this.#record = record
    this.#durable = record
    this.#state = record.state
    this.#resume = trial
    this.#harmLeft = harmLeft
    this.#talliedFrom = minus(env.totals(), record.tally)
    this.#status = { verdict: 'Undecided', reason: 'Idle', message: '', requestsNeeded: null }
    this.#reconcile()
  }

  /** True while the driver must be ticked. */
  get live(): boolean {
    return isLive(this.#policy, this.#state) || this.#record !== this.#durable || this.#revisions()
  }

  /** In a cluster a changed template starts a release: somebody has to look. */
  #revisions(): boolean {
    const { roles } = standingOf(this.#state)
    return this.#policy.release?.workloads === true && this.#env.revision(this.#index(roles.candidate)) !== null
  }

  /** The gate's configuration, new or again: weights are in force when it returns. */
  configure(config: GateConfig): void {
    this.#config = config
    this.#policy = policyOf(config, resolveGate(config))
    this.#reconcile()
  }

  #reconcile(): void {
    const { log, telemetry } = this.#around.environment
    const before = this.#record
    const { clock } = this.#around.environment
    const now = { wallMs: clock.wallMs(), nowMs: clock.nowMs() }
    const { state, over, says, why } = reconcile(this.#policy, this.#state, before.over, now)
    if (says !== undefined) {
      log.warn({ gate: this.key }, `${this.key}: ${says}`)
      const decision = why && decisionOf(this.#state, state, why, this.#observe(standingOf(state).roles), now.nowMs)
      this.#enact(state, over, decision)
    }
    if (this.#env.epoch() < this.#epoch) this.#reopen()
    this.#perform()
    this.#refresh()
    telemetry.setPhase(this.key, this.#state.phase)
    if (this.#record !== before) void this.#save()
  }

  /** The gate got another block of shared memory: everything is steered anew. */
  #reopen(): void {
    this.#table = ''
    this.#trial?.reopen()
    this.#env.setHarm(this.#harmLeft ?? undefined)
    for (const text of this.#performed) if (text.includes('EjectEndpoint')) this.#performed.delete(text)
  }

  /** A look at the world if it is time for one. */
  glance(): void {
    const due = this.#around.environment.clock.nowMs() - this.#lookedAtMs >= LOOK_MS
    if (due || this.#env.alarm() !== this.#alarm) this.tick()
  }

  /** A look at the world. Cheap where nothing happens. */
  tick(): void {
    const nowMs = this.#around.environment.clock.nowMs()
    this.#lookedAtMs = nowMs
    this.#alarm = this.#env.alarm()
    this.#judge(nowMs)
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      const outcome = decide(this.#policy, this.#state, this.#observe(), nowMs)
      this.#status = outcome.status
      if (outcome.state === this.#state || !this.#advance(outcome)) break
    }
    if (this.#record !== this.#durable && this.#saving === undefined && this.#around.ledger.open) void this.#save()
    this.#checkpoint(nowMs)
    // Last: a new cell opens the guard, which a worker may have shut since the last look.
    if (this.#trial === undefined || nowMs - this.#cellAtMs < CELL_MS) return
    this.#openCell(nowMs)
    this.#around.publish({ type: 'gate', key: this.key })
  }

  #judge(nowMs: number): void {
    if (this.#trial === undefined) return
    this.#trial.look(nowMs)
    this.#harmLeft = this.#env.harmLeft() ?? null
    const { finding } = this.#trial
    if (finding === undefined) return
    for (const [test, ln] of Object.entries(finding.evidence))
      this.#around.environment.telemetry.setEvidence(this.key, test, ln)
  }

  /** Takes over what was decided of itself; false where it has to wait for the record. */
  #advance(outcome: Outcome): boolean {
    const lowers = defends(this.#state, outcome.state)
    const mayRecord = this.#record === this.#durable && this.#saving === undefined && this.#around.ledger.open
    if (!lowers && !mayRecord) return false
    if (lowers) this.#weightZeroMs = { fromMs: this.#around.environment.clock.nowMs() }
    this.#enact(outcome.state, this.#record.over, outcome.decision)
    // Recorded first, except for what takes traffic away from the candidate.
    if (lowers) this.#setWeights()
    void this.#save()
    return lowers
  }

  /** The new state, in memory. */
  #enact(state: State, over: Record<string, number>, decision: Decision | undefined): void {
    const anotherRelease = releaseOf(state)?.id !== releaseOf(this.#state)?.id
    const begins = anotherRelease && releaseOf(state) !== undefined
    if (begins) this.#talliedFrom = this.#env.totals()
    this.#state = state
    const decisions = begins ? [] : this.#record.decisions
    this.#record = {
      gate: this.key,
      generation: this.#record.generation + 1,
      savedAtMs: this.#around.environment.clock.nowMs(),
      state,
      over,
      decisions: decision === undefined || state.phase === 'Idle' ? decisions : appendDecision(decisions, decision),
      tally: this.tally(),
    }
    if (decision !== undefined) this.#pending.push(decision)
  }

  /** Writes the newest record; acts on it when it is on the disk. Resolves to whether it is. */
  #save(): Promise<boolean> {
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined
    })
    return this.#saving
  }

  async #write(): Promise<boolean> {
    for (;;) {
      const record = this.#record
      const before = this.#durable
      const saved = await this.#around.ledger.save(record, before)
      if (saved) this.#durable = record
      else if (this.#record === record && !defends(before.state, record.state)) {
        // Not recorded, not done: the state before it stands.
        this.#record = before
        this.#state = before.state
        this.#pending = []
        this.#talliedFrom = minus(this.#env.totals(), before.tally)
        return false
      }
      if (this.#record !== record) {
        if (saved) continue
        return false
      }
      this.#perform()
      this.#report()
      return saved
    }
  }

  /** Tells of the decisions that stand. */
  #report(): void {
    const { telemetry } = this.#around.environment
    const release = releaseOf(this.#state)
    for (const decision of this.#pending.splice(0)) {
      const { inputs: _, ...told } = decision
      telemetry.setPhase(this.key, decision.phase)
      this.#around.publish({ type: 'decision', key: this.key, release: release?.id ?? '', decision })
      this.#around.hooks.tell(this.#config.spec.hooks, {
        ...this.#payload('Event', `${this.key}/${decision.time}`),
        decision: told,
      })
      if (release !== undefined && coreOf(this.#state) === undefined && decision.phase === this.#state.phase) {
        this.#ended(release, decision)
      }
    }
    this.#weightZeroMs = undefined
    this.#around.publish({ type: 'gate', key: this.key })
    this.#refresh()
  }

  #refresh(): void {
    this.#status = statusOf(this.#policy, this.#state, this.#observe(), this.#around.environment.clock.nowMs())
  }

  #ended(release: Release, { phase, time, reason }: Decision): void {
    if (reason === 'ManualWeights' || (reason === 'NotReady' && phase === 'Succeeded')) return
    const { telemetry, clock } = this.#around.environment
    const seconds = Math.max(0, (Date.parse(time) - Date.parse(release.startedAt)) / 1000)
    telemetry.releaseEnded(this.key, release.strategy, phase, seconds)
    if (phase !== 'RolledBack' || this.#weightZeroMs === undefined) return
    telemetry.rollbackEnded(this.key, release.strategy, (clock.nowMs() - this.#weightZeroMs.fromMs) / 1000)
  }

  // --- Acting

  /** Makes the world what the state demands; what was performed before is not repeated. */
  #perform(): void {
    const wanted = demands(this.#policy, this.#state)
    const before = this.#performed
    this.#performed = new Set(wanted.map((effect) => JSON.stringify(effect)))
    const ejects = (effects: Iterable<string>) => [...effects].some((text) => text.includes('EjectEndpoint'))
    if (ejects(before) && !ejects(this.#performed)) this.#env.readmit()
    for (const effect of wanted) {
      if (effect.type === 'SetWeights') this.#setTable(effect)
      else if (effect.type === 'ResetCounters' || !before.has(JSON.stringify(effect))) this.#do(effect)
    }
    if (coreOf(this.#state) !== undefined) return
    if (this.#trial !== undefined) this.#endTrial()
    // Without a release section no demand says so.
    if (this.#checks.of !== null) this.#checks.run([], null, false)
  }

  #setWeights(): void {
    for (const effect of demands(this.#policy, this.#state)) if (effect.type === 'SetWeights') this.#setTable(effect)
  }

  #setTable(effect: SetWeights): void {
    const text = JSON.stringify(tableOf(this.#policy.variants, effect))
    if (text === this.#table) return
    this.#table = text
    this.#openCell(this.#around.environment.clock.nowMs())
  }

  #openCell(nowMs: number): void {
    this.#epoch = this.#env.advanceEpoch(JSON.parse(this.#table))
    this.#cellAtMs = nowMs
  }

  #do(effect: Exclude<Effect, SetWeights>): void {
    switch (effect.type) {
      case 'ResetCounters':
        this.#resetCounters(effect.trial, effect.mark)
        break
      case 'CallHook':
        void this.#call(effect)
        break
      case 'RunChecks':
        this.#checks.run(this.#config.spec.analysis.checks, effect.of, effect.now)
        break
      case 'EjectEndpoint':
        this.#env.eject(effect.endpoint)
        break
      case 'Notify':
        break
      default:
        this.#env.perform?.(effect satisfies WorkloadEffect)
    }
  }

  #resetCounters(trial: string, mark: number): void {
    const of = this.#trial?.of
    if (of?.trial === trial) {
      if (of.mark !== mark) this.#trial!.mark(mark)
      return
    }
    const { clock } = this.#around.environment
    const { roles } = standingOf(this.#state)
    const { harmBudget, latency } = this.#config.spec.analysis
    const resume = this.#resume?.of.trial === trial ? this.#resume : undefined
    this.#resume = null
    if (resume === undefined) this.#harmLeft = harmBudget ?? null
    this.#env.setHarm(this.#harmLeft ?? undefined)
    this.#judgePolicy = judgePolicy(this.#config.spec.analysis)
    this.#trial = new Trial({
      policy: this.#judgePolicy,
      slowMaxUs: latency.max * 1000,
      env: this.#env,
      sides: { candidate: this.#index(roles.candidate), serving: this.#index(roles.serving) },
      of: resume?.of ?? { trial, mark },
      nowMs: clock.nowMs(),
      resume,
    })
    if (this.#trial.of.mark !== mark) this.#trial.mark(mark)
  }

  #endTrial(): void {
    this.#trial = undefined
    this.#examples = []
    this.#env.setHarm(undefined)
    this.#env.setThresholds({ slowUs: 0, slowMaxUs: 0, pendingUs: 0 })
  }

  async #call({ key, phase, step }: Effect & { type: 'CallHook' }): Promise<void> {
    const payload = { ...this.#payload(phase, `${this.key}/${key}`), step }
    const answer = await this.#around.hooks.ask(this.#config.spec.hooks, phase, payload, this.#closing.signal)
    if (this.#closing.signal.aborted) return
    // Only answers that somebody waits for are kept.
    const wanted = demands(this.#policy, this.#state).flatMap((effect) =>
      effect.type === 'CallHook' ? [effect.key] : [],
    )
    this.#answers = Object.fromEntries(
      Object.entries({ ...this.#answers, [key]: answer }).filter(([one]) => wanted.includes(one)),
    )
    this.tick()
  }

  #payload(type: HookPayload['type'], id: string): HookPayload {
    const { roles } = standingOf(this.#state)
    const release = releaseOf(this.#state)
    const { namespace = 'default', name } = this.#config.metadata
    return {
      type,
      id,
      time: new Date(this.#around.environment.clock.wallMs()).toISOString(),
      gate: { namespace, name },
      release:
        release === undefined
          ? null
          : {
              id: release.id,
              revision: release.revision,
              ...(release.image === null ? {} : { image: release.image }),
              strategy: release.strategy,
              phase: this.#state.phase,
            },
      step: stepOf(this.#state),
      weights: percentages(weightsBps(this.#state)),
      ...roles,
    }
  }

  // --- Looking

  #observe(roles = standingOf(this.#state).roles, command?: Command): Observation {
    const { clock } = this.#around.environment
    const candidate = this.#index(roles.candidate)
    const serving = this.#index(roles.serving)
    const { requests, bad } = this.#env.recent(serving)
    const limit = this.#policy.release?.maxErrorRate ?? 0
    const finding = this.#trial?.finding
    return {
      wallMs: clock.wallMs(),
      of: this.#trial?.of ?? null,
      ...(finding === undefined ? {} : { finding }),
      traffic: this.#trial?.traffic() ?? { requests: 0, lastMs: null },
      figures: this.#trial?.figures ?? { candidate: { ...NONE }, serving: { ...NONE } },
      candidate: this.#env.readiness(candidate),
      serving: this.#env.readiness(serving),
      servingFailing: limit > 0 && requests >= LEAST_RECENT && bad / requests > limit,
      harmLeft: this.#harmLeft,
      hooks: this.#answers,
      checks: { of: this.#checks.of ?? '', results: this.#checks.results() },
      revision: this.#env.revision(candidate),
      ...(this.#examples.length === 0 ? {} : { examples: [...this.#examples] }),
      ...(command === undefined ? {} : { command }),
    }
  }

  /** A failed request, as an example for people. */
  sample(sample: NonNullable<Observation['examples']>[number] & { variant: string }): void {
    if (this.#trial === undefined || sample.variant !== standingOf(this.#state).roles.candidate) return
    const { path, status, kind, endpoint, requestId } = sample
    this.#examples = [...this.#examples, { path, status, kind, endpoint, requestId }].slice(-MAX_EXAMPLES)
  }

  #index = (name: string): number => this.#policy.variants.indexOf(name)

  // --- Commands

  /** Resolves when the command is decided and recorded. */
  async command(command: Command): Promise<Result> {
    // One at a time, and on what is recorded; but nothing waits for a disk to give up a candidate.
    const goesBack = command.verb === 'abort' || command.verb === 'rollback'
    while (this.#saving !== undefined && !goesBack) await this.#saving
    const { clock } = this.#around.environment
    const nowMs = clock.nowMs()
    this.#judge(nowMs)
    const outcome = decide(this.#policy, this.#state, this.#observe(undefined, command), nowMs)
    const { refusal } = outcome
    if (refusal !== undefined)
      return {
        ok: false,
        status: refusal.code === 'bad-weights' || refusal.code === 'unknown-variant' ? 400 : 409,
        ...refusal,
      }
    this.#status = outcome.status
    if (outcome.state === this.#state) return { ok: true, message: outcome.status.message, view: this.view() }
    const before = this.#state
    const urgent = defends(before, outcome.state)
    const over = command.verb === 'weights' ? { ...this.#policy.startBps } : this.#record.over
    if (urgent) this.#weightZeroMs = { fromMs: nowMs }
    this.#enact(outcome.state, over, outcome.decision)
    if (urgent) this.#setWeights()
    const saved = await this.#saveOf(this.#record)
    if (!saved && !urgent) return unavailable(this.#around.ledger.store.dir)
    this.tick()
    while (this.#saving !== undefined) await this.#saving
    return { ok: true, message: outcome.decision?.message ?? outcome.status.message, view: this.view() }
  }

  /** Resolves to whether this record, or one after it, is on the disk. */
  async #saveOf(record: GateRecord): Promise<boolean> {
    await this.#save()
    while (this.#durable.generation < record.generation) {
      if (this.#saving === undefined) return false
      await this.#saving
    }
    return true
  }

  // --- What others see

  tally(): Tally {
    return minus(this.#env.totals(), this.#talliedFrom)
  }

  /** What is in force: what is being recorded is not yet, except for what takes traffic away from the candidate. */
  #inForce(): State {
    const stands = this.#record === this.#durable || defends(this.#durable.state, this.#state)
    return stands ? this.#state : this.#durable.state
  }

  view(): ControlView {
    const state = this.#inForce()
    const { roles } = standingOf(state)
    const blocked = !this.#around.ledger.healthy && coreOf(state) !== undefined
    const status = blocked
      ? { ...this.#status, message: `${this.#status.message}; nothing can be recorded: nothing advances` }
      : this.#status
    return {
      key: this.key,
      strategy: this.#policy.release?.strategy ?? null,
      serving: roles.serving,
      candidate: this.#policy.release === undefined ? null : roles.candidate,
      weights: percentages(weightsBps(state)),
      phase: state.phase,
      release: releaseView(state, status, this.#shownTally(), this.#evidence()),
    }
  }

  #shownTally = (): Tally => (coreOf(this.#state) === undefined ? this.#record.tally : this.tally())

  #evidence = (): Decision['evidence'] =>
    this.#trial?.finding?.evidence ??
    this.#record.decisions.findLast(({ evidence }) => evidence !== null)?.evidence ??
    null

  /** The present or last release. */
  release(): ArchivedRelease {
    const record = this.#inForce() === this.#state ? this.#record : this.#durable
    return { state: record.state, decisions: record.decisions, tally: this.#shownTally() }
  }

  /** What a driver that comes after this one goes on with. */
  get record(): GateRecord {
    return this.#record
  }

  #checkpoint(nowMs: number): void {
    if (this.#trial === undefined || nowMs - this.#checkpointAtMs < CHECKPOINT_MS) return
    if (this.#record !== this.#durable || !this.#around.ledger.healthy) return
    this.#checkpointAtMs = nowMs
    this.#around.ledger.store.checkpoint(this.#checkpointOf(nowMs)).catch((error: Error) => {
      this.#around.environment.log.warn(
        { gate: this.key, error },
        'evidence could not be written; it would be gathered anew after a restart',
      )
    })
  }

  #checkpointOf(nowMs: number): Checkpoint {
    return {
      gate: this.key,
      generation: this.#durable.generation,
      savedAtMs: nowMs,
      state: this.#state,
      trial: this.#trial?.record(nowMs) ?? null,
      tally: this.tally(),
      harmLeft: this.#harmLeft,
    }
  }

  /** Stops looking; resolves when what is being written is written. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#checks.close()
    if (this.#record !== this.#durable) await this.#save()
    await this.#saving
    if (this.#trial !== undefined && this.#record === this.#durable) {
      await this.#around.ledger.store
        .checkpoint(this.#checkpointOf(this.#around.environment.clock.nowMs()))
        .catch(() => {})
    }
  }
}

const NONE = { requests: 0, bad: 0, slow: 0 }

const minus = (a: Tally, b: Tally): Tally => ({ harmed: a.harmed - b.harmed, rescued: a.rescued - b.rescued })

const unavailable = (dir: string): Result => ({
  ok: false,
  status: 503,
  code: 'store-unavailable',
  detail: `nothing changed: it could not be recorded in ${dir}; rollback and abort work all the same`,
})
