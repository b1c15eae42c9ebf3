import { joinedHeader } from './raw.ts'

/** W3C Trace Context, level 1: version, trace id, parent id, flags. */
const LENGTH = 55

/** True for a traceparent that may be passed on. A later version may be longer, after another dash. */
export function isTraceparent(value: string): boolean {
  if (value.length < LENGTH) return false
  if (value[2] !== '-' || value[35] !== '-' || value[52] !== '-') return false
  if (!isHex(value, 0, 2) || !isHex(value, 3, 35) || !isHex(value, 36, 52) || !isHex(value, 53, 55)) return false
  if (value.startsWith('ff')) return false
  if (value.length > LENGTH && (value.startsWith('00') || value[LENGTH] !== '-')) return false
  return !isZero(value, 3, 35) && !isZero(value, 36, 52)
}

/** Trace id of a valid traceparent, 32 hex digits, or '': `trace.id` of the access log. */
export function traceIdOf(raw: readonly string[]): string {
  const value = joinedHeader(raw, 'traceparent')
  return value !== '' && isTraceparent(value) ? value.slice(3, 35) : ''
}

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
  }
  return true
}

function isZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== 0x30) return false
  return true
}
