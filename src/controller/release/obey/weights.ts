import type { Command } from '../commands.ts'
import { byHand, rest } from '../moves/by-hand.ts'
import type { Policy } from '../plan.ts'
import { coreOf, type Ended, type Idle, type State } from '../state.ts'
import { ALL_BPS } from '../table.ts'
import { type Obeyed, refuse } from './answer.ts'

/** Weights by hand: at rest they stay, in a release they pause it. */
export function weights(policy: Policy, state: State, command: Command & { verb: 'weights' }, nowMs: number): Obeyed {
  const entries = Object.entries(command.weightsBps)
  const unknown = entries.find(([name]) => !policy.variants.includes(name))
  if (unknown !== undefined) {
    return refuse('unknown-variant', `no variant is called ${unknown[0]}; there are ${policy.variants.join(', ')}`)
  }
  const sum = entries.reduce((total, [, bps]) => total + bps, 0)
  if (sum !== ALL_BPS || entries.some(([, bps]) => !Number.isInteger(bps) || bps < 0)) {
    return refuse('bad-weights', `weights must be 0 or more and sum to 100, they sum to ${sum / 100}`)
  }
  const all = Object.fromEntries(policy.variants.map((name) => [name, command.weightsBps[name] ?? 0]))
  const core = coreOf(state)
  if (core === undefined) return { move: rest(state, all, command.who) }
  if (!command.force) {
    return refuse(
      'release-running',
      `release ${core.release.id} is ${state.phase}: force sets the weights and pauses it`,
    )
  }
  if (state.phase === 'Promoting') return refuse('promoting', 'it is being promoted: abort or rollback can stop it')
  if (core.restoring !== null) return refuse('rolling-back', `the release is going back: ${core.restoring.message}`)
  return { move: byHand(state as Exclude<typeof state, Idle | Ended>, { ...command, weightsBps: all }, nowMs) }
}
