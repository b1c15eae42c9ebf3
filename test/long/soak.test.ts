import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import t from 'tap'
import { OpenLoop } from '../e2e/support/open-loop.ts'
import { configOf, Program } from '../e2e/support/program.ts'
import { Backend } from '../support/backend.ts'

const seconds = Number(process.env.STREAMGATE_SOAK_SECONDS ?? 300)
const LIMIT_MB = 200

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024
const median = (list: number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0

t.setTimeout(0)

t.test(
  `memory over ${seconds} s of mixed load`,
  { skip: process.env.STREAMGATE_LONG !== '1' && 'only in the long form' },
  async (t) => {
    const stable = new Backend({ name: 'stable' })
    const canary = new Backend({ name: 'canary', failureRate: 0.01 })
    await Promise.all([stable.start(), canary.start()])
    const program = await Program.start(
      t.testdir({}),
      configOf(
        `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants:
    - {name: stable, weight: 90, urls: ["http://127.0.0.1:${stable.port}"]}
    - {name: canary, weight: 10, urls: ["http://127.0.0.1:${canary.port}"]}
  sticky: {by: Cookie}
`,
        '  accessLog: {enabled: false}\n',
      ),
    )
    const port = program.ports.http
    const atRest = rssMb(program.pid)
    const samples: number[] = []
    const sampling = setInterval(() => samples.push(rssMb(program.pid)), 1000)
    const small = autocannon({
      url: `http://127.0.0.1:${port}/echo`,
      connections: 64,
      overallRate: 1500,
      duration: seconds,
    })
    const large = new OpenLoop({ port, perSecond: 4, path: `/bytes/${8 * 1024 * 1024}` })
    const fresh = new OpenLoop({ port, perSecond: 50, keepAlive: false })
    const slow = new OpenLoop({ port, perSecond: 20, path: '/delay/1000' })
    const aborting = new OpenLoop({ port, perSecond: 20, path: '/delay/2000', timeoutMs: 200 })
    const result = await small
    await Promise.all([large.stop(), fresh.stop(), slow.stop(), aborting.stop()])
    clearInterval(sampling)
    const tenth = Math.floor(samples.length / 10)
    const early = median(samples.slice(tenth, tenth * 3))
    const late = median(samples.slice(-tenth * 2))
    const peak = Math.max(...samples)
    t.comment(JSON.stringify({ atRest, early, late, median: median(samples), peak, requests: result.requests.total }))
    t.ok(Math.abs(late - early) / early < 0.1, `flat: ${early.toFixed(0)} MB early, ${late.toFixed(0)} MB late`)
    t.ok(peak < LIMIT_MB, `peak ${peak.toFixed(0)} MB of ${LIMIT_MB}`)
    t.equal(result.errors, 0)
    t.equal(await program.stop(), 0)
    await Promise.all([stable.close(), canary.close()])
  },
)
