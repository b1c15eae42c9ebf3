/** Figures for people. */

/** `95`, `94.8`, `0.05`: up to `digits` decimals, no needless zeros. */
export const trim = (value: number, digits = 2): string => String(Number(value.toFixed(digits)))

/** A rate: `1204`, `812.4`, `0.05`. */
export function rate(value: number): string {
  if (value >= 1000) return value.toFixed(0)
  return value.toFixed(value >= 1 || value === 0 ? 1 : 2)
}

/** Percent of errors; a tiny share is not shown as none. */
export function percent(value: number): string {
  if (value > 0 && value < 0.005) return '<0.01'
  return value.toFixed(2)
}

/** Milliseconds; `-` without requests. */
export function millis(value: number | null): string {
  if (value === null) return '-'
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}

/** A span: `8 s`, `2 m 10 s`, `3 h 5 m`, `4 d 2 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `12:00:00Z` of an RFC 3339 time. */
export const clockTime = (time: string): string => /T(\d\d:\d\d:\d\d)/.exec(time)?.[1]?.concat('Z') ?? time
/** `2026-11-25 12:00Z` of an RFC 3339 time. */
export const dateTime = (time: string): string =>
  /^(\S{10})T(\d\d:\d\d)/.exec(time)?.slice(1).join(' ').concat('Z') ?? time
