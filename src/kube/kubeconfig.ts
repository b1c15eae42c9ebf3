import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { type KubeAccess, KubeConfigError, type PemSource } from './access.ts'

type Fields = Record<string, unknown>

interface Entry {
  fields: Fields
  /** Names of files are relative to the folder of the file that names them. */
  folder: string
}

/** What several files say together: whatever is named first wins, as with kubectl. */
interface Merged {
  current: string | undefined
  clusters: Map<string, Entry>
  users: Map<string, Entry>
  contexts: Map<string, Entry>
}

/** Kinds of credentials that need a program or a library of their own to run. */
const FOREIGN = ['exec', 'auth-provider', 'username', 'password'] as const

/** Reads kubeconfig files, those that do not exist left out. Throws a KubeConfigError. */
export function readKubeconfig(files: readonly string[], context: string | undefined): KubeAccess {
  const merged: Merged = { current: undefined, clusters: new Map(), users: new Map(), contexts: new Map() }
  let found = 0
  for (const file of files) if (addFile(merged, file)) found++
  const where = files.join(':')
  if (found === 0) throw new KubeConfigError(`there is no kubeconfig file ${where}`)
  const name = context ?? merged.current
  if (!name) throw new KubeConfigError(`${where} has no current-context: name one`)
  const chosen = need(merged.contexts, name, 'context', where)
  const cluster = need(merged.clusters, text(chosen.fields, 'cluster') ?? '', 'cluster', where)
  const user = need(merged.users, text(chosen.fields, 'user') ?? '', 'user', where)
  return {
    ...clusterAccess(cluster, where),
    ...userAccess(user, where),
    namespace: text(chosen.fields, 'namespace') ?? 'default',
    origin: `${where} (context ${name})`,
  }
}

function addFile(merged: Merged, file: string): boolean {
  let source: string
  try {
    source = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new KubeConfigError(`${file} cannot be read: ${(error as Error).message}`)
  }
  let document: unknown
  try {
    document = parse(source)
  } catch (error) {
    throw new KubeConfigError(`${file} is no YAML: ${(error as Error).message.split('\n')[0]}`)
  }
  if (!isFields(document)) throw new KubeConfigError(`${file} is no kubeconfig file`)
  merged.current ??= text(document, 'current-context')
  for (const [list, entry, into] of [
    ['clusters', 'cluster', merged.clusters],
    ['users', 'user', merged.users],
    ['contexts', 'context', merged.contexts],
  ] as const) {
    for (const item of Array.isArray(document[list]) ? document[list] : []) {
      const name = isFields(item) ? text(item, 'name') : undefined
      if (name === undefined || into.has(name)) continue
      const fields = item[entry]
      into.set(name, { fields: isFields(fields) ? fields : {}, folder: dirname(resolve(file)) })
    }
  }
  return true
}

function clusterAccess(cluster: Entry, where: string): Pick<KubeAccess, 'server' | 'ca' | 'serverName'> {
  const { fields } = cluster
  const server = text(fields, 'server')
  const url = server === undefined ? null : URL.parse(server)
  if (server === undefined || url === null || !/^https?:$/.test(url.protocol)) {
    throw new KubeConfigError(`${where}: the cluster's server must be a URL, not ${JSON.stringify(server ?? null)}`)
  }
  // `kubectl proxy` listens there.
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) {
    throw new KubeConfigError(`${where}: http is for loopback alone: tokens and secrets would be readable on the way`)
  }
  if (fields['insecure-skip-tls-verify'] === true) {
    throw new KubeConfigError(
      `${where}: insecure-skip-tls-verify is refused: whoever answers would get the token and steer all traffic. Set certificate-authority, and tls-server-name where names differ`,
    )
  }
  if (text(fields, 'proxy-url') !== undefined) {
    throw new KubeConfigError(`${where}: proxy-url is not supported: use a server that can be reached directly`)
  }
  const ca = pem(cluster, 'certificate-authority')
  const serverName = text(fields, 'tls-server-name')
  return {
    server: server.replace(/\/+$/, ''),
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

function userAccess(user: Entry, where: string): Pick<KubeAccess, 'token' | 'certificate'> {
  const { fields, folder } = user
  for (const key of FOREIGN) {
    if (fields[key] === undefined) continue
    throw new KubeConfigError(
      `${where}: credentials by ${key} are not supported: use a token (kubectl create token NAME), a tokenFile or a client certificate`,
    )
  }
  const access: Pick<KubeAccess, 'token' | 'certificate'> = {}
  const file = text(fields, 'tokenFile')
  const token = text(fields, 'token')
  // client-go: the file wins, since it may be newer.
  if (file !== undefined) access.token = { file: resolve(folder, file) }
  else if (token !== undefined) access.token = { text: token }
  const cert = pem(user, 'client-certificate')
  const key = pem(user, 'client-key')
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeConfigError(`${where}: a client certificate needs both client-certificate and client-key`)
  }
  if (cert !== undefined && key !== undefined) access.certificate = { cert, key }
  return access
}

/** `key-data` (base64 of PEM) or the file that `key` names. */
function pem({ fields, folder }: Entry, key: string): PemSource | undefined {
  const data = text(fields, `${key}-data`)
  if (data !== undefined) return { pem: Buffer.from(data, 'base64').toString('utf8') }
  const file = text(fields, key)
  return file === undefined ? undefined : { file: resolve(folder, file) }
}

function need(among: Map<string, Entry>, name: string, what: string, where: string): Entry {
  const entry = among.get(name)
  if (entry !== undefined) return entry
  const known = [...among.keys()].join(', ') || 'none'
  throw new KubeConfigError(`${where} has no ${what} ${JSON.stringify(name)}; it has: ${known}`)
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function text(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}
