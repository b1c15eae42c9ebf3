/**
 * What happens to a gate in a simulation: who asks how often, how each variant fares. Times are seconds since the
 * release began, rates are percent, as people write them.
 */
export interface Scenario {
  name: string
  description: string
  requestsPerSecond: Schedule
  serving: Behaviour
  candidate: Behaviour
  /** Serving's p99 latency without what takes seconds: a request pending for longer than this may be failing. */
  servingP99Ms: number
  /** Failures of both variants at once, in percent of their requests: a database, a network. */
  outages: readonly Outage[]
  /** Requests come as pages of several calls, each with a share of failures of its own (added to the variant's). */
  page?: readonly number[]
  sticky?: Users
  /** Percent of failed candidate requests that can be rescued: no body, an idempotent method, no answer begun. */
  rescuable: number
  /** Endpoints of the candidate, and how one of them fails (percent), from when. */
  endpoints?: { count: number; bad: { failing: number; fromSeconds: number } }
}

/** A constant, or steps: [[since seconds, value], ...], the first at 0. */
export type Schedule = number | readonly (readonly [seconds: number, value: number])[]

export interface Behaviour {
  failing: Schedule
  /** From its n-th request on it fails like this instead. */
  later?: { afterRequests: number; failing: number }
  /** Percent of requests that are slower than the threshold (serving's quantile); serving has 1 by definition. */
  slow: Schedule
  /** How long a failed and a good request take. 0: within the tick. */
  failureSeconds: number
  successSeconds: number
}

export interface Outage {
  fromSeconds: number
  toSeconds: number
  failing: number
  /** How long failures take meanwhile, where that differs. */
  servingFailureSeconds?: number
  candidateFailureSeconds?: number
}

export interface Users {
  count: number
  /** Exponent of the Pareto distribution of their activity: 1.2 is heavy-tailed, 100 nearly equal. */
  skew: number
  /** This many percent of the users fail this often, whatever the variant. */
  broken: { percent: number; failing: number }
}

/** Fills in a behaviour: healthy, immediate. */
export const behaviour = (part: Partial<Behaviour> = {}): Behaviour => ({
  failing: 0.1,
  slow: 1,
  failureSeconds: 0,
  successSeconds: 0,
  ...part,
})

/** Fills in a scenario. */
export const scenario = (
  part: Partial<Omit<Scenario, 'serving' | 'candidate'>> & {
    serving?: Partial<Behaviour>
    candidate?: Partial<Behaviour>
  },
): Scenario => ({
  name: 'unnamed',
  description: '',
  requestsPerSecond: 100,
  servingP99Ms: 20,
  rescuable: 100,
  outages: [],
  ...part,
  serving: behaviour(part.serving),
  candidate: behaviour(part.candidate),
})

/** The value of a schedule at times that only grow: remembers its place. */
export function follow(schedule: Schedule): (seconds: number) => number {
  if (typeof schedule === 'number') return () => schedule
  let at = 0
  return (seconds) => {
    while (at + 1 < schedule.length && schedule[at + 1]![0] <= seconds) at++
    return schedule[at]?.[1] ?? 0
  }
}
