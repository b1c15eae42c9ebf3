import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../src/clock.ts'
import { BINARIES_MODULE, binaryFolder, requiredVersion } from './places.ts'
import { run } from './shell.ts'

/** Packages of the Go module, by the program's name. */
const PROGRAMS: Record<string, string> = {
  pause: './pause',
  etcd: 'go.etcd.io/etcd/server/v3',
  ...Object.fromEntries(
    ['kubectl', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'].map((name) => [
      name,
      `k8s.io/kubernetes/cmd/${name}`,
    ]),
  ),
}

/** Oldest Go that the module's dependencies build with: its go.mod says so too. */
export const OLDEST_GO = '1.24'

/** Programs that are not built yet, in the order in which they are. */
export function missingBinaries(): string[] {
  const folder = binaryFolder()
  return Object.keys(PROGRAMS).filter((name) => !existsSync(join(folder, name)))
}

/**
 * Builds what is missing, one program after the other and each in its place only when it is complete: an interrupted
 * build goes on where it was. At low priority and by default one compiler at a time (STREAMGATE_CLUSTER_JOBS), since the
 * machine has other things to do.
 */
export async function buildBinaries(log: (line: string) => void): Promise<void> {
  const missing = missingBinaries()
  if (missing.length === 0) return
  const folder = binaryFolder()
  mkdirSync(folder, { recursive: true })
  log(`building ${missing.join(', ')} in ${folder}`)
  const began = systemClock.nowMs()
  for (const name of missing) {
    const target = PROGRAMS[name]!
    const part = join(folder, `.${name}.${process.pid}`)
    const build = [
      'go',
      'build',
      '-p',
      process.env.STREAMGATE_CLUSTER_JOBS ?? '1',
      '-trimpath',
      '-ldflags',
      linkerFlags(target),
      '-o',
      part,
      target,
    ]
    await run(['nice', '-n', '19', ...build], { cwd: BINARIES_MODULE, env: goEnvironment(), show: true })
    renameSync(part, join(folder, name))
    log(`${((systemClock.nowMs() - began) / 1000).toFixed(0)} s  ${name} built`)
  }
}

/** Without a version the kubelet registers as v0.0.0, and kubectl warns of the difference. */
function linkerFlags(target: string): string {
  if (!target.startsWith('k8s.io/')) return '-s -w'
  const version = requiredVersion('k8s.io/kubernetes')
  const [major, minor] = version.slice(1).split('.')
  const set = (name: string, value: string) => `-X k8s.io/component-base/version.${name}=${value}`
  return ['-s -w', set('gitVersion', version), set('gitMajor', major!), set('gitMinor', minor!)].join(' ')
}

/** No other toolchain, no C compiler, and the versions that go.sum fixes. */
const goEnvironment = () => ({
  ...process.env,
  GOTOOLCHAIN: 'local',
  GOFLAGS: '-mod=readonly -buildvcs=false',
  GOWORK: 'off',
  CGO_ENABLED: '0',
})
