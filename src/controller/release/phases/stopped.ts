import { goBack } from '../moves/ending.ts'
import { type Step, undecided } from '../moves/move.ts'
import { pause } from '../moves/steps.ts'
import type { Observation } from '../observation.ts'
import type { Policy } from '../plan.ts'
import type { Preparing, Progressing, Why } from '../state.ts'
import type { Gate } from '../verdict.ts'

/** A hook that refuses ends the release; one that cannot be asked makes it wait for a person. */
export function stoppedBy(
  policy: Policy,
  core: Preparing | Progressing,
  gate: Gate,
  observation: Observation,
  nowMs: number,
): Step {
  if (gate.is === 'refused') {
    const why: Why = {
      verdict: 'Degraded',
      reason: 'HookFailed',
      message: `hook ${gate.phase} refused: ${gate.detail}`,
    }
    return goBack(policy, core, 'RolledBack', why, observation, nowMs)
  }
  if (gate.is === 'unreachable') {
    const message = `hook ${gate.phase} could not be asked: ${gate.detail}; resume asks again`
    return pause(core, 'HookFailed', undecided('HookFailed', message), nowMs)
  }
  return undefined
}
