import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ConfigError, formatConfigError } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { mistakes } from './mistakes.ts'

t.test('every mistake is told with file, line, column, path and what is allowed', async (t) => {
  const dir = t.testdir({ 'short.token': 'abc\n', 'empty.key': '\n' })
  cpSync(new URL('fixtures', import.meta.url), dir, { recursive: true })
  const file = join(dir, 'f.yaml')
  for (const [name, text, errors] of mistakes) {
    writeFileSync(file, text)
    const result = loadConfig([file])
    const told = result.ok ? [] : result.errors.map(formatConfigError)
    t.strictSame(
      told.map((line) => line.replaceAll(`${dir}/`, '').replaceAll(dir, '.')),
      errors,
      name,
    )
  }
})

t.test('mistakes of several files and documents are told together, in order', async (t) => {
  const gate = (name: string, rest: string): string =>
    `apiVersion: streamgate.dev/v1alpha1\nkind: Gate\nmetadata: {name: ${name}}\nspec:\n  variants: [{name: a, urls: ["http://h:1"]}]\n${rest}`
  const dir = t.testdir({
    'a.yaml': `${gate('one', '  paths: [x]\n')}---\n${gate('two', '  zzz: 1\n')}`,
    'b.yaml': `${gate('Three', '  paths: [/three]\n')}---\nkind: [\n`,
    'c.json': JSON.stringify({ apiVersion: 'streamgate.dev/v1alpha1', kind: 'Gate', metadata: { name: 'four' } }),
  })
  const result = loadConfig([dir])
  const told = result.ok
    ? []
    : result.errors.map(({ file, line, path }) => `${file.slice(dir.length + 1)}:${line} ${path}`)
  t.strictSame(told, [
    'a.yaml:6 spec.paths[0]',
    'a.yaml:13 spec.zzz',
    'b.yaml:3 metadata.name',
    'b.yaml:9 ',
    'c.json:1 spec',
  ])
})

t.test('files that are no text', async (t) => {
  const dir = t.testdir({
    'binary.yaml': Buffer.from([0x61, 0x3a, 0x20, 0x00]),
    'latin1.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]),
    'large.yaml': `# ${'x'.repeat(1024 * 1024)}`,
    empty: {},
  })
  const told = (name: string): string[] => {
    const result = loadConfig([join(dir, name)])
    return result.ok ? [] : result.errors.map((error) => formatConfigError(error).slice(dir.length + 1))
  }
  t.strictSame(told('binary.yaml'), ['binary.yaml:1:1 must be text, and is a binary file'])
  t.strictSame(told('latin1.yaml'), ['latin1.yaml:1:1 must be text in UTF-8'])
  t.strictSame(told('large.yaml'), ['large.yaml:1:1 cannot be read: it is larger than 1 MiB: 1048578 bytes'])
  t.strictSame(told('empty'), ['empty:1:1 the folder holds no *.yaml, *.yml or *.json file'])
  t.match(
    formatConfigError((loadConfig(['/dev/zero']) as { errors: ConfigError[] }).errors[0]!),
    'it is no regular file',
  )
  t.strictSame(told('gone.yaml'), ['gone.yaml:1:1 cannot be read: no such file'])
})
