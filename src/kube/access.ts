/**
 * How to reach and convince an API server. Files are named, not read: whoever connects reads them then, so that
 * rotation is followed.
 */
export interface KubeAccess {
  /** `https://10.96.0.1:443`, without a trailing slash. A path is kept: some front ends have one. */
  server: string
  /** undefined: the system's CAs. */
  ca?: PemSource
  /** Verified instead of the server's host. */
  serverName?: string
  /** A bearer token. */
  token?: { text: string } | { file: string }
  /** A client certificate. */
  certificate?: { cert: PemSource; key: PemSource }
  /** Where objects are looked for when nothing else is said. */
  namespace: string
  /** For people: the kubeconfig's file and context, or `in-cluster`. */
  origin: string
}

/** PEM text, or the file that holds it. */
export type PemSource = { pem: string } | { file: string }

/** There is no usable configuration; the message says what is missing and what would help. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError'
}
