import type { Figures, Judged, Observation, Readiness } from './observation.ts'
import { type Core, trialOf } from './state.ts'

/** Numbers in sentences, and which of the observation's numbers are about the present step. */

/** What the judge says of this trial. */
export const findingOf = (core: Core, observation: Observation): Judged | undefined =>
  observation.of?.trial === trialOf(core.release) ? observation.finding : undefined

/** Candidate traffic of this step. */
export const trafficOf = (core: Core, observation: Observation): Observation['traffic'] =>
  observation.of?.trial === trialOf(core.release) && observation.of.mark === core.mark
    ? observation.traffic
    : { requests: 0, lastMs: null }

/** `6 of 41 requests (14.6 %)`. */
export function ratio(part: number, whole: number): string {
  const requests = whole === 1 ? 'request' : 'requests'
  return whole === 0 ? `${part} of 0 requests` : `${part} of ${whole} ${requests} (${round((part / whole) * 100)} %)`
}

/** `canary failed 6 of 41 requests (14.6 %), stable 0 of 780`. */
export function failures(core: Core, { figures }: Observation): string {
  const { candidate, serving } = figures
  const { roles } = core
  return `${roles.candidate} failed ${ratio(candidate.bad, candidate.requests)}, ${roles.serving} ${serving.bad} of ${serving.requests}`
}

/** The same for slow requests. */
export function slowness(core: Core, { figures }: Observation): string {
  const slow = (figure: Figures): string => `${figure.slow} of ${figure.requests}`
  return `${core.roles.candidate} was slow in ${ratio(figures.candidate.slow, figures.candidate.requests)}, ${core.roles.serving} in ${slow(figures.serving)}`
}

/** `evidence 5.1 of 4.6 needed`. */
export const evidence = ({ evidence: { total, threshold } }: Judged): string =>
  `evidence ${round(total)} of ${round(threshold)} needed`

/** `0 of 3 endpoints ready`. */
export const endpoints = ({ ready, total }: Readiness): string =>
  `${ready} of ${total} ${total === 1 ? 'endpoint' : 'endpoints'} ready`

/** `90 s`, `12 min`. */
export function seconds(ms: number): string {
  const s = Math.max(0, ms) / 1000
  return s >= 600 ? `${Math.round(s / 60)} min` : s >= 10 ? `${Math.round(s)} s` : `${round(s)} s`
}

/** `5 %` of basis points. */
export const percent = (bps: number): string => `${round(bps / 100)} %`

const round = (value: number): string =>
  String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10)
