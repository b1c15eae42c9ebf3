import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep, systemClock } from '../../../src/clock.ts'

/**
 * All that a cluster runs (its daemons, their shims, every pod) is in one cgroup, so that "ours" is a fact that the kernel
 * keeps: no pid that was reused, no name that somebody else has too. Version 1 has a hierarchy for each controller.
 */
const MOUNT = '/sys/fs/cgroup'

/** Subgroup of what is no pod. */
const DAEMONS = 'daemons'

const isV2 = () => existsSync(join(MOUNT, 'cgroup.controllers'))

/** Roots of all hierarchies. Symbolic links (`cpu -> cpu,cpuacct`) are names of another one. */
function hierarchies(): string[] {
  if (isV2()) return [MOUNT]
  const found = readdirSync(MOUNT, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return found.map(({ name }) => join(MOUNT, name)).filter((path) => existsSync(join(path, 'cgroup.procs')))
}

/** Why there can be no cgroup of our own, or undefined. */
export function cgroupsRefused(): string | undefined {
  const probe = `streamgate-cluster-probe-${process.pid}`
  try {
    const roots = hierarchies()
    if (roots.length === 0) return `no cgroup hierarchy under ${MOUNT}`
    for (const root of roots) {
      mkdirSync(join(root, probe))
      rmdirSync(join(root, probe))
    }
    return undefined
  } catch (error) {
    return `cgroups can't be made: ${(error as Error).message}`
  }
}

/** Makes the cgroup `name` with all controllers that a kubelet wants. */
export function makeCgroup(name: string): void {
  for (const root of hierarchies()) {
    if (isV2()) {
      const all = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ')
      const on = all.map((controller) => `+${controller}`).join(' ')
      writeFileSync(join(root, 'cgroup.subtree_control'), on)
      mkdirSync(join(root, name), { recursive: true })
      writeFileSync(join(root, name, 'cgroup.subtree_control'), on)
    }
    for (const group of [name, join(name, DAEMONS)]) {
      mkdirSync(join(root, group), { recursive: true })
      // A new cpuset (version 1) is empty, and nothing can be put into it.
      for (const file of isV2() ? [] : ['cpuset.cpus', 'cpuset.mems']) {
        if (existsSync(join(root, file))) writeFileSync(join(root, group, file), readFileSync(join(root, file)))
      }
    }
  }
}

/** Shell text that moves the shell itself (and so what it execs) into the cgroup. */
export function joinCgroup(name: string): string {
  return hierarchies()
    .map((root) => `echo $$ > ${join(root, name, DAEMONS, 'cgroup.procs')}`)
    .join(' && ')
}

function groupsBelow(group: string): string[] {
  if (!existsSync(group)) return []
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...below.flatMap(({ name }) => groupsBelow(join(group, name))), group]
}

const groupsOf = (name: string) => hierarchies().flatMap((root) => groupsBelow(join(root, name)))

/** Processes in the cgroup and all below it. */
export function processesIn(name: string): number[] {
  const pids = new Set<number>()
  for (const group of groupsOf(name)) {
    try {
      for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) if (pid) pids.add(Number(pid))
    } catch {
      // The group ended between the listing and now.
    }
  }
  return [...pids]
}

/** Kills what is in the cgroup until nothing is, and removes it. Nothing to do where there is none. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = systemClock.nowMs() + 30_000
  for (;;) {
    const pids = processesIn(name)
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    const left = groupsOf(name).filter((group) => !removed(group))
    if (left.length === 0) return
    if (systemClock.nowMs() > deadline)
      throw new Error(`can't be removed: ${left.join(' ')} (processes ${pids.join(' ')})`)
    await sleep(50)
  }
}

/** Removes a group that is empty; one with processes, or with one that is still dying, stays. */
function removed(group: string): boolean {
  try {
    rmdirSync(group)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
