import type { Policy } from './plan.ts'
import { fits, idle } from './policy.ts'
import { coreOf, type Ended, type Idle, type State, standingOf } from './state.ts'

/** What a (changed) configuration makes of a state. */
export interface Reconciled {
  state: State
  /** The configuration's weights that the resting weights are of. */
  over: Record<string, number>
  /** What was changed or ignored, for the log. */
  says?: string
}

/**
 * Fits a stored or running state to the configuration. Weights set by hand stay until the configuration's own weights
 * change; in mid-release these are ignored. A state of other variants or roles cannot go on.
 */
export function reconcile(policy: Policy, state: State, over: Readonly<Record<string, number>>): Reconciled {
  const start = { ...policy.startBps }
  if (!fits(policy, state)) {
    const fresh: Idle = { ...idle(policy), releases: standingOf(state).releases }
    const was = coreOf(state) === undefined ? 'the last release' : 'the release that ran'
    return {
      state: fresh,
      over: start,
      says: `variants or roles changed: ${was} is over, traffic starts as configured`,
    }
  }
  if (same(over, start)) return { state, over: { ...over } }
  const core = coreOf(state)
  if (core !== undefined) {
    return { state, over: start, says: `the changed weights are ignored: release ${core.release.id} is ${state.phase}` }
  }
  const next = { ...(state as Idle | Ended), restBps: start }
  return { state: next, over: start, says: 'the changed weights of the configuration are in force' }
}

const same = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, bps]) => b[name] === bps)
