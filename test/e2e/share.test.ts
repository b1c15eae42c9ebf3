import autocannon from 'autocannon'
import t from 'tap'
import { Backend } from '../support/backend.ts'
import { configOf, Program } from './support/program.ts'

const LONG = process.env.STREAMGATE_LONG === '1'
const REQUESTS = LONG ? 100_000 : 20_000

t.setTimeout(300_000)

t.test('the share of 64 connections is the weight, and a new weight holds at once in all workers', async (t) => {
  const stable = new Backend({ name: 'stable' })
  const canary = new Backend({ name: 'canary' })
  await Promise.all([stable.start(), canary.start()])
  const program = await Program.start(
    t.testdir({}),
    configOf(`apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants:
    - {name: stable, weight: 90, urls: ["http://127.0.0.1:${stable.port}"]}
    - {name: canary, weight: 10, urls: ["http://127.0.0.1:${canary.port}"]}
`),
  )
  t.teardown(async () => {
    await program.stop()
    await Promise.all([stable.close(), canary.close()])
  })

  await t.test(`${REQUESTS} requests at 90/10`, async (t) => {
    const result = await autocannon({
      url: `http://127.0.0.1:${program.ports.http}/`,
      connections: 64,
      amount: REQUESTS,
    })
    t.equal(result.errors + result.non2xx, 0)
    t.equal(stable.requests + canary.requests, REQUESTS)
    const percent = (canary.requests / REQUESTS) * 100
    t.ok(Math.abs(percent - 10) <= 0.1, `${percent} % of 10 %`)
  })

  await t.test('weight changes under load: never a request to a variant whose weight is 0', async (t) => {
    const load = autocannon({ url: `http://127.0.0.1:${program.ports.http}/`, connections: 32, duration: 60 })
    const changes = LONG ? 100 : 20
    for (let i = 0; i < changes; i++) {
      const off = i % 2 === 0 ? canary : stable
      const weights = i % 2 === 0 ? { stable: 100, canary: 0 } : { stable: 0, canary: 100 }
      const answer = await program.api('PUT', '/v1/gates/default/shop/weights', { weights })
      t.equal(answer.status, 200, answer.body)
      // Requests that were split before the answer may still arrive: they have all arrived once none is in flight that began before.
      await new Promise((done) => setTimeout(done, 5))
      const gate = await program.gate('shop')
      t.equal(gate.variants.find(({ name }) => name === off.name)?.weight, 0)
      await program.until('shop', (view) => view.variants.find(({ name }) => name === off.name)?.inFlight === 0)
      const before = off.requests
      await new Promise((done) => setTimeout(done, 60))
      t.equal(off.requests, before, `no request to ${off.name} any more`)
    }
    ;(load as unknown as { stop(): void }).stop()
    const result = await load
    t.equal(result.errors + result.non2xx, 0)
  })
})
