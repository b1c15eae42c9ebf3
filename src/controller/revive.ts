import type { Policy } from './release/plan.ts'
import { idle } from './release/policy.ts'
import { coreOf, releaseOf, type State, shiftTimes, trialOf } from './release/state.ts'
import { candidateBps } from './release/table.ts'
import type { Checkpoint, GateRecord, Tally, TrialRecord } from './store/records.ts'

/** What is known of the trial that ran when the process before this one ended. */
export interface Known {
  /** The trial's name. */
  of: string
  /** Its evidence, which may be older than the record. */
  trial: TrialRecord | undefined
  /** What was left of the harm budget then; null = none, or it is not known. */
  harmLeft: number | null
  /** Failed answers that users had of this attempt, at least. */
  harmed: number
}

/** What a driver begins with: what was stored, on this process's clock; the time in between did not pass. */
export function revive(
  key: string,
  policy: Policy,
  stored: { record: GateRecord; checkpoint: Checkpoint | undefined } | undefined,
  nowMs: number,
): { record: GateRecord; known: Known | undefined } {
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
    return { record, known: undefined }
  }
  const { record, checkpoint } = stored
  // Times and counts go with the record of the same moment; evidence with its trial, whatever was recorded since.
  const { savedAtMs, tally } = checkpoint?.generation === record.generation ? checkpoint : record
  const state = shiftTimes(record.state, nowMs - savedAtMs)
  return { record: { ...record, savedAtMs: nowMs, state, tally }, known: knownOf(state, checkpoint, tally) }
}

function knownOf(state: State, checkpoint: Checkpoint | undefined, { harmed }: Tally): Known | undefined {
  const release = coreOf(state)?.release
  if (release === undefined) return undefined
  const of = trialOf(release)
  // Ids begin anew where a record is lost: the release's start tells them apart.
  const same =
    checkpoint?.trial?.of.trial === of && releaseOf(checkpoint.state)?.startedAt === release.startedAt
      ? checkpoint
      : undefined
  // The tally is the release's: of a later attempt it says too much.
  const least = release.attempt === 1 ? harmed : 0
  return { of, trial: same?.trial ?? undefined, harmLeft: same?.harmLeft ?? null, harmed: least }
}

/** A transition that takes traffic away from the candidate: it is done first and recorded after, whatever the disk says. */
export function defends(before: State, after: State): boolean {
  if (before.phase !== after.phase && (after.phase === 'RolledBack' || after.phase === 'Aborted')) return true
  const [from, to] = [coreOf(before), coreOf(after)]
  if (from === undefined || to === undefined) return false
  if (candidateBps(before) > 0 && candidateBps(after) === 0) return true
  return from.restoring === null && to.restoring !== null
}
