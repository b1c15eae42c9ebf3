import { rmSync } from 'node:fs'
import t from 'tap'
import { disk, type Files } from '../../src/controller/store/files.ts'
import { Edge, KEY, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

// A busy machine takes its time.
t.setTimeout(120_000)

/** The disk of a process that is killed just before or just after its n-th operation: nothing that it does later happens. */
class DyingDisk {
  left: number
  readonly half: boolean
  dead = false

  constructor(left: number, half: boolean) {
    this.left = left
    this.half = half
  }

  /** What a dead process awaits never comes. */
  async #live<T>(act: () => Promise<T>): Promise<T> {
    if (this.dead) return new Promise(() => {})
    if (this.left-- > 0) return act()
    this.dead = true
    if (this.half) await act()
    return new Promise(() => {})
  }

  files(): Files {
    return {
      makeFolder: (path) => this.#live(() => disk.makeFolder(path)),
      list: (path) => this.#live(() => disk.list(path)),
      read: (path) => this.#live(() => disk.read(path)),
      // Killed in the middle of a write: half a file.
      write: (path, data) => this.#live(() => disk.write(path, this.dead ? data.slice(0, data.length / 2) : data)),
      rename: (from, to) => this.#live(() => disk.rename(from, to)),
      syncFolder: (path) => this.#live(() => disk.syncFolder(path)),
      remove: (path) => this.#live(() => disk.remove(path)),
    }
  }
}

const GATE = parseGate({ steps: '[{weight: 50, minDuration: 1s}, {weight: 100, minDuration: 1s}]' })
const ORDER = ['Preparing 0', 'Progressing 1', 'Progressing 2', 'Promoting 2', 'Succeeded 2']

/** Runs a release, killed after n operations of the disk, and again to its end. */
async function killedAfter(
  n: number,
  half: boolean,
): Promise<{ told: string[]; kept: string[]; died: boolean; edge: Edge }> {
  const dir = stateFolder()
  try {
    const edge = new Edge()
    const dying = new DyingDisk(n, half)
    // It dies when it likes; before the folder is read there is nothing to see.
    const first = new Process(edge, dir, dying.files(), () => dying.dead)
    const starting = first.controller.start()
    let started = false
    void starting.then(() => {
      started = true
    })
    while (!started && !dying.dead) await new Promise((resolve) => setImmediate(resolve))
    if (!dying.dead) {
      first.controller.apply([GATE])
      void first.command('start', { revision: 'v2' })
      for (let i = 0; i < 200 && !dying.dead && first.view.phase !== 'Succeeded'; i++) await edge.flow(100, 200)
    }
    const died = dying.dead
    const before = first.decisions.map(({ phase, step }) => `${phase} ${step}`)
    first.abandon()
    edge.boot()

    const second = await Process.start(edge, dir, GATE)
    if (second.view.phase === 'Idle') await second.command('start', { revision: 'v2' })
    await second.until('Succeeded', 120_000, 200)
    const kept = second.controller.release(KEY, '1')!.decisions.map(({ phase, step }) => `${phase} ${step}`)
    await second.controller.close()
    return { told: before, kept, died, edge }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const distinct = (list: readonly string[]): string[] => list.filter((one, index) => one !== list[index - 1])

t.test(
  'killed before, in the middle of or after any write, a release takes each step once and loses nothing that it told',
  async (t) => {
    let n = 0
    for (let died = true; died; n++) {
      for (const half of [false, true]) {
        const { told, kept, died: killed } = await killedAfter(n, half)
        died = killed
        t.strictSame(distinct(kept), ORDER, `operation ${n}${half ? ', half done' : ''}: the record`)
        t.strictSame(distinct(told), ORDER.slice(0, distinct(told).length), `operation ${n}: what was told`)
        t.ok(
          told.every((one) => kept.includes(one)),
          `operation ${n}: nothing told is lost`,
        )
      }
    }
    t.ok(n > 15, `${n} operations were interrupted`)
  },
)

t.test('killed between weight 0 and its record: the candidate is convicted again', async (t) => {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true }))
  const edge = new Edge()
  const dying = new DyingDisk(Number.POSITIVE_INFINITY, false)
  const first = await Process.start(edge, dir, GATE, dying.files(), () => dying.dead)
  await first.command('start', { revision: 'v3' })
  await first.until('Progressing')
  dying.left = 0
  edge.failing.canary = 1
  for (let i = 0; i < 50 && edge.weights().canary !== 0; i++) await edge.flow(100)
  t.strictSame(edge.weights(), { stable: 100, canary: 0 }, 'weight 0 did not wait for the disk')
  t.notOk(
    first.decisions.some(({ phase }) => phase === 'RolledBack'),
    'and nothing was told yet',
  )
  first.abandon()
  edge.boot()
  const second = await Process.start(edge, dir, GATE)
  t.match(second.view, { phase: 'Progressing', weights: { canary: 50 } })
  await second.until('RolledBack')
  t.equal(second.controller.releases(KEY)?.length, 1)
  await second.controller.close()
})

t.test('evidence and time survive: a step that was nearly done is not done again', async (t) => {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true }))
  const edge = new Edge()
  const gate = parseGate({ steps: '[{weight: 50, minDuration: 60s, minRequests: 2000}, {weight: 100}]' })
  const dying = new DyingDisk(Number.POSITIVE_INFINITY, false)
  const first = await Process.start(edge, dir, gate, dying.files(), () => dying.dead)
  await first.command('start')
  await first.until('Progressing')
  await edge.flow(57_000)
  dying.left = 0
  first.abandon()
  edge.boot()
  const second = await Process.start(edge, dir, gate)
  t.match(second.view, { phase: 'Progressing', release: { step: 1 } })
  const resumedMs = edge.clock.nowMs()
  for (let i = 0; i < 600 && second.view.release?.step === 1; i++) await edge.flow(100)
  const neededMs = edge.clock.nowMs() - resumedMs
  t.ok(neededMs < 12_000, `${neededMs} ms, not the whole minute`)
  t.ok(neededMs >= 3000, `${neededMs} ms: what was not seen does not count`)
  await settled()
  await second.controller.close()
})
