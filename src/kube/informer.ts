import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { KubeClient, Selection } from './client.ts'
import type { KubeObject, Resource } from './objects.ts'

/** Told of every change, in the order of the server; calls are synchronous and must not throw. */
export interface InformerHandlers<T> {
  added?(object: T): void
  /** Another object of the same name (another uid) comes as an update too. */
  updated?(object: T, before: T): void
  deleted?(object: T): void
  /** Once, after the first complete list has been told. */
  synced?(): void
}

export interface InformerOptions<T> extends Selection {
  client: Pick<KubeClient, 'list' | 'watch'>
  clock: Clock
  random: Random
  log: KubeLog
  resource: Resource
  /** What is kept of an object, to save memory; default: all but metadata.managedFields. It must leave metadata's namespace, name and resourceVersion. */
  keep?(object: KubeObject): T
  handlers?: InformerHandlers<T>
}

/** pino's shape. */
export interface KubeLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * The objects of a kind as they are on the API server, kept current by list and watch. While the server is away the last
 * known ones stay, for as long as it takes.
 */
export declare class Informer<T extends KubeObject = KubeObject> {
  constructor(options: InformerOptions<T>)
  /** Idempotent. */
  start(): void
  /** Idempotent; no handler is called after it. */
  close(): void
  /** The first complete list is here. Never becomes false again. */
  get synced(): boolean
  /** Resolves when `synced` becomes true; never when the informer is closed before. */
  whenSynced(): Promise<void>
  /** Monotonic time of the last word from the server (an answer, an event, a bookmark); undefined before the first. */
  get lastContactMs(): number | undefined
  get(namespace: string, name: string): T | undefined
  /** In no particular order. */
  list(): T[]
  get size(): number
}
