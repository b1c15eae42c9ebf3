import type { Snapshot } from './snapshot.ts'

/** What the main thread and a worker tell each other: rare, plain data. Never one a request. */

/** Given to a worker's thread when it is made. */
export interface WorkerStart {
  /** The worker's row in every block, 0 or more; a replacement gets the row of the one that died. */
  index: number
  snapshot: Snapshot
  /** Ports that are bound already, by listener: what port 0 became. */
  ports: Record<string, number>
  /** One Int32 a worker: monotonic milliseconds of its last heartbeat, written by the worker. */
  beats: SharedArrayBuffer
}

export type ToWorker =
  | { type: 'apply'; snapshot: Snapshot; ports: Record<string, number> }
  /** Keep accepting for `acceptMs`, answering with `Connection: close`; be done by `deadlineMs`, counted from now. */
  | { type: 'drain'; acceptMs: number; deadlineMs: number }

export type FromWorker =
  /** Snapshot `version` is in force; listeners that could not be bound are named, the others serve. */
  | { type: 'applied'; version: number; bound: BoundListener[]; failed: FailedListener[] }
  | { type: 'samples'; samples: FailureSample[] }
  | { type: 'drained' }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; fields: Record<string, unknown>; message: string }

export interface BoundListener {
  name: string
  host: string
  port: number
}

export interface FailedListener {
  name: string
  port: number
  /** `EADDRINUSE`, `EACCES`, ... or what is wrong with a certificate. */
  code: string
  message: string
}

/** One failed request, so that a decision can name examples. A worker sends at most ten a second. */
export interface FailureSample {
  /** `namespace/name`. */
  gate: string
  variant: string
  /** The endpoint's name; empty where none was picked. */
  endpoint: string
  /** Path without the query string, at most 256 characters. */
  path: string
  /** Status that the variant answered, or that the proxy answered in its place. */
  status: number
  /** A failure kind of the metrics. */
  kind: string
  requestId: string
  /** Milliseconds from the start of the request. */
  ms: number
  rescued: boolean
}
