import type { BoundListener, FailedListener } from '../messages.ts'
import type { Admission } from './admission.ts'
import { Listener, type ListenerParts } from './listener.ts'

/** All listening sockets of a worker, kept in line with the configuration. */
export class Listeners {
  readonly #admission: Admission
  #open = new Map<string, { listener: Listener; bound: BoundListener }>()
  /** Stopped ones, whose connections live on. */
  readonly #stopped: Listener[] = []

  constructor(admission: Admission) {
    this.#admission = admission
  }

  get bound(): BoundListener[] {
    return [...this.#open.values()].map(({ bound }) => bound)
  }

  /**
   * Binds what is new, reloads what stays (same name, address, port and PROXY protocol), stops what is gone. What fails is named and
   * leaves all else in force: a listener whose new port or certificate is not usable stays as it was.
   */
  async apply(wanted: readonly ListenerParts[], ports: Readonly<Record<string, number>>): Promise<FailedListener[]> {
    const failed: FailedListener[] = []
    const next = new Map<string, { listener: Listener; bound: BoundListener }>()
    for (const parts of wanted) {
      const { name } = parts.spec
      const port = parts.spec.port === 0 ? (ports[name] ?? 0) : parts.spec.port
      const present = this.#open.get(name)
      const stays = present && sameSocket(present.listener, parts) && (present.bound.port === port || port === 0)
      try {
        if (stays) {
          next.set(name, present)
          this.#open.delete(name)
          present.listener.reload(parts)
        } else {
          next.set(name, await this.#bind(parts, port))
        }
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        failed.push({ name, port, code: code ?? 'ERR_LISTENER', message })
        if (present) {
          next.set(name, present)
          this.#open.delete(name)
        }
      }
    }
    for (const { listener } of this.#open.values()) {
      listener.stop()
      this.#stopped.push(listener)
    }
    this.#open = next
    return failed
  }

  async #bind(parts: ListenerParts, port: number): Promise<{ listener: Listener; bound: BoundListener }> {
    const listener = new Listener(parts, this.#admission)
    try {
      return { listener, bound: await listener.listen(port) }
    } catch (error) {
      listener.close()
      throw error
    }
  }

  /** Accepts no more; connections in hand live on. Idempotent. */
  stop(): void {
    for (const listener of this.#all()) listener.stop()
  }

  /** Ends connections without a request in hand; HTTP/2 clients are told to go. */
  closeIdle(): void {
    for (const listener of this.#all()) listener.closeIdle()
  }

  close(): void {
    for (const listener of this.#all()) listener.close()
  }

  *#all(): Iterable<Listener> {
    for (const { listener } of this.#open.values()) yield listener
    yield* this.#stopped
  }
}

function sameSocket(listener: Listener, { spec }: ListenerParts): boolean {
  const { host, port, protocol } = listener.spec
  return host === spec.host && port === spec.port && protocol === spec.protocol
}
