import { type Block, Table, tableAt } from '../../metrics/index.ts'
import type { Random } from '../../random.ts'
import { valueAt } from '../headers/raw.ts'
import type { GateSpec } from '../snapshot.ts'
import { bucketAt, bucketOfKey, positionOf } from './bucket.ts'
import { overrideOf } from './override.ts'
import { startOf, variantAt } from './ranges.ts'
import { createSplitter, type Splitter } from './splitter.ts'
import { bucketOfCookie, type Sign } from './sticky.ts'

/** Why a request is on its variant, `streamgate.variant_reason` in the access log. */
export type AssignReason = 'weight' | 'sticky' | 'override' | 'fallback'

/** One object a gate, overwritten by the next request: copy what is needed later. */
export interface Assignment {
  variant: number
  reason: AssignReason
  /** The user's sticky bucket, or -1. */
  bucket: number
  /** True: the bucket is new, answer with `stickyCookie(gate.sticky, bucket, ...)`. */
  setBucket: boolean
  /** Counts for the measured share (recorder.begin): everything but an override. */
  split: boolean
  /**
   * May be observed by the judge (recorder.observe): assigned at random and left where it was assigned. Not an override, and not a
   * `fallback`, which reaches its variant with another chance than the cell's weight says.
   */
  observable: boolean
}

/** Chooses the variants of one gate's requests in one worker. */
export interface Assigner {
  /**
   * `epoch`: read once at the start of the request; `shut`: recorder.shut(epoch). `clientAddress`: for sticky by ClientIP.
   * Never fails: a variant without an endpoint may be the answer, and is then a 503 for its share.
   */
  assign(epoch: number, shut: boolean, rawHeaders: readonly string[], clientAddress: string): Assignment
}

/** What an assigner is made of. */
export interface AssignerOptions {
  gate: Pick<GateSpec, 'variants' | 'overrides' | 'sticky'>
  block: Pick<Block, 'words' | 'layout'>
  /** True while the variant has an endpoint that may be picked. */
  usable: (variant: number) => boolean
  random: Random
  /** Default: a new one. Pass on the previous snapshot's, so that the share stays exact over changes of endpoints. */
  splitter?: Splitter
  /** Needed where the Gate has sticky.secret: `signer(secret)` of ../signature.ts. */
  sign?: Sign
}

/**
 * Override, then sticky bucket, then weight. Then what the variant's state asks for:
 *  - the candidate is shut (convicted, or its harm budget is used up): serving, reason `fallback`;
 *  - no endpoint: in a release the candidate's share goes to serving; else `whenEmpty` decides, Spill to the others by weight
 *    (never to one of weight 0), Fail: the answer stays, a 503 for that share.
 * An override goes where it says, shut or empty: who asks for a variant by name is told when it is not there, and off-traffic checks
 * reach a candidate of weight 0.
 */
export function createAssigner(options: AssignerOptions): Assigner {
  const { gate, usable, random, sign } = options
  const { words, layout } = options.block
  const { overrides, sticky } = gate
  const variants = gate.variants.length
  const splitter = options.splitter ?? createSplitter(variants, random)
  if (sticky?.secret !== undefined && sign === undefined) throw new TypeError('sticky.secret needs sign')
  const result: Assignment = {
    variant: 0,
    reason: 'weight',
    bucket: -1,
    setBucket: false,
    split: true,
    observable: true,
  }

  /**
   * By weight among the usable variants but the empty one and, while it is shut, the candidate (-1: none); -1 where nobody
   * is left. Rare, so plain chance will do.
   */
  function spill(weights: number, empty: number, shutCandidate: number): number {
    let total = 0
    for (let v = 0; v < variants; v++) {
      if (v !== empty && v !== shutCandidate && usable(v)) total += words[weights + v]!
    }
    let place = random() * total
    for (let v = 0; v < variants; v++) {
      if (v === empty || v === shutCandidate || !usable(v)) continue
      place -= words[weights + v]!
      if (place < 0) return v
    }
    return -1
  }

  /** The bucket that the request brings, or -1. */
  function bucketOf(raw: readonly string[], address: string): number {
    switch (sticky!.by) {
      case 'Cookie':
        return bucketOfCookie(raw, sticky!.name, sign)
      case 'Header': {
        const at = valueAt(raw, sticky!.name.toLowerCase())
        return at < 0 || raw[at] === '' ? -1 : bucketOfKey(raw[at]!)
      }
      case 'ClientIP':
        return address === '' ? -1 : bucketOfKey(address)
    }
  }

  /** By the bucket that the request brings, else by weight. */
  function split(table: number, raw: readonly string[], address: string): void {
    const weights = table + Table.weights
    const candidate = words[table + Table.candidate]! - 1
    const rest = Math.max(words[table + Table.serving]! - 1, 0)
    const salt = words[table + Table.salt]!
    result.split = true
    result.observable = true
    result.setBucket = false
    result.bucket = sticky === undefined ? -1 : bucketOf(raw, address)
    if (result.bucket >= 0) {
      result.variant = variantAt(positionOf(result.bucket, salt), words, weights, variants, candidate, rest)
      result.reason = 'sticky'
      return
    }
    // -1, a table without weights, cannot be: they sum to 10,000.
    const variant = Math.max(0, splitter.next(words, weights, candidate >= 0 ? candidate : variants - 1))
    result.variant = variant
    result.reason = 'weight'
    if (sticky?.by !== 'Cookie') return
    // A new user is split as exactly as any request, and then gets a bucket among those of the variant.
    const start = startOf(variant, words, weights, variants, candidate, rest)
    result.bucket = bucketAt(start + Math.floor(random() * words[weights + variant]!), salt)
    result.setBucket = true
  }

  /** Sends the request elsewhere where its variant must not or cannot take it. */
  function fallBack(table: number, shut: boolean): void {
    const { variant } = result
    const candidate = words[table + Table.candidate]! - 1
    const serving = words[table + Table.serving]! - 1
    const observed = words[table + Table.observed] === 1
    let other = -1
    if (variant === candidate && serving >= 0 && (shut || (observed && !usable(variant)))) other = serving
    else if (gate.variants[variant]!.whenEmpty === 'Spill' && !usable(variant)) {
      other = spill(table + Table.weights, variant, shut ? candidate : -1)
    }
    if (other < 0) return
    result.variant = other
    result.reason = 'fallback'
    result.observable = false
  }

  return {
    assign(epoch, shut, rawHeaders, clientAddress) {
      const chosen = overrides.length === 0 ? -1 : overrideOf(overrides, rawHeaders)
      if (chosen >= 0) {
        result.variant = chosen
        result.reason = 'override'
        result.bucket = -1
        result.setBucket = false
        result.split = false
        result.observable = false
        return result
      }
      const table = tableAt(layout, epoch)
      split(table, rawHeaders, clientAddress)
      fallBack(table, shut)
      return result
    },
  }
}
