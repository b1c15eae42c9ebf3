import type { Clock } from '../clock.ts'
import { type Block, createRecorder, type GateRecorder, openBlock, Table, tableAt } from '../metrics/index.ts'
import type { Random } from '../random.ts'
import { RescueBudget } from './exchange/rescue.ts'
import { signer } from './signature.ts'
import type { GateSpec } from './snapshot.ts'
import { type Assigner, createAssigner } from './split/assign.ts'
import type { Splitters } from './splitters.ts'
import { Balancer } from './upstream/balance.ts'
import { RetryBudget } from './upstream/budget.ts'
import type { Upstream } from './upstream/call.ts'
import { OutlierDetector } from './upstream/ejection.ts'

/** What a worker makes its gates with. */
export interface GateParts {
  /** The worker's row in every block. */
  worker: number
  clock: Clock
  random: Random
  upstream: (gate: GateSpec) => Upstream
  splitters: Splitters
}

/** A gate in one worker, as one snapshot describes it: everything that its requests need. */
export class GateRuntime {
  readonly spec: GateSpec
  readonly recorder: GateRecorder
  readonly assigner: Assigner
  /** One a variant, by its index. */
  readonly balancers: readonly Balancer[]
  readonly outliers: readonly OutlierDetector[]
  readonly upstream: Upstream
  readonly retryBudget: RetryBudget
  readonly rescueBudget: RescueBudget
  readonly rescueMethods: ReadonlySet<string>
  readonly sign: ((text: string) => string) | undefined
  /** Requests and mirrored copies that use it now. */
  active = 0
  mirrorsInFlight = 0
  readonly #block: Block
  readonly #failureOn: ReadonlySet<string>

  constructor(spec: GateSpec, parts: GateParts) {
    const block = openBlock(spec.block)
    const { clock, random } = parts
    const recorder = createRecorder(block, parts.worker, clock)
    this.spec = spec
    this.#block = block
    this.recorder = recorder
    this.balancers = spec.variants.map(
      ({ endpoints }) => new Balancer({ block, endpoints, spec: spec.upstream, recorder, clock, random }),
    )
    this.outliers = spec.variants.map(({ endpoints }) => new OutlierDetector(block, endpoints, spec.upstream, clock))
    this.sign = spec.sticky?.secret === undefined ? undefined : signer(spec.sticky.secret)
    this.assigner = createAssigner({
      gate: spec,
      block,
      usable: (variant) => !this.balancers[variant]!.empty,
      random,
      splitter: parts.splitters.of(spec),
      ...(this.sign ? { sign: this.sign } : {}),
    })
    this.upstream = parts.upstream(spec)
    this.retryBudget = new RetryBudget(spec.upstream.retryBudgetPercent)
    this.rescueBudget = new RescueBudget(spec.rescue.budgetPercent, spec.block.shape.workers)
    this.rescueMethods = new Set(spec.rescue.methods)
    this.#failureOn = new Set(spec.failureOn)
  }

  /** The candidate's index in an epoch, or -1. */
  candidateOf(epoch: number): number {
    return this.#block.words[tableAt(this.#block.layout, epoch) + Table.candidate]! - 1
  }

  /** Serving's index in an epoch, or -1. */
  servingOf(epoch: number): number {
    return this.#block.words[tableAt(this.#block.layout, epoch) + Table.serving]! - 1
  }

  /** A failure of this kind counts: in the analysis, for the harm budget, for rescue. */
  counts(kind: string): boolean {
    return this.#failureOn.has(kind)
  }
}
