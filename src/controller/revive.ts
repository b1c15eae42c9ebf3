import type { Policy } from './release/plan.ts'
import { idle } from './release/policy.ts'
import { coreOf, type State, shiftTimes } from './release/state.ts'
import { candidateBps } from './release/table.ts'
import type { Checkpoint, GateRecord, TrialRecord } from './store/records.ts'

/** What a driver begins with: what was stored, on this process's clock; the time in between did not pass. */
export function revive(
  key: string,
  policy: Policy,
  stored: { record: GateRecord; checkpoint: Checkpoint | undefined } | undefined,
  nowMs: number,
): { record: GateRecord; trial: TrialRecord | null; harmLeft: number | null } {
  if (stored === undefined) {
    const record: GateRecord = {
      gate: key,
      generation: 0,
      savedAtMs: nowMs,
      state: idle(policy),
      over: { ...policy.startBps },
      decisions: [],
      tally: { harmed: 0, rescued: 0 },
    }
    return { record, trial: null, harmLeft: null }
  }
  const { record, checkpoint } = stored
  const { savedAtMs, tally } = checkpoint ?? record
  const state = shiftTimes(record.state, nowMs - savedAtMs)
  return {
    record: { ...record, savedAtMs: nowMs, state, tally },
    trial: checkpoint?.trial ?? null,
    harmLeft: checkpoint?.harmLeft ?? null,
  }
}

/** A transition that takes traffic away from the candidate: it is done first and recorded after, whatever the disk says. */
export function defends(before: State, after: State): boolean {
  if (before.phase !== after.phase && (after.phase === 'RolledBack' || after.phase === 'Aborted')) return true
  const [from, to] = [coreOf(before), coreOf(after)]
  if (from === undefined || to === undefined) return false
  if (candidateBps(before) > 0 && candidateBps(after) === 0) return true
  return from.restoring === null && to.restoring !== null
}
