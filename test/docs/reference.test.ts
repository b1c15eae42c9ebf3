import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { file as architecture, withTransitions } from '../../scripts/architecture.ts'
import { file, withErrors } from '../../scripts/errors.ts'
import { REASONS } from '../../src/controller/index.ts'
import { METRICS } from '../../src/metrics/names.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test('the table of errors is the one of the code', async (t) => {
  const page = readFileSync(file, 'utf8')
  t.equal(withErrors(page), page, 'run: node scripts/errors.ts')
})

t.test('every metric and every reason is documented, and none that is not there', async (t) => {
  const metrics = read('docs/reference/metrics.md')
  const named = new Set([...metrics.matchAll(/^\| `(streamgate_\w+)` \|/gm)].map((match) => match[1]!))
  t.same(
    [...named].sort(),
    Object.values(METRICS)
      .map(([name]) => name)
      .sort(),
  )
  const releases = read('docs/reference/releases.md')
  const section = releases.slice(releases.indexOf('## Reasons'), releases.indexOf('## How it is judged'))
  const reasons = new Set([...section.matchAll(/`([A-Z][A-Za-z]+)`(?=[,| ])/g)].map((match) => match[1]!))
  for (const reason of REASONS) t.ok(reasons.has(reason), reason)
})

t.test('links between the pages lead somewhere', async (t) => {
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'docs/reference.md',
    'docs/reference/releases.md',
    'docs/reference/admin-api.md',
    'docs/reference/cli.md',
    'docs/reference/metrics.md',
  ]
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(root, dirname(page), target!)), `${page}: ${target}`)
    }
  }
})

t.test('the table of transitions is what decide() does', async (t) => {
  const page = readFileSync(architecture, 'utf8')
  t.equal(withTransitions(page), page, 'run: node scripts/architecture.ts')
})
