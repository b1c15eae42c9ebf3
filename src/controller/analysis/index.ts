/** Pure statistics of a release: see finding.ts for what goes in and comes out, judge.ts for how. */
export type { CellCounts, EndpointCounts, Finding, JudgeInput, Test } from './finding.ts'
export { createJudge, judge, onStep, resumeJudge } from './judge.ts'
export { capitalShares, convictionThreshold, type JudgePolicy, judgePolicy } from './policy.ts'
export type { JudgeState } from './state.ts'
