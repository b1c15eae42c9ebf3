import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Decision } from '../../src/controller/release/outcome.ts'
import type { State } from '../../src/controller/release/state.ts'
import { disk } from '../../src/controller/store/files.ts'
import { FolderInUse, lockFolder } from '../../src/controller/store/lock.ts'
import { appendDecision, MAX_DECISIONS } from '../../src/controller/store/records.ts'
import { Store } from '../../src/controller/store/store.ts'
import { Edge, KEY, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

const GATE = parseGate({ steps: '[{weight: 100, minDuration: 0s}]' })
const gateFile = (dir: string): string => join(dir, 'gates', 'default.shop.json')

function folder(t: { teardown(act: () => void): void }): string {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A folder in which a release was promoted. */
async function promoted(dir: string): Promise<void> {
  const shop = await Process.start(new Edge(), dir, GATE)
  await shop.command('start', { revision: 'v2' })
  await shop.until('Succeeded')
  await shop.controller.close()
}

for (const [what, damage] of [
  ['torn', (text: string) => text.slice(0, text.length / 2)],
  ['empty', () => ''],
  ['edited', (text: string) => text.replace('"Succeeded"', '"Idle"')],
  ['foreign', () => '{"hello": "world"}\n'],
  ['of another gate', (text: string) => text],
] as const) {
  t.test(`a state file that is ${what} is set aside, loudly, and the gate starts as configured`, async (t) => {
    const dir = folder(t)
    await promoted(dir)
    const text = readFileSync(gateFile(dir), 'utf8')
    const file = what === 'of another gate' ? join(dir, 'gates', 'default.other.json') : gateFile(dir)
    writeFileSync(file, damage(text))
    const shop = await Process.start(new Edge(), dir, GATE)
    t.ok(readdirSync(join(dir, 'gates')).some((name) => name.startsWith(`${file.split('/').at(-1)}.broken-`)))
    t.ok(shop.edge.logs.some(({ level, message }) => level === 'error' && message.includes('set aside')))
    t.equal(shop.view.phase, what === 'of another gate' ? 'Succeeded' : 'Idle')
    await shop.controller.close()
  })
}

t.test(
  'the folder is made, also below one that is missing, and a relative path is one from the working directory',
  async (t) => {
    const dir = folder(t)
    const before = process.cwd()
    process.chdir(dir)
    t.teardown(() => process.chdir(before))
    const shop = await Process.start(new Edge(), './a/b/.streamgate', GATE)
    await shop.command('start')
    await shop.controller.close()
    t.ok(existsSync(gateFile(join(dir, 'a/b/.streamgate'))))
  },
)

t.test('history: newest first, bounded, each with its decisions, and read again by the next process', async (t) => {
  const dir = folder(t)
  // Four hundred waits for a disk would prove nothing more.
  const hasty = {
    ...disk,
    write: async (path: string, data: string) => writeFileSync(path, data),
    syncFolder: async () => {},
  }
  const shop = await Process.start(new Edge(), dir, GATE, hasty)
  for (let n = 1; n <= 103; n++) {
    await shop.command('start', { revision: `v${n}` })
    await shop.command('abort')
  }
  t.equal(readdirSync(join(dir, 'releases/default.shop')).length, 100)
  await shop.controller.close()
  const next = await Process.start(new Edge(), dir, GATE)
  const releases = next.controller.releases(KEY)!
  t.equal(releases.length, 101)
  t.match(releases.slice(0, 2), [
    { id: '103', phase: 'Aborted' },
    { id: '102', revision: 'v102', phase: 'Aborted' },
  ])
  t.ok(next.controller.release(KEY, '50')!.decisions.length >= 2)
  t.equal(next.controller.release(KEY, '1'), undefined)
  await next.controller.close()
})

t.test(
  'a full disk: commands are refused, traffic goes on, a bad candidate loses its weight, and it heals',
  async (t) => {
    const dir = folder(t)
    let full = false
    const write = (path: string, data: string) =>
      full
        ? Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
        : disk.write(path, data)
    const shop = await Process.start(new Edge(), dir, parseGate(), { ...disk, write })
    await shop.command('start')
    await shop.until('Progressing')
    full = true
    t.match(await shop.command('pause'), { ok: false, status: 503, code: 'store-unavailable' })
    t.equal(shop.view.phase, 'Progressing')
    const { step } = shop.view.release!
    await shop.edge.flow(10_000)
    t.equal(shop.view.release?.step, step, 'no step is taken that cannot be recorded')
    t.ok(shop.edge.logs.some(({ level, message }) => level === 'error' && message.includes('ENOSPC')))
    shop.edge.failing.canary = 1
    await shop.until('RolledBack', 20_000)
    t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
    full = false
    await shop.edge.flow(40_000)
    await shop.controller.close()
    const next = await Process.start(new Edge(), dir, parseGate())
    t.equal(next.view.phase, 'RolledBack', 'and was recorded when there was room again')
    await next.controller.close()
  },
)

t.test('a rollback by hand works on a full disk', async (t) => {
  const dir = folder(t)
  let full = false
  const write = (path: string, data: string) =>
    full
      ? Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
      : disk.write(path, data)
  const shop = await Process.start(new Edge(), dir, GATE, { ...disk, write })
  await shop.command('start')
  await shop.until('Succeeded')
  full = true
  t.match(await shop.command('rollback'), { ok: true, view: { phase: 'RolledBack', serving: 'stable' } })
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  await shop.controller.close()
})

t.test(
  'a real full disk',
  { skip: mountable() ? false : 'a small tmpfs cannot be mounted here (needs root)' },
  async (t) => {
    const dir = folder(t)
    const mounted = join(dir, 'small')
    mkdirSync(mounted)
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted])
    try {
      const shop = await Process.start(new Edge(), mounted, GATE)
      writeFileSync(join(mounted, 'filler'), Buffer.alloc(60 * 1024))
      t.match(await shop.command('start'), { ok: false, status: 503 })
      rmSync(join(mounted, 'filler'))
      t.match(await shop.command('start'), { ok: true })
      await shop.controller.close()
    } finally {
      spawnSync('umount', [mounted])
    }
  },
)

function mountable(): boolean {
  if (process.getuid?.() !== 0) return false
  const dir = stateFolder()
  try {
    const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status === 0
    if (made) spawnSync('umount', [dir])
    return made
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

t.test('a folder that cannot be written: traffic is served', async (t) => {
  const dir = folder(t)
  const file = join(dir, 'file')
  writeFileSync(file, '')
  const shop = await Process.start(new Edge(), join(file, 'state'), GATE)
  t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 })
  t.match(await shop.command('start'), { ok: false, status: 503, code: 'store-unavailable' })
  t.ok(shop.edge.logs.some(({ level, message }) => level === 'error' && message.includes('cannot be used')))
  await shop.controller.close()
})

t.test(
  'a folder that cannot be written by rights',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async (t) => {
    const dir = folder(t)
    chmodSync(dir, 0o500)
    t.teardown(() => chmodSync(dir, 0o700))
    const shop = await Process.start(new Edge(), dir, GATE)
    t.match(await shop.command('start'), { ok: false, status: 503 })
    await shop.controller.close()
  },
)

t.test('close never waits for a disk that does not answer', async (t) => {
  const dir = folder(t)
  let stuck = false
  const write = (path: string, data: string) => (stuck ? new Promise<void>(() => {}) : disk.write(path, data))
  const edge = new Edge()
  const shop = await Process.start(edge, dir, GATE, { ...disk, write }, () => stuck)
  stuck = true
  void shop.command('start')
  await settled()
  const closed = shop.controller.close()
  await settled()
  edge.clock.advance(10_000)
  await closed
  t.ok(edge.logs.some(({ message }) => message.includes('did not take the last writes')))
})

t.test('evidence older than the record is handed over too: whose it is, the driver tells', async (t) => {
  const { clock, log } = new Edge().environment()
  const store = new Store({ dir: folder(t), clock, log, claim: () => {} })
  const state = { phase: 'Idle' } as State
  const common = { gate: KEY, savedAtMs: 0, state, tally: { harmed: 0, rescued: 0 } }
  await store.checkpoint({ ...common, generation: 1, trial: null, harmLeft: 3 })
  await store.save({ ...common, generation: 2, over: {}, decisions: [] })
  t.match((await store.open()).get(KEY), { record: { generation: 2 }, checkpoint: { generation: 1, harmLeft: 3 } })
})

t.test('two processes never share a folder; the lock of a dead one is taken over', async (t) => {
  const dir = folder(t)
  const lock = new URL('../../src/controller/store/lock.ts', import.meta.url).href
  const child = spawn(process.execPath, [
    '-e',
    `import('${lock}').then(({ lockFolder }) => { lockFolder(process.argv[1]); console.log('held'); setInterval(() => {}, 1000) })`,
    dir,
  ])
  await once(child.stdout, 'data')
  t.throws(() => lockFolder(dir), FolderInUse)
  await t.rejects(Process.start(new Edge(), dir, GATE), {
    name: 'FolderInUse',
    message: new RegExp(`process ${child.pid}`),
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const release = lockFolder(dir)
  t.throws(() => lockFolder(dir), FolderInUse, 'nor twice in one process')
  release()
  t.notOk(existsSync(join(dir, 'lock')))
})

t.test('decisions of a release are bounded: the first and the latest stay', async (t) => {
  let all: Decision[] = []
  for (let n = 0; n < 2000; n++) all = appendDecision(all, { message: `${n}` } as Decision)
  t.equal(all.length, MAX_DECISIONS)
  t.equal(all[0]?.message, '0')
  t.equal(all.at(-1)?.message, '1999')
})
