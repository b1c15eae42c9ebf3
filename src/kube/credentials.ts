import { readFileSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import type { KubeAccess, PemSource } from './access.ts'

/** How long a token that was read from a file is used before the file is read again; client-go: a minute. */
const TOKEN_AGE_MS = 30_000

/** What proves who we are and who the server is, read from its files whenever it may have been renewed. */
export class Credentials {
  readonly #access: KubeAccess
  readonly #clock: Clock
  #token: string | undefined
  #readMs = Number.NEGATIVE_INFINITY

  constructor(access: KubeAccess, clock: Clock) {
    this.#access = access
    this.#clock = clock
  }

  /** Value of the authorization header; undefined: none. Throws when a token file was never readable. */
  authorization(): string | undefined {
    const { token } = this.#access
    if (token === undefined) return undefined
    if ('text' in token) return `Bearer ${token.text}`
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#readMs >= TOKEN_AGE_MS) {
      try {
        const text = readFileSync(token.file, 'utf8').trim()
        if (text === '') throw new Error(`token file ${token.file} is empty`)
        this.#token = text
        this.#readMs = nowMs
      } catch (error) {
        // Caught between two links of a rotation, the last token serves on.
        if (this.#token === undefined) throw error
      }
    }
    return `Bearer ${this.#token}`
  }

  /** The server refused the token: read it anew at the next call. */
  distrust(): void {
    this.#readMs = Number.NEGATIVE_INFINITY
  }

  /** Options of a new TLS connection. The server is verified, always. */
  tls(): { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized: true } {
    const { ca, certificate, serverName } = this.#access
    return {
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca: pemOf(ca) }),
      ...(certificate === undefined ? {} : { cert: pemOf(certificate.cert), key: pemOf(certificate.key) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    }
  }
}

const pemOf = (source: PemSource): string => ('pem' in source ? source.pem : readFileSync(source.file, 'utf8'))
