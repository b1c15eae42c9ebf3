/** Units of the documents: `250ms`, `1.5s`, `5m`, `1h`; `16Ki`, `8Mi`; percentages with up to two decimals. Pure. */

/** A decoded duration. */
export type Milliseconds = number
/** A decoded size. */
export type Bytes = number

export const DURATION = '^(0|[0-9]{1,10}(\\.[0-9]{1,3})?(ms|s|m|h))$'
/** A duration of more than 0. Without lookahead: the custom resource's schema is checked by Go's regexp. */
export const POSITIVE_DURATION =
  '^(0*[1-9][0-9]{0,9}(\\.[0-9]{1,3})?(ms|s|m|h)|0\\.(00[1-9]|0[1-9][0-9]?|[1-9][0-9]{0,2})(s|m|h))$'
/** What a timer can hold: 2^31-1 ms, about 24 days. A longer one would fire at once. */
export const MAX_DURATION_MS = 2_147_483_647
export const MAX_SIZE_BYTES = Number.MAX_SAFE_INTEGER
export const SIZE = '^[0-9]{1,12}(Ki|Mi|Gi)?$'

const MS_PER: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const BYTES_PER: Record<string, number> = { '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }

/** `1.5s` -> 1500. The text matches DURATION. */
export function parseDuration(text: string): Milliseconds {
  const match = /^([0-9.]+)([a-z]*)$/.exec(text)
  if (!match) throw new RangeError(`not a duration: ${text}`)
  return Math.round(Number(match[1]) * (MS_PER[match[2]!] ?? 1))
}

/** 90000 -> `90s`: the largest unit that is exact. */
export function formatDuration(ms: Milliseconds): string {
  if (ms === 0) return '0s'
  if (ms % 60_000 === 0 && ms >= 120_000) return `${ms / 60_000}m`
  if (ms % 1000 === 0) return `${ms / 1000}s`
  return `${ms}ms`
}

/** `16Ki` -> 16384. The text (or number of bytes) matches SIZE. */
export function parseSize(value: string | number): Bytes {
  const match = /^([0-9]+)([A-Za-z]*)$/.exec(String(value))
  if (!match) throw new RangeError(`not a size: ${value}`)
  return Number(match[1]) * (BYTES_PER[match[2]!] ?? 1)
}

/** 16384 -> `16Ki`; a plain number where no unit is exact. */
export function formatSize(bytes: Bytes): string | number {
  for (const unit of ['Gi', 'Mi', 'Ki']) {
    const per = BYTES_PER[unit]!
    if (bytes >= per && bytes % per === 0) return `${bytes / per}${unit}`
  }
  return bytes
}

/** Percent with up to two decimals -> basis points. */
export const toBps = (percent: number): number => Math.round(percent * 100)
/** Basis points -> percent. */
export const toPercent = (bps: number): number => bps / 100
