// Runs inside a network namespace of its own (see rolling-restart.test.ts): two proxies on one port, a reload of the file and a restart of one of
// them under load. Prints what clients saw as one line of JSON.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Backend } from '../../support/backend.ts'
import { OpenLoop } from './open-loop.ts'
import { Program } from './program.ts'

const [dir, seconds] = [process.argv[2]!, Number(process.argv[3])]
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const stable = new Backend({ name: 'stable' })
const canary = new Backend({ name: 'canary' })
await Promise.all([stable.start(), canary.start()])

const config = (weights: [number, number]) => `apiVersion: streamgate.dev/v1alpha1
kind: Proxy
metadata: {name: edge}
spec:
  listeners: [{name: http, host: 127.0.0.1, port: 8080}]
  workers: 1
  accessLog: {enabled: false}
  admin: {port: 0}
  metrics: {host: 127.0.0.1, port: 0}
---
apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants:
    - {name: stable, weight: ${weights[0]}, urls: ["http://127.0.0.1:${stable.port}"]}
    - {name: canary, weight: ${weights[1]}, urls: ["http://127.0.0.1:${canary.port}"]}
`
const folder = (n: number) => {
  const path = join(dir, String(n))
  mkdirSync(path, { recursive: true })
  return path
}
const programs = await Promise.all([0, 1].map((n) => Program.start(folder(n), config([90, 10]))))
const kept = new OpenLoop({ port: 8080, perSecond: 250, timeoutMs: 10_000 })
const fresh = new OpenLoop({ port: 8080, perSecond: 250, timeoutMs: 10_000, keepAlive: false })

const exits: (number | string)[] = []
await pause((seconds * 1000) / 4)
programs[0]!.reconfigure(config([50, 50]))
await pause((seconds * 1000) / 4)
for (const n of [0, 1]) {
  exits.push(await programs[n]!.stop())
  programs[n] = await Program.start(folder(n), config([50, 50]))
  await pause((seconds * 1000) / 8)
}
await pause((seconds * 1000) / 4)
const seen = { kept: await kept.stop(), fresh: await fresh.stop() }
const served = await Promise.all(
  programs.map(async (program) => (await program.gate('shop')).variants.reduce((sum, one) => sum + one.requests, 0)),
)
for (const program of programs) exits.push(await program.stop())
await Promise.all([stable.close(), canary.close()])
const bad = (list: typeof seen.kept) => list.filter(({ status }) => status !== 200)
console.log(
  JSON.stringify({
    requests: seen.kept.length + seen.fresh.length,
    failedKept: bad(seen.kept).length,
    failedFresh: bad(seen.fresh).length,
    examples: [...bad(seen.kept), ...bad(seen.fresh)].slice(0, 5),
    canaryShare:
      seen.kept.concat(seen.fresh).filter(({ variant }) => variant === 'canary').length /
      (seen.kept.length + seen.fresh.length),
    served,
    exits,
  }),
)
process.exit(0)
