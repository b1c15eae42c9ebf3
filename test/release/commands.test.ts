import t from 'tap'
import { cell, EVENTS, table } from '../../scripts/transitions.ts'
import { type State, standingOf } from '../../src/controller/release/state.ts'
import { SPECIMENS } from './specimens.ts'

/** Every verb in every phase: the phase that follows, or the code of the refusal; `=` changes nothing and is no mistake. */
const EXPECTED = `
verb             | Idle               | Preparing       | Progressing     | Paused          | Promoting       | Succeeded          | RolledBack         | Aborted
start            | Preparing          | release-running | release-running | release-running | release-running | Preparing          | Preparing          | Preparing
pause            | no-release-running | Paused          | Paused          | already-paused  | promoting       | no-release-running | no-release-running | no-release-running
resume           | no-release-running | not-paused      | not-paused      | Progressing     | not-paused      | no-release-running | no-release-running | no-release-running
skip             | no-release-running | preparing       | Progressing     | Progressing     | promoting       | no-release-running | no-release-running | no-release-running
promote          | no-release-running | not-ready       | Promoting       | Promoting       | =               | no-release-running | no-release-running | no-release-running
abort            | no-release-running | Aborted         | Aborted         | Aborted         | Aborted         | no-release-running | no-release-running | no-release-running
rollback         | nothing-to-roll-back | RolledBack    | RolledBack      | RolledBack      | RolledBack      | RolledBack         | =                  | =
retry            | nothing-to-retry   | release-running | release-running | release-running | release-running | nothing-to-retry   | Preparing          | Preparing
weights by hand  | Idle               | release-running | release-running | release-running | release-running | Succeeded          | RolledBack         | Aborted
weights, forced  | Idle               | Paused          | Paused          | Paused          | promoting       | Succeeded          | RolledBack         | Aborted
`

const rows = EXPECTED.trim()
  .split('\n')
  .map((line) => line.split('|').map((word) => word.trim()))
const phases = rows[0]!.slice(1) as State['phase'][]

for (const [verb, ...cells] of rows.slice(1)) {
  t.test(`${verb} in every phase`, async (t) => {
    const event = EVENTS.find(({ name }) => name.replaceAll('`', '') === verb)!
    for (const [index, expected] of cells.entries()) {
      const phase = phases[index]!
      const world = SPECIMENS[phase]()
      t.equal(world.state.phase, phase, `the specimen is ${phase}`)
      const before = world.state
      const { state, effects, decision, refusal } = world.look(event.happen(world))
      const is = refusal?.code ?? (state === before ? '=' : state.phase)
      t.equal(is, expected, `${verb} in ${phase}`)
      if (state === before) t.strictSame([effects, decision], [[], undefined], 'nothing is done')
      else t.ok(decision?.message.includes('ann'), 'the record says who')
    }
  })
}

t.test('the table of transitions has every phase and every event', async (t) => {
  const text = table()
  t.equal(text.split('\n').length, EVENTS.length + 2)
  t.equal(
    cell('Progressing', EVENTS.find(({ name }) => name === 'convicted')!),
    '**RolledBack** ErrorRate (SetWeights)',
  )
})

t.test('rollback takes back weights that were set by hand after a release that did not succeed', async (t) => {
  for (const phase of ['RolledBack', 'Aborted'] as const) {
    const world = SPECIMENS[phase]()
    const { serving, candidate } = standingOf(world.state).roles
    world.look({ verb: 'weights', who: 'ann', weightsBps: { [serving]: 4000, [candidate]: 6000 }, force: false })
    const { state, decision, refusal } = world.look({ verb: 'rollback', who: 'bob' })
    t.equal(refusal, undefined)
    t.equal(state.phase, phase)
    t.same((state as { restBps?: object }).restBps, { [serving]: 10_000, [candidate]: 0 })
    t.match(decision, { reason: 'Manual', message: `bob rolled back: ${serving} has the traffic` })
  }
})
