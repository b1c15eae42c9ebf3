import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { missingBinaries, OLDEST_GO } from './binaries.ts'
import { cgroupsRefused } from './cgroup.ts'
import { CNI_PLUGINS } from './container-runtime.ts'
import { type CommandError, run } from './shell.ts'

/** What the harness calls and what brings it on Debian. */
const PROGRAMS: Record<string, string> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  ip: 'iproute2',
  iptables: 'iptables',
  nft: 'nftables',
  conntrack: 'conntrack',
  socat: 'socat',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
  openssl: 'openssl',
  nsenter: 'util-linux',
  tar: 'tar',
  gzip: 'gzip',
}

/** CNI plugins are no commands: they are found by their folder. */
const CNI_PACKAGE = 'containernetworking-plugins'

/** Debian packages that are not installed, each once. */
export function missingPackages(): string[] {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !onPath(program))
  const packages = new Set(missing.map(([, name]) => name))
  if (!CNI_PLUGINS.some((folder) => existsSync(join(folder, 'ptp')))) packages.add(CNI_PACKAGE)
  return [...packages]
}

/** Installs them with apt-get, without what they merely recommend. */
export async function installPackages(): Promise<void> {
  const packages = missingPackages()
  if (packages.length === 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages]
  await run(['apt-get', 'update', '-q'], { env, show: true })
  await run(install, { env, show: true })
}

/** Everything that keeps this machine from running a cluster, each with the way out; empty when nothing does. */
export async function whatIsMissing(): Promise<string[]> {
  if (process.platform !== 'linux')
    return [`Linux (this is ${process.platform}); or set KUBECONFIG to a cluster for tests`]
  const missing: string[] = []
  const isRoot = process.getuid?.() === 0
  if (!isRoot) missing.push('root: namespaces, mounts and cgroups need it')
  const packages = missingPackages()
  if (packages.length > 0) missing.push(`Debian packages: ${packages.join(' ')} (--install installs them)`)
  const refused = isRoot ? cgroupsRefused() : undefined
  if (refused) missing.push(refused)
  if (isRoot && !packages.includes('iproute2')) missing.push(...(await namespacesRefused()))
  const binaries = missingBinaries()
  if (binaries.length > 0) missing.push(...(await goRefused(binaries)))
  return missing
}

/** Tries what can't be told without trying: a namespace with a bridge in it. */
async function namespacesRefused(): Promise<string[]> {
  const name = `sgc-probe-${process.pid}`
  try {
    await run(['ip', 'netns', 'add', name])
    await run(['ip', '-netns', name, 'link', 'add', 'probe0', 'type', 'bridge'])
    return []
  } catch (error) {
    return [`network namespaces with bridges: ${(error as CommandError).stderr.trim()}`]
  } finally {
    await run(['ip', 'netns', 'delete', name]).catch(() => {})
  }
}

async function goRefused(binaries: string[]): Promise<string[]> {
  const why = `to build ${binaries.join(', ')}`
  if (!onPath('go')) return [`Go ${OLDEST_GO} or newer ${why}: https://go.dev/dl`]
  const version = (await run(['go', 'env', 'GOVERSION'])).trim().replace(/^go/, '')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GO.split('.').map(Number)
  const isNew = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
  return isNew ? [] : [`Go ${OLDEST_GO} or newer ${why} (this is ${version})`]
}

function onPath(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
