import type { Clock } from '../clock.ts'
import { type Block, currentEpoch, endpointAt, isShut, shutGuard, spendHarm } from './block/block.ts'
import type { FailureKind } from './block/layout.ts'
import { bucketOf, CODE_COUNT, CODE_MIN, Endpoint, EndpointRow, FAILURE_KINDS, Gate, Variant } from './block/layout.ts'
import { endpointRowAt, gateAt, variantAt } from './block/rows.ts'
import { Observations } from './observation.ts'
import type { GateRecorder, RequestObservation } from './recording.ts'

const TWO_32 = 2 ** 32
const CLIENT_ABORT = 499
/** Nobody asks whether an endpoint was picked more often than this: beyond it the shared word is left in peace. */
const PICKED_ENOUGH = 1000

const KIND_INDEX = Object.fromEntries(FAILURE_KINDS.map((kind, index) => [kind, index])) as Record<FailureKind, number>

/** The recorder of one gate in worker `worker`, on that worker's own row of the gate's block. One a block and worker. */
export function createRecorder(block: Block, worker: number, clock: Clock): GateRecorder {
  return new BlockRecorder(block, worker, clock)
}

class BlockRecorder implements GateRecorder {
  readonly #block: Block
  readonly #counters: Uint32Array
  readonly #words: Int32Array
  readonly #gate: number
  readonly #variants: number
  readonly #endpoints: number
  readonly #observations: Observations

  constructor(block: Block, worker: number, clock: Clock) {
    this.#block = block
    this.#counters = block.counters
    this.#words = block.words
    this.#gate = gateAt(block.layout, worker)
    this.#variants = variantAt(block.layout, worker, 0)
    this.#endpoints = endpointRowAt(block.layout, worker, 0)
    this.#observations = new Observations(block, worker, clock)
  }

  epoch(): number {
    return currentEpoch(this.#block)
  }

  shut(epoch: number): boolean {
    return isShut(this.#block, epoch)
  }

  begin(variant: number, split: boolean): void {
    const at = this.#variant(variant)
    this.#counters[at + Variant.offered]!++
    this.#counters[at + Variant.inFlight]!++
    if (split) this.#counters[at + Variant.split]!++
  }

  end(variant: number, code: number, durationUs: number, failed: boolean): void {
    const at = this.#variant(variant)
    this.#counters[at + Variant.inFlight]!--
    this.#counters[at + Variant.codes + codeIndex(code)]!++
    this.#counters[at + Variant.durations + bucketOf(durationUs)]!++
    this.#addSum(at + Variant.durationSum, at + Variant.durationSumHigh, durationUs)
    if (failed) this.#counters[at + Variant.failed]!++
    else if (code < 500 && code !== CLIENT_ABORT) this.#counters[this.#gate + Gate.succeeded]!++
  }

  attempt(variant: number): void {
    this.#counters[this.#variant(variant) + Variant.attempts]!++
  }

  failure(variant: number, kind: FailureKind): void {
    this.#counters[this.#variant(variant) + Variant.failures + KIND_INDEX[kind]]!++
  }

  latency(variant: number, us: number): void {
    const at = this.#variant(variant)
    this.#counters[at + Variant.latencies + bucketOf(us)]!++
    this.#addSum(at + Variant.latencySum, at + Variant.latencySumHigh, us)
  }

  retried(): void {
    this.#counters[this.#gate + Gate.retried]!++
  }

  rescued(): void {
    this.#counters[this.#gate + Gate.rescued]!++
  }

  harmed(_epoch: number): void {
    this.#counters[this.#gate + Gate.harmed]!++
    if (!spendHarm(this.#block)) return
    // The request may be of an older epoch, and the main thread may begin a new one meanwhile: shut the one that is.
    let epoch = currentEpoch(this.#block)
    for (;;) {
      shutGuard(this.#block, epoch)
      const now = currentEpoch(this.#block)
      if (now === epoch) return
      epoch = now
    }
  }

  mirrored(outcome: { statusDiffers: boolean; lengthDiffers: boolean; failed: boolean }): void {
    this.#counters[this.#gate + Gate.mirrored]!++
    if (outcome.statusDiffers) this.#counters[this.#gate + Gate.mirrorStatusDiffers]!++
    if (outcome.lengthDiffers) this.#counters[this.#gate + Gate.mirrorLengthDiffers]!++
    if (outcome.failed) this.#counters[this.#gate + Gate.mirrorFailed]!++
  }

  variantInFlight(variant: number): number {
    const { layout } = this.#block
    let running = 0
    for (let worker = 0, at = variantAt(layout, 0, variant); worker < layout.workers; worker++, at += layout.rowWords) {
      running += this.#words[at + Variant.inFlight]!
    }
    return running
  }

  endpointInFlight(slot: number): number {
    const { layout } = this.#block
    let running = 0
    for (
      let worker = 0, at = endpointRowAt(layout, 0, slot);
      worker < layout.workers;
      worker++, at += layout.rowWords
    ) {
      running += this.#words[at + EndpointRow.inFlight]!
    }
    return running
  }

  pick(slot: number): number {
    const at = this.#endpoints + slot * EndpointRow.words
    this.#counters[at + EndpointRow.picks]!++
    this.#counters[at + EndpointRow.inFlight]!++
    const shared = endpointAt(this.#block.layout, slot) + Endpoint.picked
    const before = Atomics.load(this.#words, shared)
    return before >= PICKED_ENOUGH ? before : Atomics.add(this.#words, shared, 1)
  }

  release(slot: number, bad: boolean): void {
    const at = this.#endpoints + slot * EndpointRow.words
    this.#counters[at + EndpointRow.inFlight]!--
    if (bad) this.#counters[at + EndpointRow.bad]!++
  }

  observe(epoch: number, variant: number, bucket: number): RequestObservation | undefined {
    return this.#observations.open(epoch, variant, bucket)
  }

  sweep(nowUs: number): void {
    this.#observations.sweep(nowUs)
  }

  #variant(variant: number): number {
    return this.#variants + variant * Variant.words
  }

  /** In units of 10 microseconds; carries go to the second word, last (see GateMeter). */
  #addSum(low: number, high: number, us: number): void {
    const sum = this.#counters[low]! + Math.round(us / 10)
    this.#counters[low] = sum
    if (sum >= TWO_32) this.#counters[high]! += Math.floor(sum / TWO_32)
  }
}

/** Codes beyond 599, which an upstream may well send, count as 599. */
const codeIndex = (code: number): number => Math.min(Math.max(code - CODE_MIN, 0), CODE_COUNT - 1)
