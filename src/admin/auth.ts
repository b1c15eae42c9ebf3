import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { AdminToken } from './options.ts'

/** Who sends a request. */
export interface Caller {
  name: string
  role: 'viewer' | 'operator'
}

/** What an Authorization header is worth. `retryAfterSeconds`: too many wrong ones came from this address. */
export type AuthResult =
  | { ok: true; caller: Caller }
  | { ok: false; why: 'missing' | 'wrong' }
  | { ok: false; why: 'blocked'; retryAfterSeconds: number }

/** Failed attempts that an address has, and how fast one comes back. */
const FAILURES = 10
const RECOVERY_MS = 6_000
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const ADDRESSES = 1024

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Bearer tokens: compared in constant time over their hashes, wrong ones, and only they, limited per address. */
export class TokenAuth {
  readonly #tokens: () => readonly AdminToken[]
  readonly #clock: Clock
  /** By address: when its last failed attempt is forgiven. */
  readonly #forgivenMs = new Map<string, number>()
  #hashedFrom: readonly AdminToken[] = []
  #hashed: { hash: Buffer; caller: Caller }[] = []

  constructor(tokens: () => readonly AdminToken[], clock: Clock) {
    this.#tokens = tokens
    this.#clock = clock
  }

  /** Judges the value of an Authorization header that came from `address`. */
  check(authorization: string | undefined, address: string): AuthResult {
    if (authorization === undefined) return { ok: false, why: 'missing' }
    // A right token passes always: others at the same address cannot lock an operator out. Its length keeps it from being guessed.
    const caller = this.#find(/^Bearer +([^\s]+)$/i.exec(authorization)?.[1])
    if (caller) return { ok: true, caller }
    const waitMs = this.#waitMs(address)
    if (waitMs > 0) return { ok: false, why: 'blocked', retryAfterSeconds: Math.ceil(waitMs / 1000) }
    this.#fail(address)
    return { ok: false, why: 'wrong' }
  }

  /** Compares with every token, so that time tells neither which one nor how much of it was right. */
  #find(token: string | undefined): Caller | undefined {
    if (token === undefined) return undefined
    this.#rehash()
    const hash = digest(token)
    let found: Caller | undefined
    for (const known of this.#hashed) if (timingSafeEqual(known.hash, hash)) found ??= known.caller
    return found
  }

  #rehash(): void {
    const tokens = this.#tokens()
    if (tokens === this.#hashedFrom) return
    this.#hashedFrom = tokens
    this.#hashed = tokens.map(({ name, token, role }) => ({ hash: digest(token), caller: { name, role } }))
  }

  /** Until one attempt of the address is free again; 0: now. */
  #waitMs(address: string): number {
    const forgiven = this.#forgivenMs.get(address)
    if (forgiven === undefined) return 0
    return Math.max(0, forgiven - this.#clock.nowMs() - (FAILURES - 1) * RECOVERY_MS)
  }

  #fail(address: string): void {
    const now = this.#clock.nowMs()
    const before = this.#forgivenMs.get(address) ?? now
    this.#forgivenMs.delete(address)
    this.#forgivenMs.set(address, Math.max(before, now) + RECOVERY_MS)
    if (this.#forgivenMs.size > ADDRESSES) {
      for (const oldest of this.#forgivenMs.keys()) {
        this.#forgivenMs.delete(oldest)
        break
      }
    }
  }
}
