import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { type KubeAccess, KubeConfigError } from './access.ts'
import { readKubeconfig } from './kubeconfig.ts'

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

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * As kubectl and client-go do it: the file given, else KUBECONFIG, else the pod's service account, else ~/.kube/config.
 * Throws a KubeConfigError.
 */
export function loadKubeAccess(sources: KubeConfigSources): KubeAccess {
  const { kubeconfig, context, env } = sources
  if (kubeconfig !== undefined) return readKubeconfig([kubeconfig], context)
  const listed = (env.KUBECONFIG ?? '').split(':').filter((file) => file !== '')
  if (listed.length > 0) return readKubeconfig(listed, context)
  if (env.KUBERNETES_SERVICE_HOST) return inCluster(sources)
  if (env.HOME) return readKubeconfig([join(env.HOME, '.kube', 'config')], context)
  throw new KubeConfigError('no cluster is known: run in a pod, set KUBECONFIG, or name a kubeconfig file')
}

/** What every pod is given. The token's file is read again and again: the kubelet renews it. */
function inCluster({ env, serviceAccountDir = SERVICE_ACCOUNT_DIR }: KubeConfigSources): KubeAccess {
  const host = env.KUBERNETES_SERVICE_HOST ?? ''
  const port = env.KUBERNETES_SERVICE_PORT ?? '443'
  let namespace: string
  try {
    namespace = readFileSync(join(serviceAccountDir, 'namespace'), 'utf8').trim()
    readFileSync(join(serviceAccountDir, 'token'))
  } catch (error) {
    throw new KubeConfigError(
      `this pod has no service account token (${(error as Error).message}): automountServiceAccountToken must not be false`,
    )
  }
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: { file: join(serviceAccountDir, 'ca.crt') },
    token: { file: join(serviceAccountDir, 'token') },
    namespace,
    origin: 'in-cluster',
  }
}
