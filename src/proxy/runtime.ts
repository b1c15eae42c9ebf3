import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { AccessLog } from './access-log/index.ts'
import { type GateParts, GateRuntime } from './gate-runtime.ts'
import { compileNetworks, type Networks } from './headers/trusted.ts'
import type { FailureSample } from './messages.ts'
import { compileRoutes, type Router } from './route/router.ts'
import type { Snapshot } from './snapshot.ts'

/** What requests need of the worker, whatever the snapshot. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly newId: () => string
  /** undefined: no access log. */
  readonly accessLog: Pick<AccessLog, 'wants' | 'write' | 'log'> | undefined
  /** Notes a failed request as an example; bounded by who takes it. */
  readonly sample: (sample: FailureSample) => void
  /** An observation was opened in this gate: its thresholds are to be watched. */
  readonly observed: (gate: GateRuntime) => void
}

/** A snapshot ready to serve in one worker. Immutable; a request keeps the one that it started with. */
export class Runtime {
  readonly snapshot: Snapshot
  readonly services: Services
  readonly router: Router
  readonly trusted: Networks
  readonly gates: readonly GateRuntime[]

  constructor(snapshot: Snapshot, services: Services, parts: GateParts) {
    this.snapshot = snapshot
    this.services = services
    this.router = compileRoutes(snapshot.routes)
    this.trusted = compileNetworks(snapshot.trustedProxies)
    this.gates = snapshot.gates.map((gate) => new GateRuntime(gate, parts))
    parts.splitters.keepOnly(snapshot.gates)
  }

  /** Requests that still use it. */
  get active(): number {
    let sum = 0
    for (const gate of this.gates) sum += gate.active
    return sum
  }
}
