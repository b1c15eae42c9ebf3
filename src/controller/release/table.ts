import type { Roles } from './plan.ts'
import { type Core, coreOf, type Standing, type State, standingOf } from './state.ts'

/** All traffic, in basis points. */
export const ALL_BPS = 10_000

/** Basis points that serving and candidate share; other variants keep theirs throughout a release. */
export const sharedBps = ({ roles, restBps }: Standing): number =>
  (restBps[roles.serving] ?? 0) + (restBps[roles.candidate] ?? 0)

/** The resting weights with `weightBps` of what both share on the candidate. */
export function splitBps(standing: Standing, weightBps: number): Record<string, number> {
  const shared = sharedBps(standing)
  const candidate = Math.round((shared * weightBps) / ALL_BPS)
  const { serving, candidate: name } = standing.roles
  return { ...standing.restBps, [serving]: shared - candidate, [name]: candidate }
}

/** The candidate's weight (of what it shares with serving) that the phase is for, whether or not it is ready. */
function wantedBps(core: Core): number {
  if (core.phase === 'Preparing') return 0
  if (core.phase === 'Promoting') return ALL_BPS
  const { steps } = core.release
  if (core.stage === 'Entering') return core.step === 0 ? 0 : (steps[core.step - 1]?.weightBps ?? 0)
  return steps[core.step]?.weightBps ?? 0
}

/** Effective weights, basis points by variant; they sum to 10,000. */
export function weightsBps(state: State): Record<string, number> {
  const standing = standingOf(state)
  const core = coreOf(state)
  if (core === undefined) return { ...standing.restBps }
  if (state.phase === 'Paused' && state.byHandBps !== null) {
    return core.outSinceMs === null ? { ...state.byHandBps } : toServing(state.byHandBps, standing.roles)
  }
  return splitBps(standing, core.outSinceMs === null ? wantedBps(core) : 0)
}

/** The candidate's part goes to serving. */
export function toServing(
  bps: Readonly<Record<string, number>>,
  { serving, candidate }: Roles,
): Record<string, number> {
  return { ...bps, [serving]: (bps[serving] ?? 0) + (bps[candidate] ?? 0), [candidate]: 0 }
}

export const candidateBps = (state: State): number => weightsBps(state)[standingOf(state).roles.candidate] ?? 0

/** Percent, for people. */
export const percentages = (bps: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(bps).map(([name, value]) => [name, value / 100]))
