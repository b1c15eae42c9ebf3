import type { ReleaseRecord, ReleaseSummary } from '../../admin/index.ts'
import { decisionBlock } from './decisions.ts'
import { dateTime, span } from './number.ts'
import { phaseText } from './release.ts'
import { paint, type Style } from './style.ts'
import { type Column, table } from './table.ts'
import { clean, fit, wrap } from './text.ts'

const duration = ({ startedAt, finishedAt }: ReleaseSummary, nowMs: number): string =>
  span((finishedAt === null ? nowMs : Date.parse(finishedAt)) - Date.parse(startedAt))

/** Releases, newest first. */
export function historyTable(releases: readonly ReleaseSummary[], nowMs: number, style: Style, wide = false): string[] {
  if (releases.length === 0) return ['No releases yet.']
  const columns: Column<ReleaseSummary>[] = [
    { title: 'RELEASE', cell: (release) => clean(release.id) },
    { title: 'REVISION', cell: (release) => clean(release.revision), keep: 5 },
    { title: 'STRATEGY', cell: (release) => release.strategy, wide: true },
    { title: 'PHASE', cell: (release) => phaseText(release.phase, style) },
    { title: 'STARTED', cell: (release) => dateTime(release.startedAt), keep: 3 },
    { title: 'TOOK', cell: (release) => duration(release, nowMs), right: true, keep: 2 },
    { title: 'HARMED', cell: (release) => String(release.harmedRequests), right: true, keep: 1 },
    { title: 'RESCUED', cell: (release) => String(release.rescuedRequests), right: true, wide: true },
    { title: 'REASON', cell: (release) => clean(release.reason), keep: 4 },
    { title: 'MESSAGE', cell: (release) => clean(release.message), wide: true },
  ]
  return table(columns, releases, style, wide)
}

/** One release with all its decisions, oldest first. */
export function recordDetail(record: ReleaseRecord, nowMs: number, style: Style): string[] {
  const image = record.image === undefined ? [] : [`image     ${clean(record.image)}`]
  return [
    `${paint(style, 'bold', 'RELEASE')} ${clean(record.id)}  ${clean(record.revision)}`,
    `${phaseText(record.phase, style)}  ${record.strategy}  ${dateTime(record.startedAt)}  took ${duration(record, nowMs)}`,
    ...wrap(clean(`${record.reason}: ${record.message}`), style.columns),
    ...image,
    `requests  ${record.harmedRequests} harmed, ${record.rescuedRequests} rescued`,
    '',
    paint(style, 'bold', 'DECISIONS'),
    ...record.decisions.flatMap((decision) => decisionBlock(decision, style)),
  ].map((line) => fit(line, style.columns))
}
