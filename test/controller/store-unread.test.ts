import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Environment } from '../../src/controller/index.ts'
import { disk, type Files } from '../../src/controller/store/files.ts'
import { FolderInUse, lockFolder } from '../../src/controller/store/lock.ts'
import { Edge, KEY, Process, settled, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

const GATE = parseGate({ steps: '[{weight: 100, minDuration: 0s}]' })
const OTHER = { ...GATE, metadata: { ...GATE.metadata, name: 'other' } }
const gateFile = (dir: string, name = 'shop'): string => join(dir, 'gates', `default.${name}.json`)
const failure = (code: string): Error => Object.assign(new Error(`${code}: no`), { code })

/** A folder in which a release was promoted: `canary` serves. */
async function promoted(t: { teardown(act: () => void): void }): Promise<string> {
  const dir = stateFolder()
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const shop = await Process.start(new Edge(), dir, GATE)
  await shop.command('start', { revision: 'v2' })
  await shop.until('Succeeded')
  await shop.controller.close()
  return dir
}

const unreadable = (name: string): Files => ({
  ...disk,
  read: (path) => (basename(path) === name ? Promise.reject(failure('EIO')) : disk.read(path)),
})

const errors = (edge: Edge): string =>
  edge.logs.flatMap((log) => (log.level === 'error' ? [log.message] : [])).join('\n')

t.test('a file that cannot be read costs no other gate its state', async (t) => {
  const dir = await promoted(t)
  // One that is listed before it, one after.
  for (const name of ['aaa', 'zzz']) {
    copyFileSync(gateFile(dir), gateFile(dir, name))
    const shop = await Process.start(new Edge(), dir, GATE, unreadable(`default.${name}.json`))
    t.match(shop.view, { phase: 'Succeeded', weights: { stable: 0, canary: 100 } })
    t.match(errors(shop.edge), `default.${name}.json cannot be read: EIO`)
    await shop.controller.close()
    rmSync(gateFile(dir, name))
  }
})

for (const [what, spoil, files] of [
  ['cannot be read', (text: string) => text, unreadable('default.shop.json')],
  ['is of a newer format', (text: string) => text.replace('{"streamgate":1,', '{"streamgate":2,'), disk],
  [
    'is in a folder that cannot be listed',
    (text: string) => text,
    { ...disk, list: () => Promise.reject(failure('EACCES')) },
  ],
  [
    'is damaged and cannot be set aside',
    (text: string) => text.slice(0, -9),
    { ...disk, rename: () => Promise.reject(failure('EROFS')) },
  ],
] as const) {
  t.test(`a gate's file that ${what} is never replaced, and that is said`, async (t) => {
    const dir = await promoted(t)
    const text = spoil(readFileSync(gateFile(dir), 'utf8'))
    writeFileSync(gateFile(dir), text)
    const shop = await Process.start(new Edge(), dir, GATE, files)
    t.strictSame(shop.edge.weights(), { stable: 100, canary: 0 }, 'served as configured')
    t.match(errors(shop.edge), /it goes unread|cannot be used/)
    for (const verb of ['start', 'start']) {
      t.match(await shop.command(verb), { ok: false, status: 503, code: 'store-unavailable' })
    }
    await shop.edge.flow(2000)
    t.match(errors(shop.edge), 'it is not replaced: mend it and start again, or move it away')
    await shop.controller.close()
    t.equal(readFileSync(gateFile(dir), 'utf8'), text)
    t.strictSame(readdirSync(join(dir, 'gates')), ['default.shop.json'])
  })
}

t.test('what could not be read at one start is there at the next', async (t) => {
  const dir = await promoted(t)
  const shop = await Process.start(new Edge(), dir, GATE, unreadable('default.shop.json'))
  await shop.command('start')
  await shop.controller.close()
  const next = await Process.start(new Edge(), dir, GATE)
  t.match(next.view, { phase: 'Succeeded', weights: { stable: 0, canary: 100 } })
  await next.controller.close()
})

t.test('moved away, the file stands in the way no more', async (t) => {
  const dir = await promoted(t)
  for (const files of [
    unreadable('nothing'),
    { ...disk, list: () => Promise.reject(failure('EACCES')) },
  ] satisfies Files[]) {
    writeFileSync(gateFile(dir), '{"streamgate":2,"sha256":"of another kind"}\n')
    const shop = await Process.start(new Edge(), dir, GATE, files)
    t.match(await shop.command('start'), { ok: false, status: 503 })
    renameSync(gateFile(dir), join(dir, 'kept'))
    t.match(await shop.command('start'), { ok: true })
    await shop.until('Succeeded', 60_000)
    await shop.controller.close()
    const next = await Process.start(new Edge(), dir, GATE)
    t.equal(next.view.phase, 'Succeeded', 'and all that followed is recorded')
    await next.controller.close()
  }
})

/** An edge with a second gate. */
class TwoGates extends Edge {
  readonly second = new Edge(this.clock)

  override environment(clock = this.ownClock): Environment {
    const environment = super.environment(clock)
    return { ...environment, gate: (key) => (key === KEY ? environment : this.second.environment()).gate(key) }
  }
}

t.test('a gate whose file cannot be replaced holds up no other', async (t) => {
  const dir = await promoted(t)
  renameSync(gateFile(dir), gateFile(dir, 'other'))
  const shop = await Process.start(new TwoGates(), dir, GATE, unreadable('default.other.json'))
  shop.controller.apply([GATE, OTHER])
  t.match(await shop.command('start'), { ok: true })
  // A disk that fails so often would be left alone for half a minute.
  for (let i = 0; i < 7; i++) {
    t.match(await shop.controller.command('default/other', 'start', {}, 'ann'), { status: 503 })
  }
  await shop.until('Succeeded', 15_000)
  await shop.controller.close()
})

t.test('evidence that cannot be read is gathered anew, and then kept again', async (t) => {
  const dir = await promoted(t)
  const trial = join(dir, 'trials/default.shop.json')
  writeFileSync(trial, '{"streamgate":2,"sha256":"of another kind"}\n')
  const shop = await Process.start(new Edge(), dir, parseGate())
  t.equal(shop.view.phase, 'Succeeded')
  await shop.command('start', { revision: 'v3' })
  await shop.until('Progressing')
  await shop.controller.close()
  t.match(readFileSync(trial, 'utf8'), '{"streamgate":1,')
})

t.test('a folder that takes no lock and no folder is read all the same', async (t) => {
  const dir = await promoted(t)
  mkdirSync(join(dir, 'lock'))
  for (const folder of ['trials', 'releases']) rmSync(join(dir, folder), { recursive: true })
  let readOnly = true
  const makeFolder = (path: string) => (readOnly ? Promise.reject(failure('EROFS')) : disk.makeFolder(path))
  const shop = await Process.start(new Edge(), dir, GATE, { ...disk, makeFolder })
  t.match(shop.view, { phase: 'Succeeded', weights: { stable: 0, canary: 100 } })
  t.match(errors(shop.edge), 'cannot be used (EISDIR')
  const text = readFileSync(gateFile(dir), 'utf8')
  t.match(await shop.command('start', { revision: 'v3' }), { ok: false, status: 503 }, 'nothing is written without it')
  t.equal(readFileSync(gateFile(dir), 'utf8'), text)
  readOnly = false
  rmSync(join(dir, 'lock'), { recursive: true })
  t.match(await shop.command('start', { revision: 'v3' }), { ok: true })
  t.throws(() => lockFolder(dir), FolderInUse, 'and with it, all is as ever')
  t.ok(existsSync(join(dir, 'trials')))
  await shop.controller.close()
})

t.test(
  'a disk that came back read-only: what was promoted goes on serving',
  { skip: process.getuid?.() === 0 ? false : 'a tmpfs cannot be mounted here (needs root)' },
  async (t) => {
    const from = await promoted(t)
    const dir = stateFolder()
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir]).status !== 0) {
      return t.pass('no mount here')
    }
    try {
      mkdirSync(join(dir, 'gates'))
      copyFileSync(gateFile(from), gateFile(dir))
      t.equal(spawnSync('mount', ['-o', 'remount,ro', dir]).status, 0)
      const shop = await Process.start(new Edge(), dir, GATE)
      t.match(shop.view, { phase: 'Succeeded', weights: { stable: 0, canary: 100 } })
      t.match(await shop.command('start'), { ok: false, status: 503, code: 'store-unavailable' })
      t.equal(spawnSync('mount', ['-o', 'remount,rw', dir]).status, 0)
      t.match(await shop.command('start'), { ok: true })
      // While evidence is being written the folder is busy.
      await settled()
      t.equal(spawnSync('mount', ['-o', 'remount,ro', dir]).status, 0)
      await t.resolves(shop.controller.close(), 'closing needs no disk')
    } finally {
      spawnSync('umount', [dir])
    }
  },
)
