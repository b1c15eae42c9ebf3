import { createSecureContext, type SecureContext } from 'node:tls'
import type { CertificateSpec } from '../snapshot.ts'

/** The certificates of one listener, found by the server name that the client asks for. Immutable: a reload makes a new one. */
export class Certificates {
  readonly first: SecureContext
  readonly #exact = new Map<string, SecureContext>()
  readonly #wildcard = new Map<string, SecureContext>()

  /** Throws when a certificate or key is not usable: the caller keeps the book that it has. */
  constructor(specs: readonly CertificateSpec[]) {
    const contexts = specs.map((spec) =>
      createSecureContext({ cert: spec.certPem, key: spec.keyPem, minVersion: 'TLSv1.2' }),
    )
    if (contexts.length === 0) throw new Error('a TLS listener needs a certificate')
    this.first = contexts[0]!
    for (const [index, spec] of specs.entries()) {
      for (const name of spec.names) {
        const [table, key] = name.startsWith('*.') ? [this.#wildcard, name.slice(2)] : [this.#exact, name]
        if (!table.has(key)) table.set(key, contexts[index]!)
      }
    }
  }

  /** Exact name, then a wildcard for the first label (RFC 6125 6.4.3), then the first certificate. */
  find(serverName: string): SecureContext {
    const name = serverName.toLowerCase()
    const exact = this.#exact.get(name)
    if (exact) return exact
    const dot = name.indexOf('.')
    return (dot > 0 ? this.#wildcard.get(name.slice(dot + 1)) : undefined) ?? this.first
  }
}
