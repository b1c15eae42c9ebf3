import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { processesIn } from './support/cgroup.ts'
import { Cluster } from './support/cluster.ts'
import { containerIds } from './support/container-runtime.ts'
import { placesOf } from './support/places.ts'
import { list, sample } from './support/sample.ts'
import { until } from './support/shell.ts'
import { CNI_RESULTS } from './support/teardown.ts'

// A harness that leaves processes, mounts or namespaces on a developer's machine is worse than none.
const NAME = 'lifecycle'
const places = placesOf(NAME)
const foreign = Cluster.current().places === undefined && 'the cluster is not ours'
const children = new Set<ChildProcess>()

function starter(): ChildProcess {
  const script = join(import.meta.dirname, 'support/start-and-wait.ts')
  const child = spawn(process.execPath, [script, NAME], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr!.on('data', (data: Buffer) => t.comment(data.toString().trimEnd()))
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

t.teardown(() => {
  for (const child of children) child.kill('SIGKILL')
})

const traces = (ids: string[]) => ({
  folder: existsSync(places.dir),
  namespace: existsSync(`/run/netns/${places.netns}`),
  processes: processesIn(places.cgroup).length > 0,
  results: existsSync(CNI_RESULTS) && readdirSync(CNI_RESULTS).some((name) => ids.some((id) => name.includes(id))),
  mounts: readFileSync('/proc/self/mounts', 'utf8').includes(`${places.dir}/`),
})
const NONE = { folder: false, namespace: false, processes: false, results: false, mounts: false }

t.test('a cluster whose starter is killed goes without a trace', { skip: foreign, timeout: 300_000 }, async (t) => {
  const child = starter()
  await once(child.stdout!, 'data')
  // With pods, so that there are containers, mounts and addresses of pods too.
  const cluster = Cluster.current({ KUBECONFIG: places.kubeconfig })
  await until('a service account', 60_000, () => cluster.kubectl('get', 'serviceaccount', 'default'))
  await cluster.apply(
    list(...sample({ name: 'app', namespace: 'default', image: 'localhost/not-there:1', replicas: 1 })),
  )
  await until('a pod with a sandbox', 60_000, async () => (await podAddress(cluster)) || undefined)
  const ids = containerIds(places)
  t.match(traces(ids), { folder: true, namespace: true, processes: true, results: true, mounts: true })
  const second = starter()
  const [code] = await once(second, 'exit')
  t.not(code, 0, 'a second one of the same name is refused while the first lives')
  child.kill('SIGKILL')
  await until('no trace', 60_000, async () => (existsSync(places.dir) ? undefined : true))
  t.same(traces(ids), NONE)
  t.match(await Cluster.current().kubectl('get', '--raw', '/readyz'), /ok/, 'the other cluster runs on')
})

async function podAddress(cluster: Cluster): Promise<string> {
  return cluster.kubectl('get', 'pods', '-l', 'app=app', '-o', 'jsonpath={.items[*].status.podIP}')
}
