import { paint, type Style } from './style.ts'
import { fit, padEnd, padStart, truncate, widthOf } from './text.ts'

export interface Column<Row> {
  title: string
  cell(row: Row): string
  right?: boolean
  /** Where it gets tight, columns with the lowest number go first; without one a column stays. */
  keep?: number
  /** Shown only when everything is asked for. */
  wide?: boolean
}

const GAP = 2
/** A last column that would be cut below this goes instead. */
const MIN_LAST = 12

/** A table that fits: columns are dropped by `keep`, and the last one is cut. Cells may be coloured except in the last column. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
  wide = false,
): string[] {
  let shown = columns.filter((column) => wide || column.wide !== true)
  const cells = new Map(shown.map((column) => [column, rows.map((row) => column.cell(row))]))
  const widths = new Map(
    shown.map((column) => [column, Math.max(widthOf(column.title), ...cells.get(column)!.map(widthOf))]),
  )
  const limit = wide ? Number.POSITIVE_INFINITY : style.columns
  const total = () => shown.reduce((sum, column) => sum + widths.get(column)! + GAP, -GAP)
  while (total() > limit) {
    const last = shown.at(-1)!
    const room = limit - (total() - widths.get(last)!)
    if (last.right !== true && room >= Math.max(MIN_LAST, widthOf(last.title))) {
      widths.set(last, room)
      break
    }
    const least = shown.filter((column) => column.keep !== undefined).sort((a, b) => a.keep! - b.keep!)[0]
    if (least === undefined) break
    shown = shown.filter((column) => column !== least)
  }
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => {
        const column = shown[i]!
        const width = widths.get(column)!
        if (column.right) return padStart(text, width)
        return i === texts.length - 1 ? truncate(text, width, style.unicode ? '…' : '.') : padEnd(text, width)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const head = line(shown.map((column) => column.title))
  const body = rows.map((_, i) => line(shown.map((column) => cells.get(column)![i]!)))
  return [paint(style, 'bold', head), ...body].map((each) => fit(each, limit))
}
