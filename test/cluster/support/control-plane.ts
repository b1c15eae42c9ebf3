import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { kubeconfigOf } from './pki.ts'
import { NETWORK, type Places } from './places.ts'
import { run } from './shell.ts'

const ETCD = 'http://127.0.0.1:2379'

/** `{'secure-port': 6443}` as `--secure-port=6443`. */
export const flags = (values: Record<string, string | number | boolean>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`)

/** Starts etcd and the API server, and when that one is ready the controller manager and the scheduler. */
export async function startControlPlane(places: Places): Promise<void> {
  const daemon = (name: string, values: Parameters<typeof flags>[0]) =>
    startDaemon(places, name, [join(places.bin, name), ...flags(values)])
  daemon('etcd', {
    'data-dir': join(places.dir, 'etcd'),
    'listen-client-urls': ETCD,
    'advertise-client-urls': ETCD,
    'listen-peer-urls': 'http://127.0.0.1:2380',
    // The data never outlive the machine's power.
    'unsafe-no-fsync': true,
  })
  await startApiServer(places)
  for (const [name, kubeconfig] of [
    ['kube-controller-manager', kubeconfigOf(places, 'controller-manager')],
    ['kube-scheduler', kubeconfigOf(places, 'scheduler')],
  ] as const) {
    const manager = name === 'kube-controller-manager' ? managerFlags(places) : {}
    daemon(name, {
      kubeconfig,
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'bind-address': '127.0.0.1',
      'leader-elect': false,
      ...manager,
    })
  }
}

/** Starts the API server alone and waits for it: for a start, and for suites that took it away. */
export async function startApiServer(places: Places): Promise<Daemon> {
  const daemon = startDaemon(places, 'kube-apiserver', [
    join(places.bin, 'kube-apiserver'),
    ...flags(apiServerFlags(places)),
  ])
  const kubectl = [...places.enter, join(places.bin, 'kubectl'), '--kubeconfig', places.kubeconfig]
  await daemon.ready(() => run([...kubectl, 'get', '--raw', '/readyz']), 120_000)
  return daemon
}

const apiServerFlags = ({ pki }: Places) => ({
  'etcd-servers': ETCD,
  'bind-address': '0.0.0.0',
  'secure-port': 6443,
  'advertise-address': NETWORK.node,
  'service-cluster-ip-range': NETWORK.services,
  'authorization-mode': 'Node,RBAC',
  'allow-privileged': true,
  'cert-dir': pki,
  'tls-cert-file': join(pki, 'apiserver.crt'),
  'tls-private-key-file': join(pki, 'apiserver.key'),
  'client-ca-file': join(pki, 'ca.crt'),
  'service-account-issuer': 'https://kubernetes.default.svc',
  'service-account-key-file': join(pki, 'service-accounts.pub'),
  'service-account-signing-key-file': join(pki, 'service-accounts.key'),
  'kubelet-client-certificate': join(pki, 'admin.crt'),
  'kubelet-client-key': join(pki, 'admin.key'),
  // Else logs and exec look the node's name up in DNS, which there is none of.
  'kubelet-preferred-address-types': 'InternalIP',
  // Aggregated API servers (custom metrics) believe who comes with the front proxy's certificate.
  'requestheader-client-ca-file': join(pki, 'front-proxy-ca.crt'),
  'requestheader-allowed-names': 'front-proxy-client',
  'requestheader-username-headers': 'X-Remote-User',
  'requestheader-group-headers': 'X-Remote-Group',
  'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
  'proxy-client-cert-file': join(pki, 'front-proxy.crt'),
  'proxy-client-key-file': join(pki, 'front-proxy.key'),
  // There is no kube-proxy on a master elsewhere: addresses of Services work right here.
  'enable-aggregator-routing': true,
})

const managerFlags = ({ pki }: Places) => ({
  'use-service-account-credentials': true,
  'service-account-private-key-file': join(pki, 'service-accounts.key'),
  'root-ca-file': join(pki, 'ca.crt'),
  'allocate-node-cidrs': true,
  'cluster-cidr': NETWORK.pods,
})
