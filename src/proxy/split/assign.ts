import type { Block } from '../../metrics/index.ts'
import type { Random } from '../../random.ts'
import type { GateSpec } from '../snapshot.ts'

/** Why a request is on its variant, `streamgate.variant_reason` in the access log. */
export type AssignReason = 'weight' | 'sticky' | 'override' | 'fallback'

/** One object a gate, overwritten by the next request: copy what is needed later. */
export interface Assignment {
  variant: number
  reason: AssignReason
  /** The user's sticky bucket, or -1. */
  bucket: number
  /** True: answer with `stickyCookie(gate.sticky, bucket, ...)`. */
  setBucket: boolean
  /** Counts for the share (recorder.begin) and may be observed: everything but an override. */
  split: boolean
}

/** Chooses the variants of one gate's requests in one worker. */
export interface Assigner {
  /**
   * `epoch`: read once at the start of the request; `shut`: recorder.shut(epoch). `clientAddress`: for sticky by ClientIP.
   * Never fails: a variant without endpoint may be the answer, and is then a 503 for its share.
   */
  assign(epoch: number, shut: boolean, rawHeaders: readonly string[], clientAddress: string): Assignment
}

export interface AssignerOptions {
  gate: Pick<GateSpec, 'variants' | 'overrides' | 'sticky'>
  block: Pick<Block, 'words' | 'layout'>
  /** True while the variant has an endpoint that may be picked. */
  usable: (variant: number) => boolean
  random: Random
  /** Signature of a text, base64url: `signer(secret)` of ../signature.ts. Needed with sticky.secret. */
  sign?: (text: string) => string
}

export declare function createAssigner(options: AssignerOptions): Assigner
