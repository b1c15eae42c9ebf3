import type { FailureKind } from './block/layout.ts'

/** Which side of the experiment a request is on. */
export type Role = 'candidate' | 'serving'

/**
 * What a worker writes about one gate's requests: a few adds on its own row, no allocation but the observation of a
 * request that is judged. Every `begin` is followed by exactly one `end`, every `pick` by exactly one `release`.
 */
export interface GateRecorder {
  /** The current epoch, read once at the start of a request: it names the table of weights and the cell. */
  epoch(): number
  /** True when the candidate is shut for the rest of the epoch: its weight is 0 and its share goes to serving. */
  shut(epoch: number): boolean
  /** A client's request was split onto `variant`. `split`: by weight or sticky bucket, so that it counts for the share. */
  begin(variant: number, split: boolean): void
  /** The client's final outcome, whichever way it ended. `failed`: its last failure kind is in failureOn. Code 499 = client abort. */
  end(variant: number, code: number, durationUs: number, failed: boolean): void
  /** An attempt was sent to an endpoint of the variant; sum over attempts >= requests. */
  attempt(variant: number): void
  /** An attempt failed. */
  failure(variant: number, kind: FailureKind): void
  /** Time from the last request byte sent to the first response byte of an attempt. */
  latency(variant: number, us: number): void
  retried(): void
  rescued(): void
  /** A user saw a failed answer of the candidate. Takes one from the harm budget and shuts the candidate at once when none is left. */
  harmed(epoch: number): void
  mirrored(outcome: { statusDiffers: boolean; lengthDiffers: boolean; failed: boolean }): void
  /** Requests running on a variant and on an endpoint, all workers together. */
  variantInFlight(variant: number): number
  endpointInFlight(slot: number): number
  /** How often the endpoint had been picked before, by anybody. */
  pick(slot: number): number
  release(slot: number, bad: boolean): void
  /**
   * Opens the observation of a request that started in `epoch`, or returns undefined where its epoch is not observed
   * or its variant is neither candidate nor serving. Overrides and mirrors are never observed: do not call it for them.
   * `bucket`: the sticky bucket, or -1; with one, at most one bad observation a step, variant and bucket counts.
   */
  observe(epoch: number, variant: number, bucket: number): RequestObservation | undefined
  /** Counts as slow every observed request that crossed a threshold by `nowUs`: call it every 10-20 ms while requests are observed. */
  sweep(nowUs: number): void
}

/** One request under judgement. Methods are idempotent where repetition makes sense; `end` is called exactly once, last. */
export interface RequestObservation {
  /**
   * The last request byte went upstream on an established connection: latency begins. Not called for upgrades and event streams, nor for the
   * first 20 requests of a new endpoint. A retry calls it again: the first time counts.
   */
  sent(nowUs: number): void
  /** The first response byte came: crossing is decided, one way or the other. */
  answered(nowUs: number): void
  /** An attempt on the variant failed with a kind in failureOn. The first one counts. */
  bad(): void
  /** The client went away: neutral before the slow threshold, slow after it. */
  aborted(nowUs: number): void
  end(): void
}
