import { type Scenario, scenario } from './scenario.ts'

/** The scenarios that `streamgate simulate --scenario NAME` knows; `--list` prints them. */
export const BUILTIN: readonly Scenario[] = [
  scenario({ name: 'healthy', description: 'both variants fail 0.1 % at 100 requests/s' }),
  scenario({ name: 'fails-50', description: 'the candidate fails 50 %', candidate: { failing: 50 } }),
  scenario({ name: 'fails-5', description: 'the candidate fails 5 %', candidate: { failing: 5 } }),
  scenario({ name: 'fails-2', description: 'the candidate fails 2 %', candidate: { failing: 2 } }),
  scenario({
    name: 'slow',
    description: 'half of the candidate’s requests are slower than the slowest 1 % of serving’s',
    candidate: { slow: 50 },
  }),
  scenario({
    name: 'shared-outage',
    description: 'both variants fail 20 % for a minute, 90 s after the start',
    outages: [{ fromSeconds: 90, toSeconds: 150, failing: 20 }],
  }),
  scenario({
    name: 'no-traffic',
    description: 'nobody comes for five minutes, 30 s after the start',
    requestsPerSecond: [
      [0, 100],
      [30, 0],
      [330, 100],
    ],
  }),
  scenario({
    name: 'late-fault',
    description: 'the candidate fails 30 % after 3,000 clean requests',
    candidate: { failing: 0, later: { afterRequests: 3000, failing: 30 } },
  }),
  scenario({
    name: 'bad-endpoint',
    description: 'one of ten endpoints of the candidate fails 60 %',
    endpoints: { count: 10, bad: { failing: 60, fromSeconds: 0 } },
  }),
]
