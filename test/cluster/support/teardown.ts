import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeCgroup } from './cgroup.ts'
import { containerIds, shimSockets } from './container-runtime.ts'
import type { Places } from './places.ts'
import { run } from './shell.ts'

/** Folders outside the cluster's own into which kubelet and CNI write whatever one tells them. */
const KUBELET_LINKS = '/var/log/containers'
/** As above, of CNI. */
export const CNI_RESULTS = '/var/lib/cni/results'

/**
 * Removes all that a cluster has on this machine, in whatever state it is: processes, mounts, namespace, files. Harmless
 * where there is nothing, and where it was interrupted before. Touches nothing that is not this cluster's.
 */
export async function teardown(places: Places): Promise<void> {
  await removeCgroup(places.cgroup)
  const ids = containerIds(places)
  for (const name of namesIn(CNI_RESULTS)) {
    if (ids.some((id) => name.includes(id))) rmSync(join(CNI_RESULTS, name))
  }
  for (const socket of shimSockets(places)) rmSync(socket, { force: true })
  for (const mount of mountsBelow(places.dir)) await run(['umount', '--lazy', mount]).catch(() => {})
  if (existsSync(`/run/netns/${places.netns}`)) await run(['ip', 'netns', 'delete', places.netns])
  for (const name of namesIn(KUBELET_LINKS)) {
    const link = join(KUBELET_LINKS, name)
    if (targetOf(link)?.startsWith(`${places.dir}/`)) rmSync(link)
  }
  // A mount that did not go would have its content removed: rather leave the folder, and say so.
  const left = mountsBelow(places.dir)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(' ')}`)
  rmSync(places.dir, { recursive: true, force: true })
}

/** Mount points below a folder, the innermost first. */
function mountsBelow(dir: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    // The kernel writes blanks in names as \040.
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
  return points.filter((point) => point.startsWith(`${dir}/`)).reverse()
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    return undefined
  }
}
