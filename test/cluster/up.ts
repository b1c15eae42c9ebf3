/** Starts a cluster with the project's image in it and keeps it until Ctrl-C: `node test/cluster/up.ts [--install]`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { userInfo } from 'node:os'
import { NotPossible, parseCommandLine, prepare } from './support/prepare.ts'

const { values } = parseCommandLine({ options: { install: { type: 'boolean', default: false } } })
const log = (line: string) => console.error(line)
if (process.env.KUBECONFIG !== undefined) {
  log('KUBECONFIG names a cluster already: up.ts starts one of its own, so unset it first')
  process.exit(2)
}
const stop = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process, 'SIGHUP')])
try {
  const { cluster, image, environment } = await prepare({ install: values.install, log })
  const enter = cluster.places!.enter.join(' ')
  log(`
The cluster is up, with the image ${image}. Its addresses work inside its network namespace:
  ${enter} env KUBECONFIG=${cluster.kubeconfig} ${cluster.places!.bin}/kubectl get pods -A
  KUBECONFIG=${cluster.kubeconfig} node test/cluster/run.ts smoke
Logs are in ${cluster.places!.log}. Ctrl-C removes it all.`)
  if (process.stdin.isTTY) {
    log('This shell is in the namespace, with KUBECONFIG and kubectl at hand; leaving it removes the cluster.\n')
    const [file, ...args] = cluster.command(userInfo().shell ?? 'sh') as [string, ...string[]]
    const shell = spawn(file, args, { env: environment, stdio: 'inherit' })
    await Promise.race([once(shell, 'exit'), stop])
  } else {
    // The event loop is kept alive by the supervisor alone.
    await stop
  }
  log('removing the cluster')
  await cluster.stop()
} catch (error) {
  if (!(error instanceof NotPossible)) throw error
  log(error.message)
  process.exitCode = 1
}
