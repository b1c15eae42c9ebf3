import type { FastifyRequest } from 'fastify'
import { addressOf } from './guard.ts'
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

/**
 * Writes down what came of a write, once, when that is decided and not when the answer is out: who hangs up early is in
 * the log too. Reads are passed over.
 */
export function audit(log: AdminLog, request: FastifyRequest, status: number): void {
  const { action } = request.routeOptions.config
  const { state } = request
  if (action === undefined || state.audited === true) return
  state.audited = true
  const { who, code, message, asked } = state
  const { namespace, name } = request.params as { namespace: string; name: string }
  const gate = `${namespace}/${name}`.slice(0, 507)
  const outcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed'
  const entry: AuditEntry = {
    who,
    from: addressOf(request),
    action,
    gate,
    ...(asked === undefined ? {} : { request: asked }),
    outcome,
    status,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
  }
  log.info({ audit: entry }, `admin ${action} ${gate}: ${outcome}`)
}
