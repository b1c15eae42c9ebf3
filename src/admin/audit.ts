import type { AdminLog } from './options.ts'

/** A write, as it is written down. Keys are stable; a token never is among them. */
export interface AuditEntry {
  /** Name of the token or client certificate; `local` where nothing authenticates; null: not known. */
  who: string | null
  /** Address of the client. */
  from: string
  /** `weights` or the verb. */
  action: string
  /** `namespace/name`. */
  gate: string
  /** What was asked for, as far as it was valid. */
  request?: unknown
  outcome: 'done' | 'refused' | 'failed'
  status: number
  /** Why it was refused. */
  code?: string
  message?: string
}

/** Writes the entry to the log under `audit`. */
export function audit(log: AdminLog, entry: AuditEntry): void {
  log.info({ audit: entry }, `admin ${entry.action} ${entry.gate}: ${entry.outcome}`)
}
