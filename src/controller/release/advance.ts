import type { Step } from './moves/move.ts'
import type { Observation } from './observation.ts'
import { afterwards, trigger } from './phases/at-rest.ts'
import { guard } from './phases/guard.ts'
import { preparing } from './phases/preparing.ts'
import { progressing } from './phases/progressing.ts'
import { promoting } from './phases/promoting.ts'
import type { Policy } from './plan.ts'
import type { State } from './state.ts'

/** What a state does by itself: what was observed and the time move it on. undefined: everything stays as it is. */
export function advance(policy: Policy, state: State, observation: Observation, nowMs: number): Step {
  const release = policy.release
  if (release === undefined) return undefined
  switch (state.phase) {
    case 'Idle':
      return trigger(release, state, observation, nowMs)
    case 'Succeeded':
    case 'RolledBack':
    case 'Aborted':
      return afterwards(policy, release, state, observation, nowMs) ?? trigger(release, state, observation, nowMs)
    case 'Paused':
      return guard(policy, release, state, observation, nowMs)
    case 'Preparing':
    case 'Progressing':
    case 'Promoting': {
      const guarded = guard(policy, release, state, observation, nowMs)
      if (guarded !== undefined || release.suspend || state.restoring !== null) return guarded
      if (state.phase === 'Preparing') return preparing(policy, release, state, observation, nowMs)
      if (state.phase === 'Promoting') return promoting(policy, release, state, observation, nowMs)
      return progressing(policy, release, state, observation, nowMs)
    }
  }
}

/** True while time or observations can move the state: the driver looks at it again and again. */
export function isLive(policy: Policy, state: State): boolean {
  if (state.phase === 'Idle') return false
  if (!('undo' in state)) return true
  return state.hookPending || state.undo !== null || (state.scaleDownAtMs !== null && policy.release !== undefined)
}
