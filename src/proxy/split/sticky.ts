import { BUCKETS } from '../../metrics/index.ts'
import type { StickySpec } from '../snapshot.ts'
import { cookieValue } from './cookie.ts'

/** Signature of a text in base64url, keyed with the Gate's secret; `signer` of ../signature.ts makes one. */
export type Sign = (text: string) => string

/**
 * Value of the Set-Cookie field that gives a user their bucket: `sg_bucket=1234`, with a secret `sg_bucket=1234.signature`.
 * It names a bucket and not a variant, so that each change of the weights counts at the user's next request. Lax, so
 * that a link from elsewhere finds the user on their variant; `secure` on https alone.
 */
export function stickyCookie(sticky: StickySpec, bucket: number, secure: boolean, sign?: Sign): string {
  const value = sign === undefined ? String(bucket) : `${bucket}.${sign(signedText(sticky.name, bucket))}`
  const age = sticky.ttlS > 0 ? `; Max-Age=${sticky.ttlS}` : ''
  return `${sticky.name}=${value}; Path=/${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

/** The bucket in the request's cookie; -1 without one and for one that is malformed or not signed by us: the user gets a new one. */
export function bucketOfCookie(raw: readonly string[], name: string, sign?: Sign): number {
  const value = cookieValue(raw, name)
  if (value === undefined) return -1
  const dot = value.indexOf('.')
  const bucket = parseBucket(dot < 0 ? value : value.slice(0, dot))
  if (sign === undefined || bucket < 0) return dot < 0 ? bucket : -1
  return dot >= 0 && isEqual(value.slice(dot + 1), sign(signedText(name, bucket))) ? bucket : -1
}

/** The name belongs to it, or a cookie of one Gate would be good for another with the same secret. */
const signedText = (name: string, bucket: number): string => `${name}=${bucket}`

/** One spelling a bucket: no sign, no leading zero. */
function parseBucket(text: string): number {
  if (text.length === 0 || text.length > 4 || (text.length > 1 && text[0] === '0')) return -1
  let bucket = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    bucket = bucket * 10 + digit
  }
  return bucket < BUCKETS ? bucket : -1
}

/** In a time that does not tell how much of it was right. */
function isEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
