import type { ResolvedGate } from '../../config/resolve.ts'
import type { GateConfig } from '../../config/schema.ts'
import type { HookPhase, Policy, ReleasePolicy } from './plan.ts'
import { coreOf, type Idle, type State } from './state.ts'

/** No candidate request for this long: there is no traffic (analysis.md). */
export const NO_TRAFFIC_MS = 30_000

/** A decoded Gate and its resolved defaults in the terms of the state machine. */
export function policyOf(gate: GateConfig, resolved: ResolvedGate): Policy {
  const variants = gate.spec.variants.map(({ name }) => name)
  const startBps = Object.fromEntries(variants.map((name, index) => [name, resolved.weightsBps[index] ?? 0]))
  return { variants, startBps, release: releasePolicyOf(gate, resolved) }
}

function releasePolicyOf(gate: GateConfig, resolved: ResolvedGate): ReleasePolicy | undefined {
  const { release, analysis, hooks, variants } = gate.spec
  if (release === undefined) return undefined
  const named = (name: string) => variants.find((variant) => variant.name === name)
  const phases = hooks.map(({ phase }) => phase).filter((phase): phase is HookPhase => phase !== 'OnEvent')
  return {
    strategy: release.strategy,
    roles: { serving: release.serving, candidate: release.candidate },
    steps: resolved.steps,
    promotion: resolved.promotion ?? 'Swap',
    trigger: release.trigger,
    workloads: named(release.serving)?.workload !== undefined && named(release.candidate)?.workload !== undefined,
    readyTimeoutMs: release.readyTimeout,
    stepTimeoutMs: release.stepTimeout,
    bakeMs: release.bake,
    suspend: release.suspend,
    scaleDownDelayMs: release.scaleDownDelay,
    maxErrorRate: analysis.maxErrorRate / 100,
    harmBudget: analysis.harmBudget,
    noTraffic: analysis.noTraffic,
    noTrafficAfterMs: NO_TRAFFIC_MS,
    checks: analysis.checks.map(({ name, failureLimit, dryRun }) => ({ name, failureLimit, dryRun })),
    hooks: [...new Set(phases)],
  }
}

/** The same where nobody can change workloads: no template is copied, no image is set, nothing is scaled. */
export function withoutWorkloads(policy: Policy): Policy {
  const { release } = policy
  return release === undefined ? policy : { ...policy, release: { ...release, workloads: false, promotion: 'Swap' } }
}

/** A gate before anything happened to it. A gate without a release section has its first variant in both roles' place. */
export function idle(policy: Policy): Idle {
  const roles = policy.release?.roles ?? { serving: policy.variants[0] ?? '', candidate: '' }
  return { phase: 'Idle', roles, restBps: { ...policy.startBps }, releases: 0, revisionSeen: null }
}

/** Whether a stored state still fits the configuration: the same variants, and roles among the configured two. */
export function fits(policy: Policy, state: State): boolean {
  const { roles, restBps } = state.phase === 'Paused' ? state.within : state
  const names = Object.keys(restBps)
  if (names.length !== policy.variants.length || names.some((name) => !policy.variants.includes(name))) return false
  const wanted = policy.release?.roles
  // Without a release section nothing runs; a release that its removal ended may still be shown.
  if (wanted === undefined) return state.phase === 'Idle' || (coreOf(state) === undefined && roles.candidate === '')
  const same = roles.serving === wanted.serving && roles.candidate === wanted.candidate
  const swapped = roles.serving === wanted.candidate && roles.candidate === wanted.serving
  return same || swapped
}
