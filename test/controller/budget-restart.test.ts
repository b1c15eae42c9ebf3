import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { Environment, GateEnvironment } from '../../src/controller/index.ts'
import { revive } from '../../src/controller/revive.ts'
import { disk, type Files } from '../../src/controller/store/files.ts'
import type { Checkpoint, GateRecord } from '../../src/controller/store/records.ts'
import { SPECIMENS } from '../release/specimens.ts'
import { policyWith } from '../release/world.ts'
import { Edge, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

/** An edge that counts failed answers for the record, too. */
class CountingEdge extends Edge {
  harmed = 0

  override environment(clock?: Clock): Environment {
    const environment = super.environment(clock)
    const gate = (key: string): GateEnvironment => ({
      ...environment.gate(key)!,
      totals: () => ({ harmed: this.harmed, rescued: 0 }),
    })
    return { ...environment, gate }
  }
}

for (const lost of [false, true]) {
  const how = lost ? 'its evidence lost' : 'by its evidence'
  t.test(`killed just after a step was recorded: the harm budget does not begin anew (${how})`, async (t) => {
    const dir = stateFolder()
    t.teardown(() => rmSync(dir, { recursive: true }))
    const gate = parseGate({
      spec: '  analysis: {harmBudget: 2}',
      steps: '[{weight: 5, minDuration: 1s}, {weight: 100, minDuration: 60s}]',
    })
    let dead = false
    const files = Object.fromEntries(
      Object.entries(disk).map(([name, act]: [string, (...args: never[]) => Promise<unknown>]) => [
        name,
        (...args: never[]) => (dead ? new Promise(() => {}) : act(...args)),
      ]),
    ) as unknown as Files
    const edge = new CountingEdge()
    const first = await Process.start(edge, dir, gate, files, () => dead)
    await first.command('start')
    await first.until('Progressing')
    edge.harm()
    // Each on its own: what the evidence says, and what the record does.
    if (lost) edge.harmed = 1
    while (first.view.release?.step === 1) await edge.flow(100)
    await settled()
    dead = true
    first.abandon()
    if (lost) rmSync(join(dir, 'trials'), { recursive: true })
    edge.harmed = 0
    edge.boot()
    const second = await Process.start(edge, dir, gate)
    t.match(second.view, { phase: 'Progressing', release: { step: 2 } })
    edge.harm()
    await edge.flow(200)
    t.match(second.view.release, { phase: 'RolledBack', reason: 'HarmBudget' })
    await second.controller.close()
  })
}

t.test('evidence that is older than the record counts for the same trial; its times and counts do not', async (t) => {
  const { state } = SPECIMENS.Progressing()
  const record: GateRecord = {
    gate: 'default/shop',
    generation: 5,
    savedAtMs: 1000,
    state,
    over: {},
    decisions: [],
    tally: { harmed: 3, rescued: 0 },
  }
  const trial = { of: { trial: '1.1', mark: 1 } } as Checkpoint['trial']
  const checkpoint: Checkpoint = {
    gate: 'default/shop',
    generation: 4,
    savedAtMs: 600,
    state,
    trial,
    tally: { harmed: 2, rescued: 0 },
    harmLeft: 7,
  }
  const revived = (changes: Partial<Checkpoint> | undefined) =>
    revive('default/shop', policyWith(), { record, checkpoint: changes && { ...checkpoint, ...changes } }, 1000)
  const older = revived({})
  t.match(older.known, { of: '1.1', trial, harmLeft: 7, harmed: 3 })
  t.strictSame(older.record.tally, record.tally)
  t.strictSame(older.record.state, state, 'no time has passed since the record')
  t.strictSame(revived({ generation: 5 }).record.tally, checkpoint.tally)
  t.match(revived({ trial: { ...trial!, of: { trial: '1.2', mark: 1 } } }).known, { trial: undefined, harmed: 3 })
  t.match(revived(undefined).known, { of: '1.1', trial: undefined, harmLeft: null, harmed: 3 })
  const other = {
    ...state,
    release: { ...(state as { release: object }).release, startedAt: 'before' },
  } as typeof state
  t.match(revived({ state: other }).known, { trial: undefined, harmLeft: null }, 'another release of the same id')
})
