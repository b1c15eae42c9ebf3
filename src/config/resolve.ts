import type { GateConfig, StepConfig } from './schema.ts'
import { toBps } from './units.ts'

/** The defaults of a Gate that depend on its other keys. Pure. */
export interface ResolvedGate {
  /** `namespace/name`, the `gate` label. */
  key: string
  /** Index of the variant that has the traffic before the first release: release.serving, else the first. */
  serving: number
  /** Index of release.candidate; undefined without a release. */
  candidate?: number
  /** Where traffic starts, per variant, in basis points; they sum to 10 000. */
  weightsBps: readonly number[]
  /** Empty without a release. */
  steps: readonly ResolvedStep[]
  /** Swap wherever there are no workloads; undefined without a release. */
  promotion?: 'Copy' | 'Swap'
  /** Name of the sticky cookie or header (as written); undefined without `sticky` and for ClientIP. */
  stickyName?: string
}

/** A step of a release with its units. */
export interface ResolvedStep {
  weightBps: number
  minDurationMs: number
  minRequests: number
  pause: boolean
}

/** The sticky cookie's name when none is given. */
export const STICKY_COOKIE = 'sg_bucket'
/** Weights of the steps in percent when none are given. */
export const DEFAULT_STEPS = { Canary: [5, 10, 25, 50, 100], BlueGreen: [100] } as const
const DEFAULT_STEP = { minDuration: 60_000, minRequests: 0, pause: false }

/** Fills in what depends on other keys. The gate has passed the rules. */
export function resolveGate(gate: GateConfig): ResolvedGate {
  const { variants, release, sticky } = gate.spec
  const indexOf = (name: string): number => variants.findIndex((variant) => variant.name === name)
  const serving = release === undefined ? 0 : indexOf(release.serving)
  const weighted = variants.some((variant) => variant.weight !== undefined)
  const weightsBps = variants.map((variant, index) =>
    weighted ? toBps(variant.weight ?? 0) : index === serving ? 10_000 : 0,
  )
  const resolved: ResolvedGate = {
    key: `${gate.metadata.namespace}/${gate.metadata.name}`,
    serving,
    weightsBps,
    steps: [],
  }
  if (sticky !== undefined && sticky.by !== 'ClientIP') resolved.stickyName = sticky.name ?? STICKY_COOKIE
  if (release === undefined) return resolved

  const candidate = indexOf(release.candidate)
  const copies = variants[serving]?.workload !== undefined && variants[candidate]?.workload !== undefined
  const byDefault = release.strategy === 'Canary' && copies ? 'Copy' : 'Swap'
  const steps = release.steps ?? DEFAULT_STEPS[release.strategy].map((weight) => ({ weight, ...DEFAULT_STEP }))
  return {
    ...resolved,
    candidate,
    steps: steps.map(resolveStep),
    promotion: copies ? (release.promotion ?? byDefault) : 'Swap',
  }
}

function resolveStep(step: StepConfig): ResolvedStep {
  return {
    weightBps: toBps(step.weight),
    minDurationMs: step.minDuration,
    minRequests: step.minRequests,
    pause: step.pause,
  }
}
