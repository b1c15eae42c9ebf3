/** How a terminal is written to. */
export interface Style {
  color: boolean
  /** Symbols beyond ASCII. */
  unicode: boolean
  /** Columns; Infinity where nothing has to fit (a file or a pipe). */
  columns: number
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
export type Color = keyof typeof CODES

/** Below this many columns things are said shorter. */
export const NARROW = 60
/** Narrower terminals are written to as if they had this many columns. */
const MIN_COLUMNS = 40

/** What the output can show. */
export function styleOf(output: { isTTY?: boolean; columns?: number }, env: Record<string, string | undefined>): Style {
  const terminal = output.isTTY === true
  const dumb = env.TERM === 'dumb'
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || 'C.UTF-8'
  return {
    color: terminal && !dumb && (env.NO_COLOR ?? '') === '',
    unicode: !dumb && /utf-?8/i.test(locale),
    columns: terminal ? Math.max(MIN_COLUMNS, output.columns ?? 80) : Number.POSITIVE_INFINITY,
  }
}

export const paint = (style: Style, color: Color, text: string): string =>
  style.color && text !== '' ? `\x1b[${CODES[color]}m${text}\x1b[0m` : text
