import type { Clock } from '../../clock.ts'
import type { ErrorCode } from '../errors.ts'
import type { Downstream } from '../exchange/downstream.ts'
import type { UpgradeRequest } from '../http1/upgrade-request.ts'
import type { Connection } from './connection.ts'

/** What the engines of the wire hand requests to, and ask. */
export interface Frontend {
  readonly clock: Clock
  /** All connections are to be closed after the answer in hand. */
  readonly draining: boolean
  request(downstream: Downstream): void
  upgrade(request: UpgradeRequest): void
  /** What came was no HTTP; the engine itself answered with `code`. */
  refused(connection: Connection, code: ErrorCode): void
}
