import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scenario } from '../support/scenario.ts'

t.setTimeout(600_000)

const HOUR_MS = 3_600_000

t.test('the wall clock jumps by an hour, both ways: steps and bake take their time, no more and no less', async (t) => {
  const file = join(t.testdir({ offset: '0' }), 'offset')
  const s = await scenario(t, {
    env: {
      NODE_OPTIONS: `--import ${new URL('../support/wall-clock.ts', import.meta.url).href}`,
      WALL_OFFSET_FILE: file,
    },
    release: {
      steps: [
        { weight: 25, minDuration: '2s' },
        { weight: 100, minDuration: '3s' },
      ],
      bake: '3s',
    },
  })
  await s.done('start')
  await s.until(({ release }) => release!.step === 1)
  writeFileSync(file, String(HOUR_MS))
  let notYetMs = performance.now()
  await s.until(({ release }) => {
    if (release!.step < 2) notYetMs = performance.now()
    return release!.step === 2
  })
  writeFileSync(file, String(-HOUR_MS))
  t.match((await s.over()).release, { phase: 'Succeeded' })
  // Measured from before the step began to after the release ended: never less than it was.
  t.ok(performance.now() - notYetMs > 6000, 'the last step and the bake took their time')
  const times = (await s.record()).decisions.map(({ time }) => Date.parse(time))
  const steps = times.slice(1).map((time, i) => time - times[i]!)
  t.ok(Math.max(...steps) > HOUR_MS / 2 && Math.min(...steps) < -HOUR_MS / 2, 'people see the jumps')
  s.unharmed(t)
})
