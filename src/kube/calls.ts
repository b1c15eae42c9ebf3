import type { KubeObject } from './objects.ts'

/** What calls to an API server take and give. */

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
  /** `status`, `scale`. */
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
