// npm run bench:judge:live [-- --runs 20 --gates 10]: the first rows of the judge's table against the running proxy: open-loop 100 requests/s a gate, a step
// of 5 %. Each run is a release that ends in its conviction. Writes bench/results/judge-live-<date>.json and, with --judge, is taken up by bench/JUDGE.md.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { GateView, ReleaseRecord } from '../src/admin/index.ts'
import { sleep } from '../src/clock.ts'
import { seededRandom } from '../src/random.ts'
import { OpenLoop } from '../test/e2e/support/open-loop.ts'
import { configOf, Program } from '../test/e2e/support/program.ts'
import { root } from './peers/peers.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    gates: { type: 'string', default: '10' },
    rate: { type: 'string', default: '100' },
  },
})
const [runs, gates, rate] = [Number(values.runs), Number(values.gates), Number(values.rate)]

interface Row {
  name: string
  servingFails: number
  candidateFails: number
  /** Failed requests until conviction in 95 % of the runs, at most (analysis.md). */
  at95: number
  /** Mean, at most. */
  mean: number
}
const ROWS: readonly Row[] = [
  { name: 'serving 0.1 %, candidate 50 %', servingFails: 0.001, candidateFails: 0.5, mean: 4, at95: 5 },
  { name: 'serving 0.1 %, candidate 5 %', servingFails: 0.001, candidateFails: 0.05, mean: 6, at95: 9 },
  { name: 'serving 0.1 %, candidate 2 %', servingFails: 0.001, candidateFails: 0.02, mean: 9, at95: 15 },
  { name: 'serving 0 %, candidate 50 %', servingFails: 0, candidateFails: 0.5, mean: 4, at95: 5 },
]

/** A backend that fails at random and remembers when it was asked and when it failed, on the wall clock of the decisions. */
class Side {
  rate = 0
  arrivals: number[] = []
  failures: number[] = []
  port = 0
  readonly server: Server

  constructor(name: string, seed: number) {
    const random = seededRandom(seed)
    this.server = createServer((_request, response) => {
      const now = Date.now()
      this.arrivals.push(now)
      const failed = random() < this.rate
      if (failed) this.failures.push(now)
      response.writeHead(failed ? 500 : 200, { 'x-backend': name })
      response.end(name)
    })
    this.server.keepAliveTimeout = 90_000
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    this.port = (this.server.address() as { port: number }).port
  }
}

const sides = await Promise.all(
  Array.from({ length: gates }, async (_, n) => {
    const pair = { stable: new Side('stable', 1000 + n), canary: new Side('canary', 2000 + n) }
    await Promise.all([pair.stable.start(), pair.canary.start()])
    return pair
  }),
)
const dir = join(root, 'bench/tmp/judge-live')
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
const documents = sides.map(
  ({ stable, canary }, n) => `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: gate-${n}}
spec:
  hosts: [gate-${n}.example.com]
  variants:
    - {name: stable, urls: ["http://127.0.0.1:${stable.port}"]}
    - {name: canary, urls: ["http://127.0.0.1:${canary.port}"]}
  release: {serving: stable, candidate: canary, trigger: Manual, steps: [{weight: 5, minDuration: 1h}, {weight: 100}]}
`,
)
const program = await Program.start(dir, configOf(documents.join('---\n'), '  accessLog: {enabled: false}\n'))

interface Run {
  failed: number
  seconds: number
  /** From the failure that convicted to the decision. */
  decisionMs: number
  /** Candidate requests that arrived more than 5 ms after the decision. */
  late: number
  usersFailed: number
}

async function convict(n: number, row: Row): Promise<Run> {
  const { stable, canary } = sides[n]!
  stable.rate = row.servingFails
  canary.rate = row.candidateFails
  canary.arrivals = []
  canary.failures = []
  const load = new OpenLoop({
    port: program.ports.http,
    perSecond: rate,
    headers: () => ({ host: `gate-${n}.example.com` }),
  })
  await sleep(2000)
  const path = `/v1/gates/default/gate-${n}`
  const begun = Date.now()
  const answer = await program.api('POST', `${path}/start`, { revision: `${row.name} ${begun}` })
  if (answer.status !== 200) throw new Error(answer.body)
  const id = (answer.json() as { gate: GateView }).gate.release!.id
  let release: GateView['release'] = null
  do {
    await sleep(100)
    release = (await program.gate(`gate-${n}`)).release
  } while (release === null || !['RolledBack', 'Succeeded', 'Aborted'].includes(release.phase))
  // Whatever was on its way has arrived by then.
  await sleep(1000)
  const seen = await load.stop()
  const record = (await program.api('GET', `${path}/releases/${id}`)).json() as ReleaseRecord
  const decided = Date.parse(record.decisions.find(({ phase }) => phase === 'RolledBack')!.time)
  return {
    failed: canary.failures.filter((time) => time <= decided + 5).length,
    seconds: (decided - begun) / 1000,
    decisionMs: decided - (canary.failures.filter((time) => time <= decided).at(-1) ?? decided),
    late: canary.arrivals.filter((time) => time > decided + 5).length,
    usersFailed: seen.filter(({ status }) => status !== 200).length,
  }
}

const rows = []
for (const row of ROWS) {
  const done: Run[] = []
  for (let from = 0; from < runs; from += gates) {
    done.push(...(await Promise.all(sides.slice(0, Math.min(gates, runs - from)).map((_, n) => convict(n, row)))))
  }
  const failed = done.map((run) => run.failed)
  const result = {
    ...row,
    runs: done.length,
    meanFailed: failed.reduce((sum, one) => sum + one, 0) / failed.length,
    above95: failed.filter((one) => one > row.at95).length,
    meanSeconds: done.reduce((sum, run) => sum + run.seconds, 0) / done.length,
    slowestDecisionMs: Math.max(...done.map(({ decisionMs }) => decisionMs)),
    candidateRequestsAfterDecision: done.reduce((sum, run) => sum + run.late, 0),
    usersFailed: done.reduce((sum, run) => sum + run.usersFailed, 0),
    failed,
  }
  rows.push(result)
  console.log(JSON.stringify(result))
}
await program.stop()
for (const { stable, canary } of sides) for (const side of [stable, canary]) side.server.close()
const date = new Date().toISOString().slice(0, 10)
mkdirSync(join(root, 'bench/results'), { recursive: true })
writeFileSync(
  join(root, `bench/results/judge-live-${date}.json`),
  `${JSON.stringify({ date, node: process.version, requestsPerSecond: rate, rows }, null, 2)}\n`,
)
process.exit(0)
