import type { Decision, GateView, ReleaseView, VariantView } from '../../admin/index.ts'
import { decisionLines } from './decisions.ts'
import { gateText } from './gates.ts'
import { millis, percent, rate, span, trim } from './number.ts'
import { evidenceBar, phaseText, track, verdictText } from './release.ts'
import { paint, type Style } from './style.ts'
import { type Column, table } from './table.ts'
import { clean, fit, wrap } from './text.ts'

const VARIANT_COLUMNS: Column<VariantView>[] = [
  { title: 'VARIANT', cell: (variant) => clean(variant.name) },
  { title: 'WEIGHT', cell: (variant) => `${trim(variant.weight)} %`, right: true },
  { title: 'SHARE', cell: (variant) => `${variant.share.toFixed(1)} %`, right: true, keep: 5 },
  { title: 'RPS', cell: (variant) => rate(variant.requestsPerSecond), right: true, keep: 6 },
  { title: 'ERR %', cell: (variant) => percent(variant.errorRate), right: true },
  { title: 'P50 ms', cell: (variant) => millis(variant.latencyMs.p50), right: true, keep: 2 },
  { title: 'P95 ms', cell: (variant) => millis(variant.latencyMs.p95), right: true, wide: true },
  { title: 'P99 ms', cell: (variant) => millis(variant.latencyMs.p99), right: true, keep: 4 },
  { title: 'IN FLIGHT', cell: (variant) => String(variant.inFlight), right: true, keep: 1 },
  { title: 'REQUESTS', cell: (variant) => String(variant.requests), right: true, wide: true },
  { title: 'FAILURES', cell: (variant) => String(variant.failures), right: true, wide: true },
  { title: 'ENDPOINTS', cell: ({ endpoints }) => `${endpoints.ready}/${endpoints.total}`, right: true, keep: 3 },
]

/** One gate: its variants, its release and the last decisions. `nowMs`: the wall clock. */
export function gateDetail(
  gate: GateView,
  decisions: readonly Decision[],
  nowMs: number,
  style: Style,
  wide = false,
): string[] {
  const lines = [title(gate, style), '', ...table(VARIANT_COLUMNS, gate.variants, style, wide)]
  if (gate.release) lines.push('', ...releaseBlock(gate.release, nowMs, style))
  else if (gate.candidate !== null) lines.push('', 'No release yet.')
  if (decisions.length > 0) {
    lines.push('', paint(style, 'bold', 'LAST DECISIONS'), ...decisionLines(decisions, style))
  }
  return lines.map((line) => fit(line, wide ? Number.POSITIVE_INFINITY : style.columns))
}

function title(gate: GateView, style: Style): string {
  const arrow = style.unicode ? '→' : '->'
  const roles = gate.candidate === null ? '' : `  ${clean(gate.candidate)} ${arrow} ${clean(gate.serving)}`
  return `${paint(style, 'bold', gateText(gate))}${gate.strategy ? `  ${gate.strategy}` : ''}${roles}`
}

function releaseBlock(release: ReleaseView, nowMs: number, style: Style): string[] {
  const { id, revision, phase, verdict, reason, message, evidence, requestsNeeded } = release
  const endMs = release.finishedAt === null ? nowMs : Date.parse(release.finishedAt)
  const took = span(endMs - Date.parse(release.startedAt))
  const lines = [
    `${paint(style, 'bold', 'RELEASE')} ${clean(id)}  ${clean(revision)}`,
    `${phaseText(phase, style)}  ${verdictText(verdict, style)}  ${release.finishedAt === null ? 'for' : 'after'} ${took}`,
    ...track(release, style),
    ...wrap(clean(`${reason}: ${message}`), style.columns),
  ]
  if (evidence) lines.push(`evidence  ${evidenceBar(evidence, style)}`)
  if (requestsNeeded !== null && requestsNeeded > 0) {
    lines.push(`needs     about ${requestsNeeded} more ${requestsNeeded === 1 ? 'request' : 'requests'}`)
  }
  lines.push(`requests  ${release.harmedRequests} harmed, ${release.rescuedRequests} rescued`)
  return lines
}
