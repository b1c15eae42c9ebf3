import { rmSync } from 'node:fs'
import t from 'tap'
import { Edge, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

t.test('a gate that leaves the configuration and comes back goes on with its evidence and its time', async (t) => {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true }))
  const edge = new Edge()
  const gate = parseGate({ steps: '[{weight: 50, minDuration: 60s, minRequests: 2000}, {weight: 100}]' })
  const shop = await Process.start(edge, dir, gate)
  await shop.command('start')
  await shop.until('Progressing')
  await edge.flow(57_000)
  shop.controller.apply([])
  t.equal(shop.view, undefined)
  await settled()
  edge.clock.advance(3_600_000)
  shop.controller.apply([gate])
  t.match(shop.view, { phase: 'Progressing', release: { step: 1 } })
  const backMs = edge.clock.nowMs()
  for (let i = 0; i < 700 && shop.view.release?.step === 1; i++) await edge.flow(100)
  const neededMs = edge.clock.nowMs() - backMs
  t.ok(neededMs < 12_000, `${neededMs} ms, not the whole minute`)
  t.ok(neededMs >= 2500, `${neededMs} ms: what was not seen does not count`)
  await shop.controller.close()
})
