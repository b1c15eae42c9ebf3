import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/clock.ts'
import { ConfigWatcher } from '../../src/config/watch.ts'

/** Only events, so that the poll hides no event that does not come. */
const eventsOnly: Clock = { ...systemClock, every: () => () => {} }

/** A started watcher, and the next change of content as a promise. */
function watching(t: Test, paths: string[], clock: Clock = eventsOnly) {
  let changes = 0
  let waiting: (() => void) | undefined
  const watcher = new ConfigWatcher({
    paths,
    clock,
    onChange() {
      changes++
      waiting?.()
    },
  })
  watcher.start()
  t.teardown(() => watcher.close())
  return {
    watcher,
    changes: () => changes,
    /** Resolves when `change` was noticed. The interval keeps the process alive: the watcher does not. */
    async after(change: () => void): Promise<void> {
      const alive = setInterval(() => {}, 1000)
      const noticed = new Promise<void>((resolve) => {
        waiting = resolve
      })
      change()
      await noticed
      clearInterval(alive)
    },
  }
}

/** Only the poll, by hand: events do not count, since nothing that they start ever ends. */
function pollOnly(): Clock & { poll(): void } {
  let poll = (): void => {}
  return {
    ...systemClock,
    every(_ms, callback) {
      poll = callback
      return () => {
        poll = () => {}
      }
    },
    after: () => () => {},
    poll: () => poll(),
  }
}

t.test('a file that is written in place', async (t) => {
  const file = join(t.testdir({ 'a.yaml': '1' }), 'a.yaml')
  const { after } = watching(t, [file])
  await after(() => writeFileSync(file, '2'))
  await after(() => writeFileSync(file, '3'))
})

t.test('a file that an editor saves by rename', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1' })
  const file = join(dir, 'a.yaml')
  const { after } = watching(t, [file])
  for (const content of ['2', '3']) {
    await after(() => {
      renameSync(file, `${file}~`)
      writeFileSync(file, content)
    })
    await after(() => {
      writeFileSync(`${file}.tmp`, `${content} by atomic replacement`)
      renameSync(`${file}.tmp`, file)
    })
  }
})

t.test('a file that is deleted and made again', async (t) => {
  const file = join(t.testdir({ 'a.yaml': '1' }), 'a.yaml')
  const { after } = watching(t, [file])
  await after(() => rmSync(file))
  await after(() => writeFileSync(file, '1'))
})

t.test('files that come into a folder and go', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1' })
  const { after } = watching(t, [dir])
  await after(() => writeFileSync(join(dir, 'b.yaml'), '2'))
  await after(() => rmSync(join(dir, 'a.yaml')))
})

t.test("Kubernetes' swap of the ..data link, for a folder and for a file in it", async (t) => {
  for (const name of ['', 'a.yaml']) {
    const dir = t.testdir({ '..1': { 'a.yaml': '1' } })
    symlinkSync('..1', join(dir, '..data'))
    symlinkSync('..data/a.yaml', join(dir, 'a.yaml'))
    const { after } = watching(t, [join(dir, name)])
    for (const version of ['2', '3']) {
      await after(() => {
        mkdirSync(join(dir, `..${version}`))
        writeFileSync(join(dir, `..${version}`, 'a.yaml'), version)
        symlinkSync(`..${version}`, join(dir, '..data_tmp'))
        renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
        rmSync(join(dir, `..${Number(version) - 1}`), { recursive: true })
      })
    }
  }
})

t.test('a folder that is replaced as a whole', async (t) => {
  const dir = join(t.testdir({ conf: { 'a.yaml': '1' } }), 'conf')
  const { after } = watching(t, [dir])
  await after(() => {
    renameSync(dir, `${dir}.old`)
    mkdirSync(dir)
    writeFileSync(join(dir, 'a.yaml'), '2')
  })
  await after(() => writeFileSync(join(dir, 'a.yaml'), '3'))
})

t.test('files that the configuration names, even if they are not there yet', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1', secrets: { old: 'x' } })
  const { watcher, after, changes } = watching(t, [join(dir, 'a.yaml')])
  watcher.follow([join(dir, 'secrets/old'), join(dir, 'secrets/new')])
  await after(() => writeFileSync(join(dir, 'secrets/new'), '1'))
  await after(() => writeFileSync(join(dir, 'secrets/old'), 'y'))
  t.equal(changes(), 2)
})

t.test('other files, and the same content again, are no change', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1' })
  const clock = pollOnly()
  const { changes } = watching(t, [dir], clock)
  writeFileSync(join(dir, 'notes.txt'), 'x')
  writeFileSync(join(dir, 'a.yaml'), '1')
  clock.poll()
  t.equal(changes(), 0)
  writeFileSync(join(dir, 'a.yaml'), '2')
  clock.poll()
  clock.poll()
  t.equal(changes(), 1)
})

t.test('what changes, comes or goes between load and follow is not lost', async (t) => {
  const changes: Record<string, (dir: string) => void> = {
    changed: (dir) => writeFileSync(join(dir, 'a.yaml'), '2'),
    came: (dir) => writeFileSync(join(dir, 'b.yaml'), '2'),
    went: (dir) => rmSync(join(dir, 'a.yaml')),
  }
  for (const [name, change] of Object.entries(changes)) {
    const dir = t.testdir({ 'a.yaml': '1' })
    const clock = pollOnly()
    const { watcher, changes } = watching(t, [dir], clock)
    change(dir)
    watcher.follow([join(dir, 'a.yaml')])
    clock.poll()
    t.equal(changes(), 1, name)
    watcher.follow([join(dir, 'a.yaml')])
    clock.poll()
    t.equal(changes(), 1, `${name}, told once`)
  }
})

t.test('a change between construction and start is not lost', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1' })
  const noticed = new Promise<void>((resolve) => {
    const watcher = new ConfigWatcher({ paths: [dir], clock: eventsOnly, onChange: resolve })
    t.teardown(() => watcher.close())
    writeFileSync(join(dir, 'a.yaml'), '2')
    watcher.start()
  })
  const alive = setInterval(() => {}, 1000)
  await noticed
  clearInterval(alive)
})

t.test('close ends it, also twice and before start', async (t) => {
  const dir = t.testdir({ 'a.yaml': '1' })
  const clock = pollOnly()
  const { watcher, changes } = watching(t, [dir], clock)
  watcher.close()
  watcher.close()
  writeFileSync(join(dir, 'a.yaml'), '2')
  clock.poll()
  t.equal(changes(), 0)
  new ConfigWatcher({ paths: [dir], clock, onChange() {} }).close()
})
