import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type KubeObject, keyOf } from './objects.ts'

/** core/v1 Secret. */
export interface Secret extends KubeObject {
  type?: string
  /** Base64. */
  data?: Record<string, string> | null
}

/** Certificate and key of a `kubernetes.io/tls` Secret. */
export type SecretTls = { certPem: string; keyPem: string } | { problem: string }

/**
 * What a listener takes from a Secret. A Secret that cannot be used, also one that is half renewed, is a problem and not an
 * exception: the certificate that is in use stays.
 */
export function tlsOfSecret(secret: Secret): SecretTls {
  const wrong = (what: string): SecretTls => ({ problem: `Secret ${keyOf(secret)} ${what}` })
  const certPem = decoded(secret, 'tls.crt')
  const keyPem = decoded(secret, 'tls.key')
  if (certPem === undefined) return wrong('has no tls.crt')
  if (keyPem === undefined) return wrong('has no tls.key')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(certPem)
  } catch {
    return wrong('has no certificate in PEM in tls.crt')
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return wrong('has a key of another certificate')
  } catch {
    return wrong('has no private key in PEM, without a password, in tls.key')
  }
  return { certPem, keyPem }
}

function decoded({ data }: Secret, key: string): string | undefined {
  const value = data?.[key]
  return value ? Buffer.from(value, 'base64').toString('utf8') : undefined
}

/** What is kept of a Secret: the two keys of TLS and nothing that was not asked for. */
export function keepTlsSecret(object: KubeObject): Secret {
  const { metadata, data } = object as Secret
  const { name, namespace, uid, resourceVersion } = metadata
  const kept = Object.entries(data ?? {}).filter(([key]) => key === 'tls.crt' || key === 'tls.key')
  return {
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
    data: Object.fromEntries(kept),
  }
}
