import type { GateView, ReleaseRecord } from '../../admin/index.ts'
import { gateText, weightsText } from './gates.ts'
import { clockTime, percent, rate, span } from './number.ts'
import { phaseText, stepText } from './release.ts'
import type { Style } from './style.ts'
import { clean } from './text.ts'

/** What of a gate is worth a new line when it changes. */
export function gateKey({ variants, release }: GateView): string {
  const { id, phase, step, verdict, reason } = release ?? {}
  return JSON.stringify([variants.map((variant) => variant.weight), id, phase, step, verdict, reason])
}

/** A gate as one line of a log. `nowMs`: the wall clock. */
export function gateLine(gate: GateView, nowMs: number, style: Style): string {
  const { variants, release } = gate
  const time = clockTime(new Date(nowMs).toISOString())
  const traffic = variants
    .map(
      (variant) =>
        `${clean(variant.name)} ${rate(variant.requestsPerSecond)} rps ${percent(variant.errorRate)} % errors`,
    )
    .join(', ')
  const state = release
    ? `${phaseText(release.phase, style)} ${stepText(release)} ${clean(`${release.verdict} ${release.reason}: ${release.message}`)}`
    : 'no release'
  return `${time} ${gateText(gate)} ${weightsText(variants)} (${traffic}) ${state}`
}

/** The end of a release. */
export function endLine(gate: { namespace: string; name: string }, record: ReleaseRecord, style: Style): string {
  const { id, phase, reason, message, startedAt, finishedAt, harmedRequests, rescuedRequests } = record
  const took = finishedAt === null ? '' : ` after ${span(Date.parse(finishedAt) - Date.parse(startedAt))}`
  const requests = `${harmedRequests} harmed, ${rescuedRequests} rescued requests`
  return `${gateText(gate)}: release ${clean(id)} ${phaseText(phase, style)}${took}, ${requests}. ${clean(`${reason}: ${message}`)}`
}
