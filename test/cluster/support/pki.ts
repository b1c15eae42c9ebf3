import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NETWORK, NODE_NAME, type Places } from './places.ts'
import { run } from './shell.ts'

interface Leaf {
  /** As openssl's -subj: the user's groups (O) and name (CN). */
  subject: string
  names?: string[]
  ca?: 'ca' | 'front-proxy-ca'
}

/** Who has a certificate. The subjects are those that Kubernetes' built-in roles are bound to. */
const LEAVES: Record<string, Leaf> = {
  apiserver: {
    subject: '/CN=kube-apiserver',
    names: [
      ...['127.0.0.1', NETWORK.apiService, NETWORK.node].map((address) => `IP:${address}`),
      ...['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map((name) => `DNS:${name}`),
    ],
  },
  admin: { subject: '/O=system:masters/CN=admin' },
  'controller-manager': { subject: '/CN=system:kube-controller-manager' },
  scheduler: { subject: '/CN=system:kube-scheduler' },
  'kube-proxy': { subject: '/CN=system:kube-proxy' },
  kubelet: {
    subject: `/O=system:nodes/CN=system:node:${NODE_NAME}`,
    names: [`DNS:${NODE_NAME}`, `IP:${NETWORK.node}`],
  },
  'front-proxy': { subject: '/CN=front-proxy-client', ca: 'front-proxy-ca' },
}

/** Those that reach the API server, each with a kubeconfig of its name. */
const CLIENTS = ['admin', 'controller-manager', 'scheduler', 'kube-proxy', 'kubelet']

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Makes the cluster's CAs, certificates, the key that signs service account tokens, and its kubeconfigs. */
export async function makePki(places: Places): Promise<void> {
  mkdirSync(places.pki, { recursive: true, mode: 0o700 })
  const openssl = (...args: string[]) => run(['openssl', ...args], { cwd: places.pki })
  const file = (name: string) => join(places.pki, name)
  await Promise.all(
    ['ca', 'front-proxy-ca'].map((ca) =>
      openssl('req', '-x509', ...EC, '-days', '30', '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.crt`),
    ),
  )
  for (const [name, { subject, names, ca = 'ca' }] of Object.entries(LEAVES)) {
    const extensions = ['extendedKeyUsage=clientAuth,serverAuth']
    if (names) extensions.push(`subjectAltName=${names.join(',')}`)
    writeFileSync(file(`${name}.ext`), extensions.join('\n'))
    await openssl('req', ...EC, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial']
    await openssl(...sign, '-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`)
  }
  await openssl('genrsa', '-out', 'service-accounts.key', '2048')
  await openssl('rsa', '-in', 'service-accounts.key', '-pubout', '-out', 'service-accounts.pub')
  for (const name of CLIENTS) writeFileSync(kubeconfigOf(places, name), kubeconfig(places, name), { mode: 0o600 })
}

/** File with which a component reaches the API server. */
export const kubeconfigOf = (places: Places, name: string): string => join(places.dir, `${name}.kubeconfig`)

const kubeconfig = ({ pki }: Places, name: string) => `apiVersion: v1
kind: Config
clusters: [{name: streamgate, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ${pki}/ca.crt}}]
users: [{name: ${name}, user: {client-certificate: ${pki}/${name}.crt, client-key: ${pki}/${name}.key}}]
contexts: [{name: streamgate, context: {cluster: streamgate, user: ${name}}}]
current-context: streamgate
`
