import type { GateView, ReleaseView } from '../admin/index.ts'

/** Totals of what users saw, as the demo's own load counted them. */
export interface Users {
  requests: number
  failed: number
}

const cell = (text: string | number, width: number): string => String(text).padStart(width)
const ms = (value: number | null): string => (value === null ? '-' : value.toFixed(1))

/** One row a variant: what is set, what is measured. Pure. */
export function liveTable(gate: GateView, users: Users, versions: Record<string, string>): string[] {
  const head = `${'variant'.padEnd(14)}${cell('version', 8)}${cell('weight', 8)}${cell('share', 8)}${cell('req/s', 8)}${cell('errors', 8)}${cell('p50 ms', 8)}${cell('p99 ms', 8)}`
  const rows = gate.variants.map((variant) =>
    [
      variant.name.padEnd(14),
      cell(versions[variant.name] ?? '?', 8),
      cell(`${variant.weight} %`, 8),
      cell(`${variant.share.toFixed(1)} %`, 8),
      cell(variant.requestsPerSecond.toFixed(0), 8),
      cell(`${variant.errorRate.toFixed(1)} %`, 8),
      cell(ms(variant.latencyMs.p50), 8),
      cell(ms(variant.latencyMs.p99), 8),
    ].join(''),
  )
  return [head, ...rows, releaseLine(gate.release), `users: ${users.requests} requests, ${users.failed} failed`]
}

/** The same in one line, for logs and dumb terminals. Pure. */
export function liveLine(gate: GateView, users: Users, versions: Record<string, string>): string {
  const variants = gate.variants.map(
    (variant) =>
      `${versions[variant.name] ?? variant.name} set ${variant.weight} % got ${variant.share.toFixed(1)} %, ${variant.requestsPerSecond.toFixed(0)}/s, ${variant.errorRate.toFixed(1)} % errors, p50/p99 ${ms(variant.latencyMs.p50)}/${ms(variant.latencyMs.p99)} ms`,
  )
  return `${variants.join(' | ')} | ${releaseLine(gate.release)} | users: ${users.requests}, ${users.failed} failed`
}

function releaseLine(release: ReleaseView | null): string {
  if (release === null) return 'no release yet'
  const evidence =
    release.evidence === null
      ? ''
      : `, evidence ${release.evidence.total.toFixed(1)} of ${release.evidence.threshold.toFixed(1)}`
  return `release ${release.revision}: ${release.phase} step ${release.step}/${release.steps}${evidence} - ${release.message}`
}
