import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PROBLEMS } from '../../src/admin/problem.ts'
import { VERBS } from '../../src/admin/views.ts'
import { createProgram } from '../../src/cli/program.ts'
import { VERBS as COMMANDS } from '../../src/cli/verbs.ts'
import { systemClock } from '../../src/clock.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../docs/reference', name), 'utf8')

t.test('the command line reference names every command and every option of its own', async (t) => {
  const text = read('cli.md')
  const silent = { write: () => {} }
  const context = { stdout: silent, stderr: silent, env: {}, clock: systemClock, version: () => '' }
  const never = async () => 0
  const program = createProgram({ ...context, startProgram: never, demo: never }, async () => {})
  for (const command of program.commands) {
    t.match(text, new RegExp(`\`${command.name()}\\b`), command.name())
    for (const { long } of command.options) {
      // `simulate` has a page of its own; `-c` and `-o` stand for their long forms.
      if (command.name() === 'simulate' || long === '--config' || long === '--output') continue
      t.ok(text.includes(long!), `${command.name()} ${long}`)
    }
  }
  t.same([...COMMANDS].sort(), [...VERBS].sort(), 'every verb of the API is a command')
})

t.test('the admin API reference names every code and verb', async (t) => {
  const text = read('admin-api.md')
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    t.match(text, new RegExp(`\`${code}\`.*\\| ${status} \\|`), code)
  }
  for (const verb of VERBS) t.ok(text.includes(`\`${verb}\``), verb)
})
