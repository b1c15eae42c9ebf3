import type { Clock } from '../clock.ts'
import type { KubeAccess } from './access.ts'
import type { ApplyOptions, CallOptions, Page, Selection, Watch, WatchEvent } from './calls.ts'
import { Credentials } from './credentials.ts'
import { type Asked, isNotFound, KubeError } from './errors.ts'
import { type Answer, TransportError } from './exchange.ts'
import { Lines } from './lines.ts'
import { apiVersionOf, type KubeObject, type ObjectRef, pathOf, type Resource } from './objects.ts'
import { failureOf } from './status-answer.ts'
import { type Sent, Transport } from './transport.ts'

export interface KubeClientOptions {
  access: KubeAccess
  clock: Clock
  /** `user-agent`, for the API server's audit log. */
  userAgent: string
  /** Of a call, waiting for a free connection included. Default 10 s. */
  timeoutMs?: number
  /** Largest answer, and largest single event of a watch. Default 32 MiB: a page of 500 objects of what etcd allows would be larger, real ones are far below. */
  maxBytes?: number
}

/** A watch that the server does not end in time is ended here, so much later. */
const WATCH_GRACE_MS = 15_000
/** A watch has a bookmark about once a minute. One that is silent for so long hangs, whatever TCP says: a load balancer may hold it. */
const WATCH_QUIET_MS = 180_000

/**
 * Calls to one API server. Every call rejects with a KubeError, and is safe to repeat where its verb is.
 *
 * The few calls that are needed, over undici, which is here for the data path anyway. @kubernetes/client-node 2.0.1 was
 * weighed: 68 packages and 30 MB of heap after its import, 11 with this; its ListWatch lists everything in one answer, stops
 * at every error but 410, comes back without jitter, and its errors name neither verb nor object.
 */
export class KubeClient {
  /** Namespace of the configuration. */
  readonly namespace: string
  readonly #options: Required<KubeClientOptions>
  readonly #credentials: Credentials
  readonly #transport: Transport

  constructor(options: KubeClientOptions) {
    this.#options = { timeoutMs: 10_000, maxBytes: 32 * 1024 * 1024, ...options }
    this.namespace = options.access.namespace
    this.#credentials = new Credentials(options.access, options.clock)
    this.#transport = new Transport(options.access.server, this.#credentials, options.clock)
  }

  /** Reads one object. */
  async get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    const asked: Asked = { verb: 'get', resource, ...ref, subresource: options.subresource }
    return this.#call(asked, { method: 'GET', path: objectPath(asked), headers: {} }, options)
  }

  /**
   * Reads a page of the newest state (not a cached older one: a relist must not go back in time). `continue` of a page
   * that is too old fails with isGone: begin anew.
   */
  async list<T extends KubeObject>(
    resource: Resource,
    selection: Selection & { limit?: number; continue?: string },
    options: CallOptions = {},
  ): Promise<Page<T>> {
    const { namespace } = selection
    const asked: Asked = { verb: 'list', resource, namespace }
    const query = queryOf({ ...selectors(selection), limit: selection.limit, continue: selection.continue })
    const path = `${pathOf(resource, namespace)}${query}`
    const list = await this.#call<{ metadata?: { resourceVersion?: string; continue?: string }; items?: T[] | null }>(
      asked,
      { method: 'GET', path, headers: {} },
      options,
    )
    const resourceVersion = list.metadata?.resourceVersion
    if (resourceVersion === undefined) {
      throw new KubeError(asked, { status: 200, reason: 'BadAnswer', detail: 'the list has no resourceVersion' })
    }
    return { items: list.items ?? [], resourceVersion, continue: list.metadata?.continue || undefined }
  }

  /**
   * Follows changes after `resourceVersion`, with bookmarks, for about `timeoutS`. `onOpen` is called when the server has
   * agreed, `onEvent` for each event in order; what it throws ends the watch.
   */
  watch<T extends KubeObject>(
    resource: Resource,
    selection: Selection & { resourceVersion: string; timeoutS: number },
    onEvent: (event: WatchEvent<T>) => void,
    onOpen: () => void = () => {},
  ): Watch {
    const { namespace, resourceVersion, timeoutS } = selection
    const { timeoutMs, maxBytes } = this.#options
    const asked: Asked = { verb: 'watch', resource, namespace }
    const query = queryOf({
      ...selectors(selection),
      watch: 1,
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: timeoutS,
    })
    const lines = new Lines(maxBytes, (line) => onEvent(eventOf<T>(line)))
    const streaming = this.#transport.stream(
      this.#prepare({ method: 'GET', path: `${pathOf(resource, namespace)}${query}`, headers: {} }),
      { timeoutMs, totalMs: timeoutS * 1000 + WATCH_GRACE_MS, quietMs: WATCH_QUIET_MS, maxBytes },
      { onOpen, onData: (chunk) => lines.push(chunk) },
    )
    let closed = false
    const ended = streaming.ended.then(
      (answer) => {
        if (answer.status !== 200) throw this.#failure(asked, answer)
      },
      (error) => {
        if (!closed) throw failedTransport(asked, error)
      },
    )
    return {
      ended,
      close: () => {
        closed = true
        streaming.cancel(new TransportError('Closed', 'the watch was closed'))
      },
    }
  }

  /** POST; `metadata.name` of the body names the object. */
  async create<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    body: object,
    options: CallOptions = {},
  ): Promise<T> {
    const name = (body as Partial<KubeObject>).metadata?.name
    const asked: Asked = { verb: 'create', resource, namespace, name }
    return this.#call(asked, withBody('POST', pathOf(resource, namespace), typed(resource, body)), options)
  }

  /** PUT; a `metadata.resourceVersion` in the body fences it: isConflict when somebody was faster. */
  async replace<T extends KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    body: object,
    options: CallOptions = {},
  ): Promise<T> {
    const asked: Asked = { verb: 'update', resource, ...ref, subresource: options.subresource }
    return this.#call(asked, withBody('PUT', objectPath(asked), typed(resource, body)), options)
  }

  /** RFC 7396; a `metadata.resourceVersion` in the patch fences it. */
  async mergePatch<T extends KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: object,
    options: CallOptions = {},
  ): Promise<T> {
    const asked: Asked = { verb: 'patch', resource, ...ref, subresource: options.subresource }
    return this.#call(asked, withBody('PATCH', objectPath(asked), patch, 'application/merge-patch+json'), options)
  }

  /** RFC 6902; a `test` operation fences it (a failed one is 422 Invalid). */
  async jsonPatch<T extends KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: readonly object[],
    options: CallOptions = {},
  ): Promise<T> {
    const asked: Asked = { verb: 'patch', resource, ...ref, subresource: options.subresource }
    return this.#call(asked, withBody('PATCH', objectPath(asked), patch, 'application/json-patch+json'), options)
  }

  /**
   * Server-side apply: the body is all that the manager wants to own; what it no longer names is given up. apiVersion,
   * kind and name are filled in; a `metadata.resourceVersion` fences it.
   */
  async apply<T extends KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    body: { metadata?: Partial<KubeObject['metadata']> },
    options: ApplyOptions,
  ): Promise<T> {
    const { fieldManager, force } = options
    const asked: Asked = { verb: 'apply', resource, ...ref, subresource: options.subresource }
    const metadata = { ...body.metadata, name: ref.name, ...(ref.namespace && { namespace: ref.namespace }) }
    const path = `${objectPath(asked)}${queryOf({ fieldManager, force })}`
    const sent = withBody('PATCH', path, typed(resource, { ...body, metadata }), 'application/apply-patch+yaml')
    return this.#call(asked, sent, options)
  }

  /** Deletes, in the background; `preconditions` fence it. An object that is gone already is no error. */
  async delete(
    resource: Resource,
    ref: ObjectRef,
    preconditions?: { uid?: string; resourceVersion?: string },
    options: CallOptions = {},
  ): Promise<void> {
    const asked: Asked = { verb: 'delete', resource, ...ref, subresource: options.subresource }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) }
    try {
      await this.#call(asked, withBody('DELETE', objectPath(asked), body), options)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  /** Ends all connections; running calls are rejected, watches end. Idempotent. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  async #call<T>(asked: Asked, sent: Sent, options: CallOptions): Promise<T> {
    const { maxBytes, timeoutMs } = this.#options
    let answer: Answer
    try {
      answer = await this.#transport.call(this.#prepare(sent), {
        timeoutMs: options.timeoutMs ?? timeoutMs,
        maxBytes,
      })
    } catch (error) {
      throw failedTransport(asked, error)
    }
    if (answer.status < 200 || answer.status > 299) throw this.#failure(asked, answer)
    try {
      return JSON.parse(answer.body.toString('utf8')) as T
    } catch (cause) {
      throw new KubeError(asked, { status: answer.status, reason: 'BadAnswer', detail: 'the answer is no JSON', cause })
    }
  }

  #prepare(sent: Sent): Sent {
    const headers = { accept: 'application/json', 'user-agent': this.#options.userAgent, ...sent.headers }
    return { ...sent, headers }
  }

  #failure(asked: Asked, answer: Answer): KubeError {
    if (answer.status === 401) this.#credentials.distrust()
    return new KubeError(asked, failureOf(answer))
  }
}

const objectPath = ({ resource, namespace, name, subresource }: Asked): string =>
  pathOf(resource, namespace, name, subresource)

const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector })

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) if (value !== undefined) query.set(key, String(value))
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

const typed = (resource: Resource, body: object): object => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...body,
})

const withBody = (method: Sent['method'], path: string, body: object, type = 'application/json'): Sent => ({
  method,
  path,
  headers: { 'content-type': type },
  body: JSON.stringify(body),
})

const EVENT_TYPES: readonly string[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']

function eventOf<T>(line: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T>>
  try {
    event = JSON.parse(line)
  } catch (cause) {
    throw new TransportError('BadAnswer', 'an event is no JSON', cause)
  }
  if (typeof event?.object !== 'object' || !EVENT_TYPES.includes(event.type ?? '')) {
    throw new TransportError('BadAnswer', `an event has no object or an unknown type ${JSON.stringify(event?.type)}`)
  }
  return event as WatchEvent<T>
}

function failedTransport(asked: Asked, error: unknown): KubeError {
  const { reason, message } =
    error instanceof TransportError ? error : { reason: 'Unreachable', message: (error as Error).message }
  return new KubeError(asked, { status: 0, reason, detail: message, cause: error })
}
