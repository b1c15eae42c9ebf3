import type { Config } from '../config/load.ts'
import type { ListenerSpec, Snapshot } from '../proxy/index.ts'
import type { GateDirectory } from './gate-directory.ts'

/** Everything that workers need, as of now. Reads certificates again only where `listeners` is left out; throws naming the file that is wrong. */
export function compileSnapshot(
  version: number,
  { proxy }: Config,
  listeners: readonly ListenerSpec[],
  directory: GateDirectory,
  workers: number,
): Snapshot {
  const { limits, timeouts, trustedProxies, accessLog } = proxy.spec
  return {
    version,
    listeners,
    trustedProxies,
    limits: { ...limits, maxConnections: Math.ceil(limits.maxConnections / workers) },
    timeouts: {
      headerMs: timeouts.header,
      idleMs: timeouts.idle,
      maxConnectionAgeMs: timeouts.maxConnectionAge,
      drainMs: timeouts.drain,
    },
    accessLog: { enabled: accessLog.enabled, sample: accessLog.sample ?? 100 },
    ...directory.specs(),
  }
}
