import { type KubeObject, keyOf } from './objects.ts'

/** Told of changes of a store. */
export interface StoreHandlers<T> {
  added?(object: T): void
  /** Another object of the same name (another uid) comes as an update too. */
  updated?(object: T, before: T): void
  deleted?(object: T): void
}

/** Objects by `namespace/name`; tells every change once. */
export class ObjectStore<T extends KubeObject> {
  readonly #handlers: StoreHandlers<T>
  readonly #onError: (error: unknown) => void
  readonly #objects = new Map<string, T>()

  constructor(handlers: StoreHandlers<T>, onError: (error: unknown) => void) {
    this.#handlers = handlers
    this.#onError = onError
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  put(object: T): void {
    const key = keyOf(object)
    const before = this.#objects.get(key)
    this.#objects.set(key, object)
    if (before === undefined) this.#tell(() => this.#handlers.added?.(object))
    else if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#tell(() => this.#handlers.updated?.(object, before))
    }
  }

  delete(key: string): void {
    const before = this.#objects.get(key)
    if (before === undefined) return
    this.#objects.delete(key)
    this.#tell(() => this.#handlers.deleted?.(before))
  }

  /** These are all that there are: tells the difference, what is gone first. */
  replace(objects: readonly T[]): void {
    const keys = new Set(objects.map(keyOf))
    for (const key of [...this.#objects.keys()]) if (!keys.has(key)) this.delete(key)
    for (const object of objects) this.put(object)
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#onError(error)
    }
  }
}
