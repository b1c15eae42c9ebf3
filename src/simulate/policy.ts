import { resolveGate } from '../config/resolve.ts'
import type { GateConfig } from '../config/schema.ts'
import { judgePolicy } from '../controller/analysis/index.ts'
import { policyOf } from '../controller/release/policy.ts'
import type { TriedPolicy } from './release.ts'

/**
 * A Gate's policy without what a simulation has no part in: workloads, hooks, checks, and steps that wait for a person.
 * `left` names what was left out.
 */
export function triedPolicy(gate: GateConfig): TriedPolicy & { left: string[] } {
  const policy = policyOf(gate, resolveGate(gate))
  const release = policy.release
  if (!release) throw new RangeError(`${gate.metadata.name} has no release section: there is nothing to simulate`)
  const left: string[] = []
  if (release.hooks.length > 0) left.push('hooks')
  if (release.checks.length > 0) left.push('checks')
  if (release.steps.some(({ pause }) => pause)) left.push('pauses')
  if (release.suspend) left.push('suspend')
  return {
    release: {
      ...policy,
      release: {
        ...release,
        hooks: [],
        checks: [],
        workloads: false,
        promotion: 'Swap',
        suspend: false,
        steps: release.steps.map((step) => ({ ...step, pause: false })),
      },
    },
    judge: judgePolicy(gate.spec.analysis),
    rescue: gate.spec.rescue.enabled,
    left,
  }
}
