import type { HttpVersion } from '../request/check.ts'
import { isName } from './raw.ts'

/** Name of this proxy in Via: a pseudonym, as RFC 9110 (7.6.3) allows where the host's name is nobody's business. */
export const PSEUDONYM = 'streamgate'

/**
 * From how many earlier visits on a request goes in circles. More than one, because a chain of several StreamGates (edge
 * and inner hop) is sound; a loop reaches it after a few rounds.
 */
export const MAX_VISITS = 4

/** Our entry, by the version in which the message was received. */
export const VIA: Record<HttpVersion, string> = {
  '1.0': `1.0 ${PSEUDONYM}`,
  '1.1': `1.1 ${PSEUDONYM}`,
  '2.0': `2 ${PSEUDONYM}`,
}

/** True when the request has passed the proxy more often than any sane chain does: answer loop-detected. */
export function loops(raw: readonly string[]): boolean {
  let visits = 0
  for (let i = 0; i < raw.length; i += 2) {
    if (isName(raw[i]!, 'via')) visits += countVisits(raw[i + 1]!)
  }
  return visits >= MAX_VISITS
}

function countVisits(value: string): number {
  let count = 0
  const entry = ` ${PSEUDONYM}`
  for (let at = value.indexOf(entry); at >= 0; at = value.indexOf(entry, at + entry.length)) {
    const next = value[at + entry.length]
    if (next === undefined || next === ',' || next === ' ' || next === '\t') count++
  }
  return count
}
