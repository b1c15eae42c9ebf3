/** How to reach and convince an API server. Files are named, not read: whoever connects reads them then, so that rotation is followed. */
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

/** Where to look. */
export interface KubeConfigSources {
  /** `--kubeconfig`; before everything else. */
  kubeconfig?: string
  /** `--context`; default: the file's current one. */
  context?: string
  /** The process's environment: KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT, HOME. */
  env: Readonly<Record<string, string | undefined>>
  /** Folder of the pod's service account. */
  serviceAccountDir?: string
}

/**
 * As kubectl and client-go do it: the file given, else KUBECONFIG, else the pod's service account, else ~/.kube/config.
 * Throws a KubeConfigError.
 */
export declare function loadKubeAccess(sources: KubeConfigSources): KubeAccess
