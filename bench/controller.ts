// npm run bench:controller: CPU time of the main thread with 1,000 gates of which 100 are in release, each with traffic. The target is below 20 % of one core.
// Writes bench/results/controller-<date>.json.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sleep } from '../src/clock.ts'
import { OpenLoop } from '../test/e2e/support/open-loop.ts'
import { configOf, Program } from '../test/e2e/support/program.ts'
import { root } from './peers/peers.ts'

const { values } = parseArgs({
  options: {
    gates: { type: 'string', default: '1000' },
    releases: { type: 'string', default: '100' },
    rate: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '60' },
    warm: { type: 'string', default: '30' },
  },
})
const [gates, releases, rate, seconds, warm] = [
  values.gates,
  values.releases,
  values.rate,
  values.seconds,
  values.warm,
].map(Number) as [number, number, number, number, number]

const backend = createServer((_request, response) => response.end('ok'))
await new Promise<void>((done) => backend.listen(0, '127.0.0.1', done))
const { port } = backend.address() as { port: number }
const dir = join(root, 'bench/tmp/controller')
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })

const documents = Array.from(
  { length: gates },
  (_, n) => `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: gate-${n}}
spec:
  hosts: [gate-${n}.example.com]
  variants:
    - {name: stable, urls: ["http://127.0.0.1:${port}"]}
    - {name: canary, urls: ["http://127.0.0.1:${port}"]}
  release: {serving: stable, candidate: canary, trigger: Manual, steps: [{weight: 5, minDuration: 1h}, {weight: 100}]}
`,
)
const program = await Program.start(dir, configOf(documents.join('---\n'), '  accessLog: {enabled: false}\n'))

/** CPU time of the main thread alone, in seconds. */
const mainThreadS = (): number => {
  const stat = readFileSync(`/proc/${program.pid}/task/${program.pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

for (let n = 0; n < releases; n++) {
  const answer = await program.api('POST', `/v1/gates/default/gate-${n}/start`, { revision: 'v2' })
  if (answer.status !== 200) throw new Error(`gate-${n}: ${answer.status} ${answer.body}`)
}
const load = new OpenLoop({
  port: program.ports.http,
  perSecond: rate,
  headers: (n) => ({ host: `gate-${n % releases}.example.com` }),
})
await sleep(warm * 1000)
const [cpu, wall] = [mainThreadS(), performance.now()]
await sleep(seconds * 1000)
const percent = ((mainThreadS() - cpu) / ((performance.now() - wall) / 1000)) * 100
const seen = await load.stop()
const running = await Promise.all(Array.from({ length: releases }, (_, n) => program.gate(`gate-${n}`)))
const progressing = running.filter(({ release }) => release?.phase === 'Progressing').length
await program.stop()
backend.close()
const result = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  gates,
  releases,
  progressing,
  requestsPerSecond: rate,
  answered: seen.filter(({ status }) => status === 200).length,
  requests: seen.length,
  seconds,
  mainThreadPercentOfOneCore: Number(percent.toFixed(1)),
}
mkdirSync(join(root, 'bench/results'), { recursive: true })
writeFileSync(join(root, `bench/results/controller-${result.date}.json`), `${JSON.stringify(result, null, 2)}\n`)
console.log(result)
process.exit(0)
