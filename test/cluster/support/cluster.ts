import { type ChildProcess, spawn } from 'node:child_process'
import { importImage } from './container-runtime.ts'
import { startApiServer } from './control-plane.ts'
import { signalDaemon } from './daemon.ts'
import { startMachine, stopMachine } from './machine.ts'
import { type Places, placesOf, placesOfKubeconfig } from './places.ts'
import { run, until } from './shell.ts'

/** How long anything that a cluster does by itself may take, on a machine busy with other things. */
const PATIENCE_MS = 120_000

export interface ClusterOptions {
  /** Two clusters at a time need two names. Default: STREAMGATE_CLUSTER_NAME or `streamgate`. */
  name?: string
  /** Told what happens, line by line. Default: nobody. */
  log?: (line: string) => void
}

/**
 * A Kubernetes cluster under test: one that `start` made on this machine, in a network namespace of its own, or the one
 * that KUBECONFIG names. The calls are the same; only what lies behind `start` and `stop` differs.
 */
export class Cluster {
  /** File for kubectl and clients; of an own cluster its address is reachable inside the namespace alone. */
  readonly kubeconfig: string
  /** Only of a cluster that was started on this machine, by this process or another one. */
  readonly places: Places | undefined
  readonly #supervisor: ChildProcess | undefined

  private constructor(kubeconfig: string, places?: Places, supervisor?: ChildProcess) {
    this.kubeconfig = kubeconfig
    this.places = places
    this.#supervisor = supervisor
  }

  /**
   * Starts a cluster of its own and resolves when its node is ready. It ends with `stop`, and by itself when this process
   * dies in whatever way. The binaries must be there (see binaries.ts), and this must be root on Linux.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const places = placesOf(options.name)
    const supervisor = await startMachine(places, options.log ?? (() => {}))
    return new Cluster(places.kubeconfig, places, supervisor)
  }

  /** The cluster that the environment names: what a suite uses. */
  static current(env: NodeJS.ProcessEnv = process.env): Cluster {
    const file = env.KUBECONFIG
    if (!file) throw new Error('KUBECONFIG is not set: run the suites with test/cluster/run.ts')
    return new Cluster(file, placesOfKubeconfig(file))
  }

  /** Runs kubectl and resolves to what it printed; rejects with its own words. */
  kubectl(...args: string[]): Promise<string> {
    return run(this.command('kubectl', ...args), { env: this.environment() })
  }

  /** `kubectl ... -o json`, parsed. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '-o', 'json')) as T
  }

  /** Server-side apply of YAML or JSON documents, as the field manager `streamgate-test`. */
  apply(manifests: string): Promise<string> {
    const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=streamgate-test', '-f', '-']
    return run(this.command('kubectl', ...args), { env: this.environment(), input: manifests })
  }

  /** Deletes what the documents name, waits for it to be gone; what is not there is fine. */
  delete(manifests: string): Promise<string> {
    const args = ['delete', '--ignore-not-found', '--wait', '-f', '-']
    return run(this.command('kubectl', ...args), { env: this.environment(), input: manifests })
  }

  /** A namespace of that name, new and empty: one that stands from an earlier run goes first. */
  async freshNamespace(name: string): Promise<void> {
    await this.kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait')
    await this.kubectl('create', 'namespace', name)
    // Pods are refused until the service account is there.
    await this.until(`service account of ${name}`, async () =>
      (await this.kubectl('-n', name, 'get', 'serviceaccount', 'default', '-o', 'name')) ? true : undefined,
    )
  }

  /** Waits until every replica of a workload (`deployment/name`) is updated and available. */
  async rolledOut(namespace: string, workload: string, timeoutSeconds = PATIENCE_MS / 1000): Promise<void> {
    await this.kubectl('-n', namespace, 'rollout', 'status', workload, `--timeout=${timeoutSeconds}s`)
  }

  /** Polls `probe` until it answers; a kubectl that fails counts as no answer yet. */
  until<T>(what: string, probe: () => Promise<T | undefined>, timeoutMs = PATIENCE_MS): Promise<T> {
    return until(what, timeoutMs, probe)
  }

  /** GET through the API server's proxy, which works from everywhere: `target` is `pods/name:port` or `services/name:port`. */
  get(namespace: string, target: string, path = '/'): Promise<string> {
    return this.kubectl('get', '--raw', `/api/v1/namespaces/${namespace}/${target}/proxy${path}`)
  }

  /** Makes the image in a docker-archive file known to the cluster's nodes. */
  async load(archive: string): Promise<void> {
    if (this.places) return importImage(this.places, archive)
    const context = (await this.kubectl('config', 'current-context')).trim()
    const kind = /^kind-(.+)$/.exec(context)?.[1]
    if (!kind)
      throw new Error(`no way to load an image into ${context}: push one that it can pull, name it in STREAMGATE_IMAGE`)
    await run(['kind', 'load', 'image-archive', archive, '--name', kind])
  }

  /** Kills the API server, does `work`, and starts it again, whatever became of the work. Of an own cluster only. */
  async withoutApiServer<T>(work: () => Promise<T>): Promise<T> {
    if (!this.places) throw new Error('the API server of a cluster that is not ours stays')
    if (signalDaemon(this.places, 'kube-apiserver', 'SIGKILL') !== 1) throw new Error('no API server runs')
    try {
      return await work()
    } finally {
      await startApiServer(this.places)
    }
  }

  /** The command line that runs `command` where the cluster's addresses are reachable. */
  command(...command: string[]): string[] {
    return this.places ? [...this.places.enter, ...command] : command
  }

  /** Environment for commands and suites: KUBECONFIG, and the cluster's own kubectl first in PATH. */
  environment(): NodeJS.ProcessEnv {
    const path = this.places ? `${this.places.bin}:${process.env.PATH}` : process.env.PATH
    return { ...process.env, PATH: path, KUBECONFIG: this.kubeconfig }
  }

  /** Ends the cluster that this process started and removes all traces of it; any other stays. */
  async stop(): Promise<void> {
    if (this.#supervisor) await stopMachine(this.#supervisor)
  }
}

/** Starts a command where the cluster is reachable, for load generators and servers of a suite. */
export function start(cluster: Cluster, ...command: string[]): ChildProcess {
  const [file, ...args] = cluster.command(...command) as [string, ...string[]]
  return spawn(file, args, { env: cluster.environment(), stdio: ['ignore', 'pipe', 'inherit'] })
}
