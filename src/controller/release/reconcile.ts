import type { Policy } from './plan.ts'
import { fits, idle } from './policy.ts'
import { type Core, coreOf, type Ended, type Idle, type State, standingOf, stepOf, type Why } from './state.ts'

/** What a (changed) configuration makes of a state. */
export interface Reconciled {
  state: State
  /** The configuration's weights that the resting weights are of. */
  over: Record<string, number>
  /** What was changed or ignored, for the log. */
  says?: string
  /** Why the release that ran is over: a decision. */
  why?: Why
}

/**
 * Fits a stored or running state to the configuration. Weights set by hand stay until the configuration's own weights
 * change; in mid-release these are ignored. A state of other variants or roles cannot go on: a release that ran is
 * aborted, and traffic starts as configured.
 */
export function reconcile(
  policy: Policy,
  state: State,
  over: Readonly<Record<string, number>>,
  now: { wallMs: number; nowMs: number },
): Reconciled {
  const start = { ...policy.startBps }
  const core = coreOf(state)
  if (!fits(policy, state)) {
    const fresh: Idle = { ...idle(policy), releases: standingOf(state).releases }
    if (core !== undefined) return abandon(policy, core, fresh, now)
    const says = 'variants or roles changed: the last release is over, traffic starts as configured'
    return { state: fresh, over: start, says }
  }
  if (same(over, start)) return { state, over: { ...over } }
  if (core !== undefined) {
    return { state, over: start, says: `the changed weights are ignored: release ${core.release.id} is ${state.phase}` }
  }
  const next = { ...(state as Idle | Ended), restBps: start }
  return { state: next, over: start, says: 'the changed weights of the configuration are in force' }
}

/** The release ends where the new configuration begins: in its roles and weights. */
function abandon(policy: Policy, core: Core, fresh: Idle, now: { wallMs: number; nowMs: number }): Reconciled {
  const { id, revision } = core.release
  const message = `variants or roles changed: release ${id} of ${revision} is over, traffic starts as configured`
  const why: Why = { verdict: 'Undecided', reason: 'ConfigChanged', message }
  const { release } = policy
  const state: Ended = {
    ...fresh,
    ...why,
    phase: 'Aborted',
    release: core.release,
    step: stepOf(core),
    endedAt: new Date(now.wallMs).toISOString(),
    sinceMs: now.nowMs,
    hookPending: release?.hooks.includes('OnRollback') === true,
    scaleDownAtMs: release?.workloads === true ? now.nowMs + release.scaleDownDelayMs : null,
    undo: null,
  }
  return { state, over: { ...policy.startBps }, says: message, why }
}

const same = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, bps]) => b[name] === bps)
