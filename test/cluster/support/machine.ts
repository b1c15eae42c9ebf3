import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../src/clock.ts'
import { makeCgroup } from './cgroup.ts'
import { CNI_PLUGINS, startContainerRuntime } from './container-runtime.ts'
import { startControlPlane } from './control-plane.ts'
import { makeNetwork } from './network.ts'
import { startNode } from './node.ts'
import { identify, isAlive, readOwner, writeOwner } from './owner.ts'
import { makePki } from './pki.ts'
import { allPlaces, NODE_NAME, type Places } from './places.ts'
import { run, until } from './shell.ts'
import { teardown } from './teardown.ts'

/**
 * Starts all parts of a cluster and resolves, when its node is ready, to the supervisor that removes it. What an earlier
 * run of the same name left is removed first; one that still runs is left alone, with an error.
 */
export async function startMachine(places: Places, log: (line: string) => void): Promise<ChildProcess> {
  const began = systemClock.nowMs()
  const tell = (line: string) => log(`${((systemClock.nowMs() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`)
  await takeOver(places, tell)
  mkdirSync(dirname(places.dir), { recursive: true })
  // Fails when another start of the same name was quicker.
  mkdirSync(places.dir)
  mkdirSync(places.log)
  const supervisor = startSupervisor(places)
  try {
    await Promise.all([makePki(places), makeNetwork(places)])
    makeCgroup(places.cgroup)
    tell('certificates, network and cgroup made')
    const plugins = CNI_PLUGINS.find((folder) => existsSync(join(folder, 'ptp')))
    if (!plugins) throw new Error(`no CNI plugins in ${CNI_PLUGINS.join(' or ')}`)
    await Promise.all([
      startControlPlane(places).then(() => tell('API server ready')),
      startContainerRuntime(places, plugins).then(() => tell('containerd ready')),
    ])
    startNode(places)
    const kubectl = [...places.enter, join(places.bin, 'kubectl'), '--kubeconfig', places.kubeconfig]
    await until('the node registered', 120_000, () => run([...kubectl, 'get', 'node', NODE_NAME]))
    await run([...kubectl, 'wait', '--for=condition=Ready', `node/${NODE_NAME}`, '--timeout=120s'])
    tell('node ready')
    return supervisor
  } catch (error) {
    await stopMachine(supervisor)
    throw error
  }
}

/** Lets the supervisor remove the cluster, and waits for it to be done. */
export async function stopMachine(supervisor: ChildProcess): Promise<void> {
  if (supervisor.exitCode !== null) return
  const exit = once(supervisor, 'exit')
  supervisor.stdin!.end()
  const [code] = await exit
  if (code !== 0) throw new Error('the cluster was not removed completely; the next start tries again')
}

/** Makes room: ends with no cluster of this name on the machine, and with none whose starter and supervisor are dead. */
async function takeOver(places: Places, tell: (line: string) => void): Promise<void> {
  const owner = readOwner(places.owner)
  if (owner && isAlive(owner.starter)) {
    const { pid } = owner.starter
    throw new Error(
      `cluster ${places.name} is run by process ${pid}; set STREAMGATE_CLUSTER_NAME for another one beside it`,
    )
  }
  if (owner && isAlive(owner.supervisor)) {
    tell('waiting for an earlier cluster to be removed')
    await until('the earlier cluster removed', 60_000, async () => (isAlive(owner.supervisor) ? undefined : true))
  }
  for (const other of allPlaces()) {
    const left = readOwner(other.owner)
    // Without an owner yet it may be about to start.
    if (other.name === places.name || !left || isAlive(left.starter) || isAlive(left.supervisor)) continue
    tell(`removing what cluster ${other.name} left`)
    await teardown(other)
  }
  if (existsSync(places.dir)) tell('removing what an earlier cluster left')
  await teardown(places)
}

function startSupervisor(places: Places): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), places.name], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  const starter = identify(process.pid)
  const supervisor = child.pid === undefined ? undefined : identify(child.pid)
  if (!starter || !supervisor) throw new Error('the supervisor did not start')
  writeOwner(places.owner, { starter, supervisor })
  return child
}
