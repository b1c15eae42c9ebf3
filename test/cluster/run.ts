/**
 * Runs the cluster suites: `node test/cluster/run.ts [--check] [--install] [PART...]`. A PART is the name of a suite, such
 * as `smoke` for smoke.test.ts; all of them by default. Exit: 0 passed, 1 failed or not possible here, 2 wrong usage.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingBinaries } from './support/binaries.ts'
import { joinCgroup } from './support/cgroup.ts'
import { installPackages, whatIsMissing } from './support/needs.ts'
import { ROOT } from './support/places.ts'
import { NotPossible, type Prepared, parseCommandLine, prepare } from './support/prepare.ts'
import { run } from './support/shell.ts'

const log = (line: string) => console.error(line)
const { values, positionals } = parseCommandLine({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false }, install: { type: 'boolean', default: false } },
})

process.exitCode = values.check ? await check() : await runSuites()

/** Says whether a cluster can be started here, and what is missing if not. */
async function check(): Promise<number> {
  if (process.env.KUBECONFIG !== undefined) return 0
  if (values.install) await installPackages()
  const missing = await whatIsMissing()
  if (missing.length > 0) {
    log(new NotPossible(missing).message)
    return 1
  }
  const toBuild = missingBinaries()
  if (toBuild.length > 0) log(`to be built first, which takes minutes: ${toBuild.join(', ')}`)
  return 0
}

async function runSuites(): Promise<number> {
  const all = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const files = positionals.length > 0 ? positionals.map((part) => `${part.replace(/\.test\.ts$/, '')}.test.ts`) : all
  const unknown = files.filter((file) => !all.includes(file))
  if (unknown.length > 0) {
    log(`no such suite: ${unknown.join(', ')}; there are ${all.map((file) => file.replace('.test.ts', '')).join(', ')}`)
    return 2
  }
  try {
    const prepared = await prepare({ install: values.install, log })
    try {
      return await tap(prepared, files)
    } finally {
      await prepared.cluster.stop()
    }
  } catch (error) {
    if (!(error instanceof NotPossible)) throw error
    log(error.message)
    return 1
  }
}

/** One suite after the other: they share the cluster, and load is part of what they measure. */
async function tap({ cluster, environment }: Prepared, files: string[]): Promise<number> {
  const binary = join(ROOT, 'node_modules/.bin/tap')
  if (!existsSync(binary)) throw new Error('tap is not installed: npm ci')
  // As scripts/test.sh does, but here, since there is no package registry to be reached from the cluster's network.
  const marker = join(ROOT, 'node_modules/.tap-built')
  if (!existsSync(marker)) {
    await run([binary, 'build'], { cwd: ROOT })
    writeFileSync(marker, '')
  }
  const command = [binary, '--jobs=1', '--timeout=1800', ...files.map((file) => join('test/cluster', file))]
  // In the cluster's cgroup, so that no suite outlives the cluster.
  const joined = cluster.places ? `${joinCgroup(cluster.places.cgroup)} && ` : ''
  const child = spawn('sh', ['-c', `${joined}exec "$@"`, 'sh', ...cluster.command(...command)], {
    cwd: ROOT,
    env: environment,
    stdio: 'inherit',
  })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
