import { rmSync } from 'node:fs'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { Environment } from '../../src/controller/index.ts'
import { Edge, KEY, Process, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

/** An edge whose totals the test sets. */
class CountingEdge extends Edge {
  readonly totals = { harmed: 0, rescued: 0 }

  override environment(clock?: Clock): Environment {
    const environment = super.environment(clock)
    return {
      ...environment,
      gate: (key) => {
        const gate = environment.gate(key)
        return gate && { ...gate, totals: () => ({ ...this.totals }) }
      },
    }
  }
}

t.test('requests that run when a release ends and fail after it are counted as its own', async (t) => {
  const dir = stateFolder()
  const edge = new CountingEdge()
  const shop = await Process.start(edge, dir, parseGate())
  t.teardown(async () => {
    await shop.controller.close()
    rmSync(dir, { recursive: true })
  })
  await shop.command('start', { revision: 'v2' })
  await shop.until('Progressing')
  edge.totals.harmed = 2
  edge.failing.canary = 0.5
  await shop.until('RolledBack')
  t.equal(shop.view.release?.harmedRequests, 2)
  edge.totals.harmed = 5
  t.equal(shop.view.release?.harmedRequests, 5, 'three of them ended late')

  edge.failing.canary = 0
  t.match(await shop.controller.setWeights(KEY, { stable: 90, canary: 10 }, { force: false, who: 'test' }), {
    ok: true,
  })
  edge.totals.harmed = 9
  t.equal(shop.view.release?.harmedRequests, 5, 'what is sent there by hand is no part of it')
  await shop.controller.setWeights(KEY, { stable: 100 }, { force: false, who: 'test' })
  t.equal(shop.view.release?.harmedRequests, 5)

  edge.totals.harmed = 10
  await shop.command('start', { revision: 'v3' })
  t.match(shop.controller.releases(KEY), [
    { id: '2', harmedRequests: 0 },
    { id: '1', harmedRequests: 6 },
  ])
})
