import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { Backoff } from './backoff.ts'
import type { KubeClient } from './client.ts'
import { isNotFound } from './errors.ts'
import type { GateResource } from './gates.ts'
import type { KubeLog } from './log.ts'
import { GATES, type ObjectRef } from './objects.ts'
import { type GateStatus, statusChange } from './status.ts'

/** Owner of every field that StreamGate writes. */
export const FIELD_MANAGER = 'streamgate'
/** Least time between two writes to one Gate, and between two that only bring figures up to date. */
const GAP_MS = 1_000
const FIGURES_GAP_MS = 5_000
const RETRY = { firstMs: 500, maxMs: 10_000 }

export interface StatusWriterOptions {
  client: Pick<KubeClient, 'apply'>
  clock: Clock
  random: Random
  log: KubeLog
}

interface Slot {
  ref: ObjectRef
  wanted: GateStatus
  written: GateStatus | undefined
  nextMs: number
  running: boolean
  stopTimer: (() => void) | undefined
  backoff: Backoff
}

/**
 * Brings statuses to the API server. `write` is for what must be there before anything else happens; `offer` for what
 * people look at: only when it changed, at most once a second a Gate, the last offer wins, and until it is done.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #slots = new Map<string, Slot>()
  #closed = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  /**
   * Writes now. With `resourceVersion` it is fenced: isConflict when the Gate changed since. Resolves to the Gate as it is
   * then; rejects with a KubeError, after which nothing is known of whether it was written.
   */
  async write(ref: ObjectRef, status: GateStatus, fence?: { resourceVersion: string }): Promise<GateResource> {
    const metadata = fence === undefined ? {} : { resourceVersion: fence.resourceVersion }
    const gate = await this.#options.client.apply<GateResource>(
      GATES,
      ref,
      { metadata, status } as { metadata: object },
      { subresource: 'status', fieldManager: FIELD_MANAGER, force: true },
    )
    const slot = this.#slots.get(keyOf(ref))
    if (slot !== undefined) slot.written = status
    return gate
  }

  /** What the status should be; `before`: as it is on the server, where that is known. */
  offer(ref: ObjectRef, status: GateStatus, before: GateStatus | undefined): void {
    if (this.#closed) return
    const { clock, random } = this.#options
    const key = keyOf(ref)
    const slot: Slot = this.#slots.get(key) ?? {
      ref,
      wanted: status,
      written: before,
      nextMs: clock.nowMs(),
      running: false,
      stopTimer: undefined,
      backoff: new Backoff({ ...RETRY, random }),
    }
    this.#slots.set(key, slot)
    slot.wanted = status
    this.#plan(slot)
  }

  /** The Gate is gone. */
  forget(ref: ObjectRef): void {
    this.#slots.get(keyOf(ref))?.stopTimer?.()
    this.#slots.delete(keyOf(ref))
  }

  /** Nothing is written after it, but for what is on its way. */
  close(): void {
    this.#closed = true
    for (const slot of this.#slots.values()) slot.stopTimer?.()
    this.#slots.clear()
  }

  #plan(slot: Slot): void {
    if (slot.running || this.#closed) return
    slot.stopTimer?.()
    slot.stopTimer = undefined
    const change = statusChange(slot.written, slot.wanted)
    if (change === 'none') return
    const extraMs = change === 'figures' ? FIGURES_GAP_MS - GAP_MS : 0
    const waitMs = slot.nextMs + extraMs - this.#options.clock.nowMs()
    if (waitMs <= 0) void this.#send(slot)
    else slot.stopTimer = this.#options.clock.after(waitMs, () => void this.#send(slot))
  }

  async #send(slot: Slot): Promise<void> {
    const { clock, log } = this.#options
    slot.running = true
    let gapMs = GAP_MS
    try {
      await this.write(slot.ref, slot.wanted)
      slot.backoff.reset()
    } catch (error) {
      if (isNotFound(error)) this.forget(slot.ref)
      else {
        gapMs = Math.max(GAP_MS, slot.backoff.nextMs())
        log.warn(
          { gate: keyOf(slot.ref), error: (error as Error).message },
          'the status could not be written: tried again',
        )
      }
    } finally {
      slot.running = false
      slot.nextMs = clock.nowMs() + gapMs
      if (this.#slots.get(keyOf(slot.ref)) === slot) this.#plan(slot)
    }
  }
}

const keyOf = ({ namespace, name }: ObjectRef): string => `${namespace ?? ''}/${name}`
