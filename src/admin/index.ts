import type { AdminOptions, AdminServer } from './options.ts'

export type { AdminLog, AdminOptions, AdminServer, AdminToken, TlsMaterial } from './options.ts'
export type { ActionResult, AdminEvent, DecisionEvent, GateService } from './service.ts'
export type {
  ActionBody,
  Decision,
  Evidence,
  GateView,
  Phase,
  ReleaseRecord,
  ReleaseSummary,
  ReleaseView,
  VariantView,
  Verb,
  Verdict,
  VersionView,
} from './views.ts'

/**
 * Starts the admin API; resolves when it listens. Rejects with an AdminStartError whose message says what to do: the port is taken, or the
 * address is not loopback and nothing authenticates. Everything heavy is loaded here and not before.
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { start } = await import('./server.ts')
  return start(options)
}
