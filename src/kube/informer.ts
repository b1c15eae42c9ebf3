import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { Backoff } from './backoff.ts'
import type { Selection, Watch, WatchEvent } from './calls.ts'
import type { KubeClient } from './client.ts'
import { isGone, KubeError } from './errors.ts'
import type { KubeLog } from './log.ts'
import { type KubeObject, keyOf, type Resource, resourceName } from './objects.ts'
import { failureOfStatus } from './status-answer.ts'
import { ObjectStore, type StoreHandlers } from './store.ts'
import { Trouble } from './trouble.ts'

/** Told of every change, in the order of the server; calls are synchronous. One that throws is logged, the others go on. */
export interface InformerHandlers<T> extends StoreHandlers<T> {
  /** Once, after the first complete list has been told. */
  synced?(): void
}

export interface InformerOptions<T> extends Selection {
  client: Pick<KubeClient, 'list' | 'watch'>
  clock: Clock
  random: Random
  log: KubeLog
  resource: Resource
  /**
   * What is kept of an object, to save memory; default: all but metadata.managedFields. It must leave metadata's namespace,
   * name and resourceVersion.
   */
  keep?(object: KubeObject): T
  handlers?: InformerHandlers<T>
}

/** Objects of a list that come in one answer. */
const PAGE = 500
/** The server ends a watch after a time drawn from this range, so that not all replicas begin anew at the same moment. */
const WATCH_S = { from: 300, to: 600 }
/** Delays between tries. Five seconds at most: after an outage everything is current again within ten. */
const BACKOFF = { firstMs: 250, maxMs: 5_000 }
/** A watch that lived so long has shown that the server is well. */
const WELL_AFTER_MS = 10_000
/** A watch that the server ends in order sooner than this is taken for a failure, or the loop would spin. */
const TOO_SHORT_MS = 1_000

/**
 * The objects of a kind as they are on the API server, kept current by list and watch. While the server is away the last
 * known ones stay, for as long as it takes; afterwards the watch goes on where it ended, and only where the server has
 * forgotten that place (410 Gone) everything is listed again, and told as the difference.
 */
export class Informer<T extends KubeObject = KubeObject> {
  readonly #options: InformerOptions<T>
  readonly #store: ObjectStore<T>
  readonly #backoff: Backoff
  readonly #trouble: Trouble
  readonly #synced = Promise.withResolvers<void>()
  #isSynced = false
  #connected = false
  #started = false
  #closed = false
  /** undefined: everything must be listed. */
  #resourceVersion: string | undefined
  #lastContactMs: number | undefined
  #watch: Watch | undefined
  #wake: (() => void) | undefined

  constructor(options: InformerOptions<T>) {
    const { clock, log, random, resource, namespace, handlers } = options
    this.#options = options
    const fields = { resource: resourceName(resource), ...(namespace && { namespace }) }
    this.#store = new ObjectStore(handlers ?? {}, (error) => log.error({ ...fields, error }, 'a change was not taken'))
    this.#backoff = new Backoff({ ...BACKOFF, random })
    this.#trouble = new Trouble(clock, log, fields)
  }

  /** Begins to list and watch. Idempotent. */
  start(): void {
    if (this.#started) return
    this.#started = true
    void this.#run()
  }

  /** Idempotent; no handler is called after it. */
  close(): void {
    this.#closed = true
    this.#connected = false
    this.#watch?.close()
    this.#wake?.()
  }

  /** The first complete list is here. Never becomes false again. */
  get synced(): boolean {
    return this.#isSynced
  }

  /** Resolves when `synced` becomes true; never when the informer is closed before. */
  whenSynced(): Promise<void> {
    return this.#synced.promise
  }

  /** A watch is open: what is here is what the server has, but for what is on its way. */
  get connected(): boolean {
    return this.#connected
  }

  /**
   * Monotonic time of the last word from the server (an answer, an event, a bookmark); undefined before the first. A quiet
   * watch has a bookmark about once a minute.
   */
  get lastContactMs(): number | undefined {
    return this.#lastContactMs
  }

  get(namespace: string, name: string): T | undefined {
    return this.#store.get(`${namespace}/${name}`)
  }

  /** In no particular order. */
  list(): T[] {
    return this.#store.list()
  }

  get size(): number {
    return this.#store.size
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      let waitMs = 0
      try {
        if (this.#resourceVersion === undefined) await this.#relist()
        if (!this.#closed) waitMs = await this.#follow()
      } catch (error) {
        if (this.#closed) return
        if (isGone(error)) this.#resourceVersion = undefined
        else this.#trouble.met(error as Error)
        waitMs = Math.max(this.#backoff.nextMs(), error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0)
      } finally {
        this.#connected = false
      }
      if (waitMs > 0) await this.#pause(waitMs)
    }
  }

  async #relist(): Promise<void> {
    const { client, resource } = this.#options
    const found: T[] = []
    let next: string | undefined
    do {
      const page = await client.list<KubeObject>(resource, {
        ...this.#selection(),
        limit: PAGE,
        ...(next === undefined ? {} : { continue: next }),
      })
      if (this.#closed) return
      this.#heard()
      for (const item of page.items) found.push(this.#keep(item))
      next = page.continue
      this.#resourceVersion = next === undefined ? page.resourceVersion : undefined
    } while (next !== undefined)
    this.#store.replace(found)
    if (this.#isSynced) return
    this.#isSynced = true
    this.#synced.resolve()
    try {
      this.#options.handlers?.synced?.()
    } catch (error) {
      this.#options.log.error({ resource: resourceName(resource), error }, 'a change was not taken')
    }
  }

  /** Follows until the server ends it; returns how long to wait before the next watch. */
  async #follow(): Promise<number> {
    const { client, clock, random, resource } = this.#options
    const sinceMs = clock.nowMs()
    let lost: KubeError | undefined
    const watch = client.watch<KubeObject>(
      resource,
      {
        ...this.#selection(),
        resourceVersion: this.#resourceVersion ?? '0',
        timeoutS: Math.round(WATCH_S.from + random() * (WATCH_S.to - WATCH_S.from)),
      },
      (event) => {
        if (this.#closed || lost !== undefined) return
        this.#heard()
        if (event.type !== 'ERROR') return this.#take(event)
        const { namespace } = this.#options
        lost = new KubeError({ verb: 'watch', resource, namespace }, failureOfStatus(event.object))
        watch.close()
      },
      () => {
        this.#heard()
        this.#connected = !this.#closed
        this.#trouble.over()
      },
    )
    this.#watch = watch
    try {
      await watch.ended
    } finally {
      this.#watch = undefined
      if (clock.nowMs() - sinceMs >= WELL_AFTER_MS) this.#backoff.reset()
    }
    if (lost !== undefined) throw lost
    return clock.nowMs() - sinceMs < TOO_SHORT_MS ? this.#backoff.nextMs() : 0
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'DELETED') this.#store.delete(keyOf(object))
    else if (type !== 'BOOKMARK') this.#store.put(this.#keep(object))
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion
  }

  #selection(): Selection {
    const { namespace, labelSelector, fieldSelector } = this.#options
    return { namespace, labelSelector, fieldSelector }
  }

  #keep(object: KubeObject): T {
    const { keep } = this.#options
    if (keep !== undefined) return keep(object)
    delete (object.metadata as { managedFields?: unknown }).managedFields
    return object as T
  }

  #heard(): void {
    this.#lastContactMs = this.#options.clock.nowMs()
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(ms, resolve)
      this.#wake = () => {
        stop()
        resolve()
      }
    })
  }
}
