import type { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { hostAllowed, originAllowed } from './address.ts'
import { type Caller, TokenAuth } from './auth.ts'
import type { AdminOptions } from './options.ts'
import { problem } from './problem.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']
const isWrite = (request: FastifyRequest): boolean => !SAFE_METHODS.includes(request.method)

/** Decides who may ask: Host and Origin, then token or certificate, then role, so that a refused Host learns nothing. */
export class Guard {
  readonly #host: string
  readonly #tokens: TokenAuth | undefined
  readonly #scheme: 'http' | 'https'
  readonly #certificates: boolean

  constructor(options: AdminOptions) {
    this.#host = options.host
    this.#tokens = options.tokens && new TokenAuth(options.tokens, options.clock)
    this.#scheme = options.tls ? 'https' : 'http'
    this.#certificates = options.tls?.().clientCa !== undefined
  }

  /** True if nobody gets in without a token or a certificate. */
  get authenticates(): boolean {
    return this.#tokens !== undefined || this.#certificates
  }

  /** Refuses what another site's page could send. */
  checkSite(request: FastifyRequest): void {
    const { host, origin } = request.headers
    if (!hostAllowed(host, this.#host, this.authenticates)) {
      throw problem(
        'host-not-allowed',
        'The Host header does not name this server. Use its address or the configured host.',
      )
    }
    const foreign = !originAllowed(origin, host!, this.#scheme) || request.headers['sec-fetch-site'] === 'cross-site'
    if (isWrite(request) && foreign) throw problem('origin-not-allowed', 'Another site may not act here.')
  }

  /** Who asks, by token or certificate. */
  identify(request: FastifyRequest): Caller {
    if (this.#tokens) return this.#byToken(this.#tokens, request.headers.authorization, addressOf(request))
    return { name: this.#certificates ? certificateName(request) : 'local', role: 'operator' }
  }

  /** Refuses writes of those who may only read. */
  authorize(caller: Caller, request: FastifyRequest): void {
    if (!isWrite(request) || caller.role === 'operator') return
    throw problem(
      'forbidden',
      `Token "${caller.name}" may only read: it has the role viewer. Use one with the role operator.`,
    )
  }

  #byToken(tokens: TokenAuth, authorization: string | undefined, address: string): Caller {
    const result = tokens.check(authorization, address)
    if (result.ok) return result.caller
    if (result.why === 'blocked') {
      const retryAfter = String(result.retryAfterSeconds)
      throw problem('too-many-failures', `Too many wrong tokens from ${address}. Wait ${retryAfter} s.`, {
        'retry-after': retryAfter,
      })
    }
    const detail = result.why === 'missing' ? 'Send a token: Authorization: Bearer TOKEN.' : 'The token is not known.'
    throw problem('unauthenticated', detail, { 'www-authenticate': 'Bearer realm="streamgate"' })
  }
}

/** Address of the client, without the prefix of an IPv4 address in IPv6. */
export const addressOf = (request: FastifyRequest): string =>
  (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')

/** Common name of the client's certificate, which the handshake has verified. */
function certificateName(request: FastifyRequest): string {
  const name = (request.socket as TLSSocket).getPeerCertificate?.().subject?.CN
  return typeof name === 'string' ? name : 'certificate'
}
