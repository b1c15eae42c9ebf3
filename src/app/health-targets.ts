import type { HealthTarget } from '../proxy/index.ts'
import type { GateDirectory } from './gate-directory.ts'
import { tlsSpec } from './gate-spec.ts'

/** Every endpoint of the gates that ask for active health checks. */
export function healthTargets(directory: GateDirectory): HealthTarget[] {
  return directory.all().flatMap((gate) => {
    const { healthCheck: check, tls } = gate.config.spec.upstream
    if (check === undefined) return []
    return gate.endpoints.flatMap((endpoints, index) =>
      endpoints.map((endpoint) => ({
        gate: gate.key,
        variant: gate.names[index]!,
        block: gate.block,
        endpoint,
        host: endpoint.name.split('@')[0]!,
        check: {
          path: check.path ?? '/',
          intervalMs: check.interval,
          timeoutMs: check.timeout,
          healthy: check.healthy,
          unhealthy: check.unhealthy,
        },
        tls: tlsSpec(tls),
      })),
    )
  })
}
