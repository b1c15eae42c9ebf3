import type { Finding, JudgeInput } from './finding.ts'
import type { JudgePolicy } from './policy.ts'
import type { JudgeState } from './state.ts'

/** A judge at the beginning of a release: capital 1, nothing seen. */
export declare function createJudge(policy: JudgePolicy): JudgeState

/** A new step begins: capital and counts of the release stay, endpoint totals begin anew. */
export declare function onStep(state: JudgeState): JudgeState

/**
 * A judge read back after a restart: epochs begin anew and the ring is gone. Open cells are lost whole,
 * which keeps the test valid.
 */
export declare function resumeJudge(state: JudgeState): JudgeState

/** One look at the evidence: pure, valid at every instant, as often as you like. Call it at least once a second. */
export declare function judge(
  policy: JudgePolicy,
  state: JudgeState,
  input: JudgeInput,
): { state: JudgeState; finding: Finding }
