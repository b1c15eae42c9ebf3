import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { KubeClient } from './client.ts'
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts'
import type { KubeLog } from './log.ts'
import { type KubeObject, LEASES, type ObjectRef } from './objects.ts'

/** coordination.k8s.io/v1 Lease. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string | null
    leaseDurationSeconds?: number | null
    acquireTime?: string | null
    renewTime?: string | null
    leaseTransitions?: number | null
  }
}

export interface LeaderOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>
  clock: Clock
  random: Random
  log: KubeLog
  /** The Lease. */
  ref: ObjectRef
  /** Who we are: the pod's name and something that a restart changes. */
  identity: string
  /** Others take over when the Lease was not renewed for so long. Default 15 s. */
  durationMs?: number
  /** We stop leading when we could not renew for so long; less than durationMs by more than clocks drift and a call takes. Default 10 s. */
  deadlineMs?: number
  /** How often it is renewed, or looked at. Default 2 s. */
  retryMs?: number
  /** We lead now; `term` grows with every change of leader. */
  onLead(term: number): void
  /** We do not lead any more. */
  onLose(reason: string): void
}

const DEFAULTS = { durationMs: 15_000, deadlineMs: 10_000, retryMs: 2_000 }

/**
 * Leader election through a Lease, as client-go does it: the wall clocks of others are not trusted, a Lease is over when it
 * was not seen to change for its duration on our own monotonic clock, and every write is fenced by the version that was
 * read. A process that slept learns by `leading` that its time is up before it has heard from anybody; what it had begun to
 * write by then is stopped by the fences of those writes, not by this.
 */
export class LeaderElection {
  readonly #options: LeaderOptions & typeof DEFAULTS
  #lease: Lease | undefined
  /** When the Lease was last seen to change, before the call that saw it began. */
  #seenMs = 0
  #renewedMs = Number.NEGATIVE_INFINITY
  #leads = false
  #term = 0
  #closed = false
  #stopTimer: (() => void) | undefined
  #stopDeadline: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(options: LeaderOptions) {
    this.#options = { ...DEFAULTS, ...options }
  }

  /** Begins to stand for election. */
  start(): void {
    this.#schedule(0)
  }

  /** We lead at this very moment. Ask before every write; a stale leader gets false even before it could be told. */
  get leading(): boolean {
    return this.#leads && this.#options.clock.nowMs() - this.#renewedMs < this.#options.deadlineMs
  }

  /** Of our leadership, or the last one seen. */
  get term(): number {
    return this.#term
  }

  /** Who leads, as far as we know: possibly somebody that is gone. */
  get leader(): string | undefined {
    return this.#lease?.spec?.holderIdentity || undefined
  }

  /** Stops, and gives the Lease away, so that another one leads at once. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopTimer?.()
    await this.#running
    if (!this.#leads) return
    this.#lose('this process ends')
    const lease = this.#lease
    if (lease === undefined) return
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#now() }
    try {
      await this.#options.client.replace<Lease>(LEASES, this.#options.ref, { metadata: lease.metadata, spec })
    } catch (error) {
      this.#options.log.warn({ error: (error as Error).message }, 'the lease could not be given away: it runs out')
    }
  }

  #schedule(ms: number): void {
    if (this.#closed) return
    this.#stopTimer?.()
    this.#stopTimer = this.#options.clock.after(ms, () => {
      this.#running = this.#turn().finally(() => {
        // Spread, so that those who wait do not ask at the same moment.
        this.#schedule(this.#options.retryMs * (this.#leads ? 1 : 1 + this.#options.random() * 0.2))
      })
    })
  }

  async #turn(): Promise<void> {
    try {
      await this.#tryOnce()
    } catch (error) {
      if (!isOutdated(error)) return this.#failed(error)
      // What is known of it is old, perhaps through a write of ours whose answer was lost: read it, and try again.
      this.#lease = undefined
      await this.#tryOnce().catch((again: unknown) => this.#failed(again))
    }
  }

  #failed(error: unknown): void {
    if (isOutdated(error)) this.#lease = undefined
    this.#options.log.warn({ error: (error as Error).message }, 'the lease could not be read or written')
  }

  async #tryOnce(): Promise<void> {
    const { client, clock, ref, identity } = this.#options
    const beganMs = clock.nowMs()
    // A leader that was in time writes on what it wrote last; a conflict tells if somebody else did.
    if (!this.leading || this.#lease === undefined) {
      const before = this.#lease?.metadata.resourceVersion
      try {
        this.#lease = await client.get<Lease>(LEASES, ref, this.#call)
      } catch (error) {
        if (!isNotFound(error)) throw error
        await this.#create(beganMs)
        return
      }
      if (this.#lease.metadata.resourceVersion !== before) this.#seenMs = beganMs
      this.#term = this.#lease.spec?.leaseTransitions ?? 0
    }
    const lease = this.#lease
    const holder = lease.spec?.holderIdentity || undefined
    if (holder !== identity) {
      if (this.#leads) this.#lose(`${holder ?? 'nobody'} holds the lease`)
      if (holder !== undefined && !this.#isOver(lease)) return
    }
    const taken = holder !== identity
    const { spec = {} } = lease
    const next = {
      ...spec,
      ...this.#claim(),
      acquireTime: taken ? this.#now() : (spec.acquireTime ?? this.#now()),
      leaseTransitions: (spec.leaseTransitions ?? 0) + (taken ? 1 : 0),
    }
    this.#lease = await client.replace<Lease>(LEASES, ref, { metadata: lease.metadata, spec: next }, this.#call)
    this.#hold(beganMs)
  }

  async #create(beganMs: number): Promise<void> {
    const { client, ref } = this.#options
    const metadata = { name: ref.name, ...(ref.namespace && { namespace: ref.namespace }) }
    const spec = { ...this.#claim(), acquireTime: this.#now(), leaseTransitions: 1 }
    this.#lease = await client.create<Lease>(LEASES, ref.namespace, { metadata, spec }, this.#call)
    this.#hold(beganMs)
  }

  /** The Lease is ours as of the moment before the call that wrote it began: others may count from then. */
  #hold(beganMs: number): void {
    this.#seenMs = beganMs
    this.#renewedMs = beganMs
    this.#term = this.#lease?.spec?.leaseTransitions ?? this.#term
    const { clock, deadlineMs } = this.#options
    this.#stopDeadline?.()
    // Also while a call hangs.
    this.#stopDeadline = clock.after(Math.max(0, beganMs + deadlineMs - clock.nowMs()), () => {
      if (this.#leads) this.#lose(`the lease could not be renewed for ${deadlineMs} ms`)
    })
    if (this.#leads || this.#closed) return
    this.#leads = true
    this.#options.log.info({ identity: this.#options.identity, term: this.#term }, 'leads')
    this.#options.onLead(this.#term)
  }

  #isOver(lease: Lease): boolean {
    const seconds = lease.spec?.leaseDurationSeconds ?? this.#options.durationMs / 1000
    return this.#options.clock.nowMs() - this.#seenMs >= seconds * 1000
  }

  #lose(reason: string): void {
    this.#leads = false
    this.#stopDeadline?.()
    this.#options.log.info({ identity: this.#options.identity, term: this.#term, reason }, 'does not lead any more')
    this.#options.onLose(reason)
  }

  #claim(): NonNullable<Lease['spec']> {
    const { identity, durationMs } = this.#options
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1000)),
      renewTime: this.#now(),
    }
  }

  /** Two calls that hang must fit into the deadline. */
  get #call(): { timeoutMs: number } {
    return { timeoutMs: Math.round(this.#options.deadlineMs * 0.4) }
  }

  /** MicroTime: six decimals. */
  #now(): string {
    return new Date(this.#options.clock.wallMs()).toISOString().replace('Z', '000Z')
  }
}

const isOutdated = (error: unknown): boolean => isConflict(error) || isNotFound(error) || isAlreadyExists(error)
