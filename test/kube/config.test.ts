import { join } from 'node:path'
import t from 'tap'
import { KubeConfigError, type KubeConfigSources, loadKubeAccess } from '../../src/kube/index.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const kubeconfig = (cluster: string, user = '{token: secret}', more = '') => `
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
contexts: [{name: here, context: {cluster: c, user: u${more}}}, {name: there, context: {cluster: d, user: u}}]
`

const refusal = (sources: KubeConfigSources): string => {
  try {
    return `accepted: ${loadKubeAccess(sources).server}`
  } catch (error) {
    if (error instanceof KubeConfigError) return error.message
    throw error
  }
}

t.test('in a pod: address, CA, token file and namespace of the service account', async (t) => {
  const dir = t.testdir({ token: 'x', 'ca.crt': 'pem', namespace: 'edge\n' })
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443', HOME: '/nowhere' }
  t.same(loadKubeAccess({ env, serviceAccountDir: dir }), {
    server: 'https://10.96.0.1:443',
    ca: { file: join(dir, 'ca.crt') },
    token: { file: join(dir, 'token') },
    namespace: 'edge',
    origin: 'in-cluster',
  })
  const six = { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }
  t.equal(loadKubeAccess({ env: six, serviceAccountDir: dir }).server, 'https://[fd00::1]:443')
  t.match(refusal({ env, serviceAccountDir: join(dir, 'nowhere') }), /no service account token/)
})

t.test('a kubeconfig: certificates as data and as files, beside the file that names them', async (t) => {
  const user = `{client-certificate-data: ${base64('CERT')}, client-key: keys/u.key}`
  const dir = t.testdir({
    config: kubeconfig(
      '{server: "https://api:6443/base/", certificate-authority: ca.crt, tls-server-name: api.internal}',
      user,
      ', namespace: shop',
    ),
  })
  const file = join(dir, 'config')
  t.same(loadKubeAccess({ kubeconfig: file, env: {} }), {
    server: 'https://api:6443/base',
    ca: { file: join(dir, 'ca.crt') },
    serverName: 'api.internal',
    certificate: { cert: { pem: 'CERT' }, key: { file: join(dir, 'keys/u.key') } },
    namespace: 'shop',
    origin: `${file} (context here)`,
  })
})

t.test('the order of places: flag, KUBECONFIG, pod, home', async (t) => {
  const dir = t.testdir({
    flag: kubeconfig('{server: "https://flag"}'),
    env: kubeconfig('{server: "https://env"}', '{tokenFile: t, token: older}'),
    '.kube': { config: kubeconfig('{server: "https://home"}') },
    token: 'x',
    namespace: 'n',
  })
  const env = { HOME: dir, KUBECONFIG: join(dir, 'env'), KUBERNETES_SERVICE_HOST: 'pod' }
  const server = (sources: Partial<KubeConfigSources>) =>
    loadKubeAccess({ env, serviceAccountDir: dir, ...sources }).server
  t.equal(server({ kubeconfig: join(dir, 'flag') }), 'https://flag')
  t.equal(server({}), 'https://env')
  t.equal(server({ env: { ...env, KUBECONFIG: '' } }), 'https://pod:443')
  t.equal(server({ env: { HOME: dir } }), 'https://home')
  t.same(loadKubeAccess({ env }).token, { file: join(dir, 't') }, 'a token file wins over a token')
})

t.test('several files are one: what is named first wins, what is missing is passed over', async (t) => {
  const dir = t.testdir({
    a: 'current-context: there\nclusters: [{name: d, cluster: {server: "https://d"}}]\n',
    b: kubeconfig('{server: "https://c"}'),
  })
  const KUBECONFIG = [join(dir, 'gone'), join(dir, 'a'), join(dir, 'b')].join(':')
  t.equal(loadKubeAccess({ env: { KUBECONFIG } }).server, 'https://d')
  t.equal(loadKubeAccess({ env: { KUBECONFIG }, context: 'here' }).server, 'https://c')
})

t.test('what cannot be used is refused, with the way out', async (t) => {
  const dir = t.testdir({
    skip: kubeconfig('{server: "https://c", insecure-skip-tls-verify: true}'),
    plain: kubeconfig('{server: "http://api.example"}'),
    local: kubeconfig('{server: "http://127.0.0.1:8001"}'),
    proxy: kubeconfig('{server: "https://c", proxy-url: "http://p"}'),
    exec: kubeconfig('{server: "https://c"}', '{exec: {command: aws}}'),
    half: kubeconfig('{server: "https://c"}', '{client-certificate: u.crt}'),
    server: kubeconfig('{}'),
    yaml: 'a: [',
    list: '[]',
    none: 'clusters: []',
  })
  const of = (name: string, more: Partial<KubeConfigSources> = {}) =>
    refusal({ kubeconfig: join(dir, name), env: {}, ...more })
  t.match(of('skip'), /insecure-skip-tls-verify is refused.*certificate-authority/)
  t.match(of('plain'), /http is for loopback alone/)
  t.equal(of('local'), 'accepted: http://127.0.0.1:8001', 'kubectl proxy')
  t.match(of('proxy'), /proxy-url/)
  t.match(of('exec'), /credentials by exec are not supported: use a token/)
  t.match(of('half'), /needs both client-certificate and client-key/)
  t.match(of('server'), /server must be a URL, not null/)
  t.match(of('yaml'), /is no YAML/)
  t.match(of('list'), /is no kubeconfig/)
  t.match(of('none'), /no current-context/)
  t.match(of('gone'), /there is no kubeconfig file/)
  t.match(of('local', { context: 'no' }), /has no context "no"; it has: here, there/)
  t.match(refusal({ env: {} }), /no cluster is known/)
})
