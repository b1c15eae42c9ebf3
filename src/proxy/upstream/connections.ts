import type { Dispatcher } from 'undici'
import type { Attempt } from './attempt.ts'
import type { Dialer } from './dial.ts'

/** All connections of one worker to one endpoint. `started`, `blocked` and `failed` are the attempt's calls back. */
export interface Connections {
  /** Opens the connections of upgrades, which are not pooled. */
  readonly dialer: Dialer
  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void
  /** The attempt was begun on its connection: sets its `reused`. */
  started(attempt: Attempt): void
  /** True when the endpoint does not read what was written to it. */
  blocked(attempt: Attempt): boolean
  /** The attempt failed or was aborted, perhaps before it was begun. */
  failed(attempt: Attempt, error: Error): void
  /** Closes idle connections now, the others when their request ends. A request that is dispatched later still runs, on a connection of its own. */
  close(): Promise<void>
}

/** Options of undici's clients that both protocols share. Deadlines are ours (deadlines.ts), undici's are off. */
export const CLIENT_OPTIONS = {
  headersTimeout: 0,
  bodyTimeout: 0,
  /** A response head over this ends the request with UND_ERR_HEADERS_OVERFLOW. */
  maxHeaderSize: 16_384,
  /** Never take a body for longer or shorter than it says. */
  strictContentLength: true,
} as const
