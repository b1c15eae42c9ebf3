import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import t from 'tap'
import { seededRandom } from '../../src/random.ts'
import { stateFolder } from './edge.ts'

t.setTimeout(180_000)
const CHILD = new URL('./child.ts', import.meta.url).pathname

t.test(
  'killed with SIGKILL at random instants, a release goes on where it was and takes each step once',
  { timeout: 180_000 },
  async (t) => {
    const dir = stateFolder()
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const random = seededRandom(3)
    const told: string[] = []
    let record: string[] | undefined
    for (let life = 0; record === undefined && life < 8; life++) {
      const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'ignore'] })
      t.teardown(() => child.kill('SIGKILL'))
      const exited = once(child, 'exit')
      // The last life is left alone, so that the test ends on any machine.
      const killAfter = life < 4 ? Math.floor(random() * 3) : Number.POSITIVE_INFINITY
      let lines = 0
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.startsWith('record ')) record = JSON.parse(line.slice('record '.length))
        else if (line !== 'up') told.push(line)
        if (lines++ >= killAfter) child.kill('SIGKILL')
      }
      await exited
    }
    const distinct = (list: string[]) => list.filter((one, index) => one !== list[index - 1])
    const ORDER = ['Preparing 0', 'Progressing 1', 'Progressing 2', 'Progressing 3', 'Promoting 3', 'Succeeded 3']
    t.strictSame(distinct(record ?? []), ORDER)
    t.ok(
      told.every((one) => record?.includes(one)),
      'what was told is in the record',
    )
    t.strictSame(
      told.filter((one) => one === 'Progressing 2'),
      ['Progressing 2'].slice(0, told.filter((one) => one === 'Progressing 2').length),
      'no step twice',
    )
  },
)
