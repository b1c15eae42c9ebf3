import { execFileSync, spawnSync } from 'node:child_process'
import t from 'tap'
import { EventParser } from '../../src/cli/sse.ts'
import { cli } from './harness.ts'

t.test('bash completes commands, options and values', async (t) => {
  const { code, out } = await cli(['completion', 'bash'])
  t.equal(code, 0)
  if (spawnSync('bash', ['--version']).error) return t.comment('no bash here')
  const complete = (...words: string[]): string[] => {
    const line = words.map((word) => `'${word}'`).join(' ')
    const script = `${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _streamgate; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n')
  }
  t.same(complete('streamgate', 'sta'), ['status', 'start'])
  t.same(complete('streamgate', 'status', '--wa'), ['--watch'])
  t.same(complete('streamgate', 'status', '-o', ''), ['json', 'yaml', 'wide'])
  t.same(complete('streamgate', 'setup', 'h'), ['hpa'])
  t.same(complete('streamgate', 'completion', ''), ['bash', 'zsh', 'fish'])
  t.ok(complete('streamgate', 'check', import.meta.filename.slice(0, -3)).includes(import.meta.filename))
  t.same(complete('streamgate', 'deploy', 'shop', '--step', ''), [''])
})

t.test('zsh and fish know every command and option', async (t) => {
  const help = (await cli(['--help'])).out
  const names = [...help.matchAll(/^ {2}([a-z]+) (?:\[|<)/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== 'help')
  for (const shell of ['zsh', 'fish']) {
    const { code, out } = await cli(['completion', shell])
    t.equal(code, 0)
    for (const name of names) t.match(out, new RegExp(`\\b${name}\\b`), `${shell}: ${name}`)
    t.match(out, shell === 'zsh' ? '--wait-timeout[' : '-l wait-timeout')
    t.match(out, shell === 'zsh' ? "'history:a gate'\\''s releases" : "'a gate\\'s releases")
    if (!spawnSync(shell, ['--version']).error) execFileSync(shell, ['-n'], { input: out })
  }
})

t.test('an event stream in any pieces gives the same events', async (t) => {
  const text =
    ': hello\n\nevent: gate\ndata: {"a":1}\n\ndata: x\ndata: y\r\n\r\nevent: lone\n\nevent: decision\ndata:z\n\ndata: cut'
  const expected = [
    { event: 'gate', data: '{"a":1}' },
    { event: 'message', data: 'x\ny' },
    { event: 'decision', data: 'z' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventParser()
    const events = []
    for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)))
    t.same(events, expected, `pieces of ${size}`)
  }
})
