import type { Clock } from '../clock.ts'
import type { KubeAccess } from './config.ts'
import type { KubeObject, ObjectRef, Resource } from './objects.ts'

/** Which objects of a kind. */
export interface Selection {
  /** undefined: all namespaces. */
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

/** A page of a list. */
export interface Page<T> {
  items: T[]
  /** Of the whole list: a watch goes on from here. */
  resourceVersion: string
  /** Set: there is more. */
  continue: string | undefined
}

/** What a watch tells. `object` of an ERROR is a Status; of a BOOKMARK only its resourceVersion counts. */
export interface WatchEvent<T = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

/** A running watch. */
export interface Watch {
  /** Resolves when the server ends it in order or `close` was called; rejects with a KubeError. */
  ended: Promise<void>
  close(): void
}

export interface CallOptions {
  subresource?: string
  /** Of this call; default the client's. */
  timeoutMs?: number
}

/** Server-side apply under a field manager. */
export interface ApplyOptions extends CallOptions {
  fieldManager: string
  /** Take over fields that others own. */
  force?: boolean
}

export interface KubeClientOptions {
  access: KubeAccess
  clock: Clock
  /** `user-agent`, for the API server's audit log. */
  userAgent: string
  /** Default 10 s. */
  timeoutMs?: number
  /** Largest answer, and largest single event of a watch. Default 32 MiB. */
  maxBytes?: number
}

/** See the implementation for the semantics of each call; every one rejects with a KubeError. */
export declare class KubeClient {
  constructor(options: KubeClientOptions)
  /** Namespace of the configuration. */
  get namespace(): string
  get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options?: CallOptions): Promise<T>
  list<T extends KubeObject>(
    resource: Resource,
    selection: Selection & { limit?: number; continue?: string },
    options?: CallOptions,
  ): Promise<Page<T>>
  watch<T extends KubeObject>(
    resource: Resource,
    selection: Selection & { resourceVersion: string; timeoutS: number },
    onEvent: (event: WatchEvent<T>) => void,
  ): Watch
  /** POST; `metadata.name` of the body names it. */
  create<T extends KubeObject>(
    resource: Resource,
    namespace: string | undefined,
    body: object,
    options?: CallOptions,
  ): Promise<T>
  /** PUT; a `resourceVersion` in the body fences it: isConflict when somebody was faster. */
  replace<T extends KubeObject>(resource: Resource, ref: ObjectRef, body: object, options?: CallOptions): Promise<T>
  /** RFC 7396; a `metadata.resourceVersion` in the patch fences it. */
  mergePatch<T extends KubeObject>(resource: Resource, ref: ObjectRef, patch: object, options?: CallOptions): Promise<T>
  /** RFC 6902. */
  jsonPatch<T extends KubeObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: readonly object[],
    options?: CallOptions,
  ): Promise<T>
  /** Server-side apply; apiVersion, kind and name are filled in. */
  apply<T extends KubeObject>(resource: Resource, ref: ObjectRef, body: object, options: ApplyOptions): Promise<T>
  /** Deletes; `preconditions` fence it. An object that is gone already is no error. */
  delete(
    resource: Resource,
    ref: ObjectRef,
    preconditions?: { uid?: string; resourceVersion?: string },
    options?: CallOptions,
  ): Promise<void>
  /** GET of any path, parsed: `/version`, `/readyz`. */
  close(): Promise<void>
}
