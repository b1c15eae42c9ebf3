/** Every metric that StreamGate itself exports; `process_*` and `nodejs_*` come from prom-client. The contract's table. */
export const METRICS = {
  requests: ['streamgate_requests_total', 'counter', "Clients' requests by final status code, once each."],
  duration: ['streamgate_request_duration_seconds', 'histogram', "Duration of clients' requests, first byte to last."],
  failures: ['streamgate_upstream_failures_total', 'counter', 'Failed attempts on a variant by kind.'],
  rescued: ['streamgate_rescued_requests_total', 'counter', 'Failed on the candidate, answered by serving.'],
  harmed: ['streamgate_harmed_requests_total', 'counter', 'Failed answers of the candidate that a client saw.'],
  inFlight: ['streamgate_requests_in_flight', 'gauge', "Clients' requests that run now."],
  endpoints: ['streamgate_endpoints', 'gauge', 'Endpoints by state: ready, unhealthy, ejected.'],
  rate: [
    'streamgate_requests_per_second',
    'gauge',
    'Offered requests per second over the last 10 complete seconds, those shed included.',
  ],
  weight: ['streamgate_weight_ratio', 'gauge', 'Weight in effect, 0-1.'],
  share: ['streamgate_share_ratio', 'gauge', 'Share measured over the last 10 seconds, 0-1; absent without traffic.'],
  phase: ['streamgate_release_phase', 'gauge', 'Phase of the release: 1 for the present one, 0 for all others.'],
  releases: ['streamgate_releases_total', 'counter', 'Releases that came to an end, by result.'],
  releaseDuration: ['streamgate_release_duration_seconds', 'histogram', 'Duration of releases.'],
  rollbackDuration: ['streamgate_rollback_duration_seconds', 'histogram', 'From the decision to roll back to its end.'],
  downtime: [
    'streamgate_release_downtime_seconds_total',
    'counter',
    'Seconds in a release with no successful answer while asked.',
  ],
  evidence: ['streamgate_release_evidence', 'gauge', 'Natural log of the evidence against the candidate, by test.'],
  reload: ['streamgate_config_reload_success', 'gauge', '1: the last change of the configuration was applied.'],
  build: ['streamgate_build_info', 'gauge', 'Always 1; the version is in the labels.'],
} as const satisfies Record<string, readonly [name: string, type: 'counter' | 'gauge' | 'histogram', help: string]>

export type MetricKey = keyof typeof METRICS
