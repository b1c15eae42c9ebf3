import { rmSync } from 'node:fs'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { Environment } from '../../src/controller/index.ts'
import { Edge, KEY, Process, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

/** An edge that notes the ends of releases that are counted. */
class MeteredEdge extends Edge {
  ends: string[] = []

  override environment(clock?: Clock): Environment {
    const environment = super.environment(clock)
    const telemetry: Environment['telemetry'] = {
      ...environment.telemetry,
      releaseEnded: (_gate, _strategy, result) => void this.ends.push(result),
    }
    return { ...environment, telemetry }
  }
}

t.test('an end of a release is counted once, whatever is decided after it', async (t) => {
  const dir = stateFolder()
  const edge = new MeteredEdge()
  let shop = await Process.start(edge, dir, parseGate())
  t.teardown(async () => {
    await shop.controller.close()
    rmSync(dir, { recursive: true })
  })
  const set = (canary: number) =>
    shop.controller.setWeights(KEY, { stable: 100 - canary, canary }, { force: false, who: 'ann' })

  await shop.command('start')
  await shop.until('Succeeded')
  t.strictSame(edge.ends, ['Succeeded'])
  edge.readiness.stable = { ready: 0, total: 1 }
  t.match(await shop.command('rollback'), { ok: true, view: { phase: 'Succeeded' } })
  t.equal(shop.decisions.at(-1)?.reason, 'Manual')
  t.strictSame(edge.ends, ['Succeeded'], 'a rollback that waits for its variant is no end')
  await edge.flow(200)
  edge.readiness.stable = { ready: 1, total: 1 }
  await shop.until('RolledBack')
  t.strictSame(edge.ends, ['Succeeded', 'RolledBack'])

  t.match(await set(20), { ok: true })
  t.match(await shop.command('rollback'), { ok: true, view: { weights: { stable: 100, canary: 0 } } })
  t.strictSame(edge.ends, ['Succeeded', 'RolledBack'], 'weights by hand, and back to 0, are no ends')

  await shop.controller.close()
  edge.boot()
  shop = await Process.start(edge, dir, parseGate())
  t.match(await set(20), { ok: true })
  t.match(await shop.command('rollback'), { ok: true, view: { weights: { stable: 100, canary: 0 } } })
  t.strictSame(edge.ends, ['Succeeded', 'RolledBack'], 'nor are they in the next process')

  await shop.command('start')
  await shop.until('Progressing')
  await shop.command('abort')
  t.strictSame(edge.ends, ['Succeeded', 'RolledBack', 'Aborted'])
})
