import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { NETWORK, type Places } from './places.ts'
import { run } from './shell.ts'

/** The image of the process that holds a pod's namespaces. */
const PAUSE = 'localhost/streamgate-pause:1'

/** Where Debian puts the plugins, and where everybody else does. */
export const CNI_PLUGINS = ['/usr/lib/cni', '/opt/cni/bin']

const OVERLAYFS_MAGIC = 0x794c7630

/** An overlay can't be the upper layer of another one: there (in a container) layers are copied. */
const snapshotter = (dir: string) => (statfsSync(dir).type === OVERLAYFS_MAGIC ? 'native' : 'overlayfs')

/** Where containerd keeps what it knows of running containers. */
const stateOf = (dir: string) => join(dir, 'containerd-state')

const tasksOf = ({ dir }: Places) => join(stateOf(dir), 'io.containerd.runtime.v2.task/k8s.io')

/** Ids of the containers and pods that run, or ran when containerd was killed. */
export const containerIds = (places: Places): string[] =>
  existsSync(tasksOf(places)) ? readdirSync(tasksOf(places)) : []

/**
 * Sockets of the processes that watch over the containers (shims), which containerd puts outside of its own folders. Each
 * container's folder says which one is its.
 */
export function shimSockets(places: Places): string[] {
  const files = containerIds(places).map((id) => join(tasksOf(places), id, 'address'))
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8').replace(/^unix:\/\//, ''))
}

/** Starts containerd with a network for pods, and gives it the pause image. */
export async function startContainerRuntime(places: Places, cniPlugins: string): Promise<Daemon> {
  const cni = join(places.dir, 'cni')
  mkdirSync(cni, { recursive: true })
  writeFileSync(join(cni, '10-pods.conflist'), JSON.stringify(podNetwork(places), null, 2))
  const config = join(places.dir, 'containerd.toml')
  writeFileSync(config, containerdConfig(places, cni, cniPlugins))
  const daemon = startDaemon(places, 'containerd', ['containerd', '--config', config])
  await daemon.ready(() => ctr(places, 'version'), 60_000)
  await importPause(places)
  return daemon
}

const ctr = ({ containerdSocket }: Places, ...args: string[]) =>
  run(['ctr', '--address', containerdSocket, '--namespace', 'k8s.io', ...args])

/** Makes the image in a docker-archive file known to the node. */
export async function importImage(places: Places, archive: string): Promise<void> {
  await ctr(places, 'images', 'import', archive)
}

/**
 * Pods hang on the node by a pair of devices each (`ptp`), without a bridge between them: so all their packets pass the
 * node's firewall rules, where kube-proxy is, without the br_netfilter module that a bridge needs for it.
 */
const podNetwork = ({ dir, cniNetwork }: Places) => ({
  cniVersion: '0.4.0',
  name: cniNetwork,
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: join(dir, 'cni-addresses'),
        ranges: [[{ subnet: NETWORK.nodePods }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

const containerdConfig = ({ dir, containerdSocket }: Places, cni: string, plugins: string) => `version = 2
root = "${join(dir, 'containerd')}"
state = "${stateOf(dir)}"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter(dir)}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "${join(dir, 'runc')}"
`

/** An image of one static program, put together as Docker would save it. */
async function importPause(places: Places): Promise<void> {
  const work = mkdtempSync(join(places.dir, 'pause-'))
  const tar = (...args: string[]) => run(['tar', '--create', '--sort=name', '--mtime=@0', ...args])
  await tar('--file', join(work, 'layer.tar'), '--directory', places.bin, 'pause')
  const digest = createHash('sha256')
    .update(readFileSync(join(work, 'layer.tar')))
    .digest('hex')
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  }
  writeFileSync(join(work, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [PAUSE], Layers: ['layer.tar'] }]
  writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
  await tar('--file', join(work, 'pause.tar'), '--directory', work, 'manifest.json', 'config.json', 'layer.tar')
  await importImage(places, join(work, 'pause.tar'))
  rmSync(work, { recursive: true })
}
