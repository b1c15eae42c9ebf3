import { checksOfState, hookKey, hooksOf } from './demands.ts'
import { endpoints, evidence, failures, findingOf, percent, seconds, slowness, trafficOf } from './figures.ts'
import type { CheckResult, HookAnswer, Observation } from './observation.ts'
import type { HookPhase, ReleasePolicy } from './plan.ts'
import { type Core, type Progressing, trialOf, type Why } from './state.ts'

/** Where a release stands: the analysis' finding, the harm budget, checks and traffic in one word and one sentence. */

/** Why the release must go back now; undefined: it need not. Precedence: HarmBudget, the judge, checks. */
export function degraded(policy: ReleasePolicy, core: Core, observation: Observation): Why | undefined {
  if (core.overruled) return undefined
  const { candidate, serving } = core.roles
  // What another release, or another attempt, has used up says nothing of this one.
  const ofTrial = observation.of?.trial === trialOf(core.release)
  if (policy.harmBudget !== undefined && ofTrial && observation.harmLeft !== null && observation.harmLeft <= 0) {
    const message = `users saw ${policy.harmBudget} failed answers of ${candidate}, all that harmBudget allows; ${failures(core, observation)}`
    return { verdict: 'Degraded', reason: 'HarmBudget', message }
  }
  const finding = findingOf(core, observation)
  if (finding?.convicted !== undefined) {
    const { reason, historical } = finding.convicted
    const figures = reason === 'ErrorRate' ? failures(core, observation) : slowness(core, observation)
    const compared = historical ? `, compared with ${serving}'s last 10 minutes of traffic` : ''
    return { verdict: 'Degraded', reason, message: `${figures}; ${evidence(finding)}${compared}` }
  }
  const broken = failedCheck(policy, core, observation)
  if (broken !== undefined) {
    const times = broken.failures === 1 ? 'failed' : `failed ${broken.failures} times in a row`
    return { verdict: 'Degraded', reason: 'CheckFailed', message: `check ${broken.name} ${times}: ${broken.detail}` }
  }
  return undefined
}

/** Results of the checks that belong to the state. */
function results(policy: ReleasePolicy, core: Core, { checks }: Observation): readonly CheckResult[] {
  const of = checksOfState(policy, core)
  return of !== null && checks.of === of ? checks.results : []
}

function failedCheck(policy: ReleasePolicy, core: Core, observation: Observation): CheckResult | undefined {
  const found = results(policy, core, observation)
  for (const check of policy.checks) {
    const result = found.find(({ name }) => name === check.name)
    if (!check.dryRun && result?.result === 'fail' && result.failures > check.failureLimit) return result
  }
  return undefined
}

/** The check that has not passed yet, with its last result. */
export function openCheck(policy: ReleasePolicy, core: Core, observation: Observation): Why | undefined {
  if (checksOfState(policy, core) === null) return undefined
  const found = results(policy, core, observation)
  for (const check of policy.checks) {
    if (check.dryRun) continue
    const result = found.find(({ name }) => name === check.name)
    if (result?.result === 'pass') continue
    const last = result === undefined ? 'has no result yet' : `is ${result.result}: ${result.detail}`
    return { verdict: 'Undecided', reason: 'Checks', message: `waiting for check ${check.name}, which ${last}` }
  }
  return undefined
}

/** What the hooks of a state say together. */
export type Gate =
  | { is: 'open' }
  | { is: 'waiting'; phase: HookPhase }
  | { is: 'refused' | 'unreachable'; phase: HookPhase; detail: string }

export function hookGate(policy: ReleasePolicy, core: Core, { hooks }: Observation): Gate {
  let waiting: HookPhase | undefined
  for (const phase of hooksOf(policy, core)) {
    const answer: HookAnswer | undefined = hooks[hookKey(core, phase)]
    if (answer === undefined) waiting ??= phase
    else if (answer.result !== 'passed') return { is: answer.result, phase, detail: answer.detail }
  }
  return waiting === undefined ? { is: 'open' } : { is: 'waiting', phase: waiting }
}

/** What a verdict says beside the reason: how many requests it needs; and whether it is worth a record of its own. */
export type Reading = Why & { requestsNeeded: number | null; notable: boolean }

const reading = (why: Why, requestsNeeded: number | null = null, notable = false): Reading => ({
  ...why,
  requestsNeeded,
  notable,
})
const undecided = (reason: Why['reason'], message: string): Why => ({ verdict: 'Undecided', reason, message })

/** True when no candidate request came for so long that silence proves nothing. */
export function isSilent(policy: ReleasePolicy, core: Progressing, observation: Observation, nowMs: number): boolean {
  const last = trafficOf(core, observation).lastMs ?? core.weightSinceMs
  return nowMs - Math.max(last, core.weightSinceMs) >= policy.noTrafficAfterMs
}

/** Exceptions that hold a release whatever else is proven; undefined: none. */
export function held(core: Progressing, observation: Observation): Reading | undefined {
  const { candidate, serving } = core.roles
  if (core.outSinceMs !== null) {
    const message = `${candidate} has ${endpoints(observation.candidate)}: its share goes to ${serving} until it is back`
    return reading(undecided('NotReady', message))
  }
  if (observation.candidate.ready === 0) {
    return reading(undecided('NotReady', `${candidate} has ${endpoints(observation.candidate)}`))
  }
  const finding = findingOf(core, observation)
  switch (finding?.held) {
    case 'SharedFailure':
      return reading(
        undecided('SharedFailure', `both fail: ${failures(core, observation)}; ${evidence(finding)}; holding`),
        null,
        true,
      )
    case 'ServingPending':
      return reading(
        undecided(
          'ServingPending',
          `${failures(core, observation)}, but requests to ${serving} hang: holding until they are answered`,
        ),
        null,
        true,
      )
    case 'BadEndpoint':
      return reading(
        undecided(
          'BadEndpoint',
          `one endpoint of ${candidate} fails more than the others: ${finding.badEndpoint ?? core.release.ejected ?? ''}`,
        ),
      )
    default:
      return undefined
  }
}

/** Serving is in no state to be compared with, or to go back to. */
export function stableBroken(core: Core, observation: Observation): Why | undefined {
  const { candidate, serving } = core.roles
  const none = observation.serving.ready === 0
  if (!none && !observation.servingFailing) return undefined
  const what = none ? `${serving} has ${endpoints(observation.serving)}` : `${serving} fails too often`
  return undecided('StableBroken', `${what} while ${candidate} is not convicted; holding. promote goes forward`)
}

/** The verdict at a step's weight. Healthy: the next step may come. */
export function watching(policy: ReleasePolicy, core: Progressing, observation: Observation, nowMs: number): Reading {
  const hold = held(core, observation)
  if (hold !== undefined) return hold
  const broken = stableBroken(core, observation)
  if (broken !== undefined) return reading(broken, null, true)
  const step = core.release.steps[core.step]
  if (step === undefined) return reading({ verdict: 'Healthy', reason: 'Healthy', message: 'no step is left' })
  const finding = findingOf(core, observation)
  const { requests } = trafficOf(core, observation)
  const elapsed = nowMs - core.weightSinceMs
  const silent = isSilent(policy, core, observation, nowMs)
  const passes = silent && policy.noTraffic === 'Pass'
  const needed = Math.max(step.minRequests - requests, finding === undefined ? 1 : finding.requestsNeeded)
  const fine = finding?.fine === true && requests >= step.minRequests
  if (!fine && silent && !passes) {
    const message = `no request reached ${core.roles.candidate} for ${seconds(policy.noTrafficAfterMs)} at ${percent(step.weightBps)}: holding until there is traffic`
    return reading(undecided('NoTraffic', message), needRequests(finding, needed), true)
  }
  if (elapsed < step.minDurationMs) {
    const message = `${seconds(step.minDurationMs - elapsed)} of ${seconds(step.minDurationMs)} left at ${percent(step.weightBps)}; ${failures(core, observation)}`
    return reading(undecided('NeedTime', message), fine ? 0 : needRequests(finding, needed))
  }
  if (!fine && !passes) {
    const about = finding === undefined ? 'more' : `about ${needed} more`
    return reading(
      undecided('NeedRequests', `${about} ${core.roles.candidate} requests; ${failures(core, observation)}`),
      needRequests(finding, needed),
    )
  }
  const open = openCheck(policy, core, observation)
  if (open !== undefined) return reading(open)
  const how = fine ? `${failures(core, observation)}` : `no traffic, which the policy lets pass`
  return reading({ verdict: 'Healthy', reason: 'Healthy', message: `${percent(step.weightBps)}: ${how}` }, 0)
}

const needRequests = (finding: unknown, needed: number): number | null =>
  finding === undefined ? null : Math.max(0, needed)
