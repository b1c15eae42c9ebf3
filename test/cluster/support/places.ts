import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** The checkout that the harness belongs to. */
export const ROOT = resolve(import.meta.dirname, '../../..')

/** What is made once and kept between runs: binaries, base image, image. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'streamgate-cluster')

/**
 * Where running clusters live. One fixed place, whatever TMPDIR is: names of namespaces and cgroups are the machine's,
 * and who finds one must find its folder too.
 */
const RUNNING = '/var/tmp/streamgate-cluster'

/** Folder of the Go module from which the binaries are built. */
export const BINARIES_MODULE = join(import.meta.dirname, '../binaries')

/** Addresses inside a cluster's network namespace, which is its own, so that all clusters may use the same. */
export const NETWORK = {
  node: '10.89.0.1',
  pods: '10.88.0.0/16',
  /** Of the one node: the first that the controller manager hands out. */
  nodePods: '10.88.0.0/24',
  services: '10.96.0.0/16',
  /** The Service `kubernetes`: the first address of `services`. */
  apiService: '10.96.0.1',
  dns: '10.96.0.10',
} as const

/** Name under which the one node registers. */
export const NODE_NAME = 'node1'

/** Version of a module that binaries/go.mod requires, such as `v1.34.4`. */
export function requiredVersion(module: string): string {
  const text = readFileSync(join(BINARIES_MODULE, 'go.mod'), 'utf8')
  const found = text.split('\n').map((line) =>
    line
      .trim()
      .replace(/^require /, '')
      .split(/\s+/),
  )
  const version = found.find(([name]) => name === module)?.[1]
  if (!version) throw new Error(`binaries/go.mod does not require ${module}`)
  return version
}

/** Folder of the built binaries; its name tells the versions, and changes with every dependency. */
export function binaryFolder(): string {
  const sums = createHash('sha256')
    .update(readFileSync(join(BINARIES_MODULE, 'go.sum')))
    .digest('hex')
    .slice(0, 8)
  const versions = `kubernetes-${requiredVersion('k8s.io/kubernetes')}_etcd-${requiredVersion('go.etcd.io/etcd/server/v3')}`
  return join(CACHE, `${versions}_${sums}`, 'bin')
}

/** Everything that one cluster has on this machine. Removing it all is what teardown.ts does. */
export interface Places {
  name: string
  /** All of the cluster's files. */
  dir: string
  /** Its binaries, shared with all clusters. */
  bin: string
  pki: string
  log: string
  kubeconfig: string
  containerdSocket: string
  /** Who started it, for the next start: see owner.ts. */
  owner: string
  /** Its network namespace, by name. */
  netns: string
  /** Its cgroup below the root of every hierarchy: what is in it is ours and nobody else's. */
  cgroup: string
  /** Name of the pods' network. */
  cniNetwork: string
  /** What makes a command run in the namespace. Not `ip netns exec`, which hides the cgroup mounts. */
  enter: string[]
}

/** Where the cluster of that name lives; `name` by default STREAMGATE_CLUSTER_NAME or `streamgate`. */
export function placesOf(name = process.env.STREAMGATE_CLUSTER_NAME || 'streamgate'): Places {
  if (!/^[a-z][a-z0-9-]{0,29}$/.test(name)) throw new Error(`bad cluster name ${JSON.stringify(name)}: [a-z][a-z0-9-]*`)
  const dir = join(RUNNING, name)
  const netns = `sgc-${name}`
  return {
    name,
    dir,
    bin: binaryFolder(),
    pki: join(dir, 'pki'),
    log: join(dir, 'log'),
    kubeconfig: join(dir, 'admin.kubeconfig'),
    containerdSocket: join(dir, 'containerd.sock'),
    owner: join(dir, 'owner.json'),
    netns,
    cgroup: `streamgate-cluster-${name}`,
    cniNetwork: `sgc-${name}`,
    enter: ['nsenter', `--net=/run/netns/${netns}`],
  }
}

/** The cluster of this machine that a kubeconfig belongs to; undefined for one of another origin. */
export function placesOfKubeconfig(file: string): Places | undefined {
  const dir = dirname(resolve(file))
  return dirname(dir) === RUNNING ? placesOf(basename(dir)) : undefined
}

/** All clusters that have a folder on this machine, alive or not. */
export const allPlaces = (): Places[] => (existsSync(RUNNING) ? readdirSync(RUNNING) : []).map((name) => placesOf(name))
