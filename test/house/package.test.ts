import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

const root = resolve(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

t.test('the lockfile names no registry', async (t) => {
  t.notMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved": "https?:/)
})

t.test('bin/streamgate runs with the pinned Node, from anywhere and through a symbolic link', async (t) => {
  const cwd = t.testdir({})
  const link = join(cwd, 'sg')
  symlinkSync(join(root, 'bin/streamgate'), link)
  const { stdout, stderr, status } = spawnSync(link, ['version', '-o', 'json'], { cwd, encoding: 'utf8' })
  t.equal(status, 0, stderr)
  const version = JSON.parse(stdout)
  t.equal(version.version, manifest.version)
  t.equal(version.node, `v${manifest.dependencies.node}`)
})
