import t from 'tap'
import { Due } from '../../src/app/due.ts'
import { ManualClock } from '../support/manual-clock.ts'

t.test('work that failed is due again after a pause, until it succeeds', async (t) => {
  const clock = new ManualClock(0)
  const errors: string[] = []
  let fails = 2
  let done = 0
  const work = async () => {
    if (fails-- > 0) throw new Error('no')
    done++
  }
  const due = new Due(clock, work, (error) => errors.push(error.message))
  t.equal(due.due, false, 'nothing was asked for')
  await due.run()
  t.equal(due.due, false, 'not at once')
  clock.advance(5000)
  t.equal(due.due, true)
  due.taken()
  t.equal(due.due, false, 'once is enough')
  await due.run()
  clock.advance(5000)
  t.equal(due.due, true, 'it failed anew')
  await due.run()
  clock.advance(60_000)
  t.equal(due.due, false)
  t.same([done, errors], [1, ['no', 'no']])
})
