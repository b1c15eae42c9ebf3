import { createHmac } from 'node:crypto'
import type { Sign } from './split/sticky.ts'

/** 16 bytes, 22 characters: half of SHA-256, as RFC 2104 (5) allows; far out of reach of guessing over a network. */
const BYTES = 16

/** Signs sticky cookies: HMAC-SHA256, truncated, base64url. */
export function signer(secret: string): Sign {
  return (text) => createHmac('sha256', secret).update(text).digest().toString('base64url', 0, BYTES)
}
