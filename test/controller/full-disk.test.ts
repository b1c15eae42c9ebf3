import { rmSync } from 'node:fs'
import t from 'tap'
import { disk, type Files } from '../../src/controller/store/files.ts'
import { Edge, KEY, Process, stateFolder } from './edge.ts'
import { parseGate } from './gate.ts'

t.test('a rollback that could not be recorded is not lost to the command after it', async (t) => {
  const dir = stateFolder()
  let full = false
  const files: Files = {
    ...disk,
    write: (path, data) =>
      full
        ? Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
        : disk.write(path, data),
  }
  const shop = await Process.start(new Edge(), dir, parseGate(), files)
  t.teardown(async () => {
    await shop.controller.close()
    rmSync(dir, { recursive: true })
  })
  await shop.command('start', { revision: 'v2' })
  await shop.until('Progressing')
  full = true
  t.match(await shop.command('rollback'), { ok: true, view: { phase: 'RolledBack' } })

  for (const verb of ['start', 'retry', 'pause']) {
    t.match(await shop.command(verb), { ok: false, status: 503, code: 'store-unavailable' }, verb)
  }
  t.match(await shop.controller.setWeights(KEY, { stable: 50, canary: 50 }, { force: true, who: 'ann' }), {
    ok: false,
    status: 503,
  })
  t.match(await shop.command('rollback'), { ok: true, message: /RolledBack/ }, 'nothing waits to give up a candidate')
  t.match(shop.view, { phase: 'RolledBack', release: { id: '1' }, weights: { stable: 100, canary: 0 } })

  full = false
  t.match(await shop.command('start', { revision: 'v3' }), { ok: true, view: { release: { id: '2', revision: 'v3' } } })
  t.match(shop.controller.releases(KEY), [{ id: '2' }, { id: '1', phase: 'RolledBack' }])
})
