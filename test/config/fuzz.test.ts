import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { formatConfigError } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'

const dir = mkdtempSync(join(tmpdir(), 'streamgate-fuzz-'))
t.teardown(() => rmSync(dir, { recursive: true }))

/** Loads the content; whatever it is, the answer is a configuration that can be printed, or mistakes that stand in the file. */
function survives(content: string | Uint8Array): boolean {
  const file = join(dir, 'f.yaml')
  writeFileSync(file, content)
  const result = loadConfig([file])
  if (result.ok) return printConfig(result.config).length > 0
  const lines = Buffer.from(content)
    .toString()
    .split(/\r\n|\r|\n/).length
  return (
    result.errors.length > 0 &&
    result.errors.every((e) => e.line >= 1 && e.line <= lines && e.column >= 1 && formatConfigError(e).length < 2000)
  )
}

const examples = ['shop', 'blue-green', 'split', 'tls'].map((name) =>
  readFileSync(new URL(`../../examples/${name}.yaml`, import.meta.url), 'utf8'),
)

t.test('random bytes', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { seed: 1, numRuns: 150 })
})

t.test('random documents', async () => {
  const head = fc.constantFrom({ kind: 'Gate' }, { kind: 'Proxy' })
  const document = fc.tuple(head, fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }))
  fc.assert(
    fc.property(document, ([kind, metadata, spec]) =>
      survives(stringify({ apiVersion: 'streamgate.dev/v1alpha1', ...kind, metadata, spec })),
    ),
    { seed: 2, numRuns: 120 },
  )
})

t.test('valid documents with a part of their text replaced', async () => {
  const scrap = fc.oneof(
    fc.constantFrom(
      '',
      ':',
      '-',
      '- ',
      '&a ',
      '*a',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '\n',
      '\t',
      '---\n',
      '!!map ',
      '? ',
      '<<: ',
      '0',
      '~',
      '#',
      '|',
      '%',
    ),
    fc.string({ maxLength: 8 }),
  )
  const cut = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(12), scrap })
  const mutation = fc.tuple(fc.constantFrom(...examples), fc.array(cut, { minLength: 1, maxLength: 4 }))
  fc.assert(
    fc.property(mutation, ([text, cuts]) => {
      let mutated = text
      for (const { at, length, scrap } of cuts) {
        const start = Math.floor(at * mutated.length)
        mutated = mutated.slice(0, start) + scrap + mutated.slice(start + length)
      }
      return survives(mutated)
    }),
    { seed: 3, numRuns: 200 },
  )
})

t.test('valid documents with one value replaced', async () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(-1, 0, 1e308, '0s', '5%', {}, [], [null], { a: { b: [] } }),
  )
  const lines = examples.flatMap((text) =>
    [...text.matchAll(/^( *-? *\w+:) \S.*$/gm)].map(({ 0: line, 1: key, index }) => ({ text, line, key, index })),
  )
  fc.assert(
    fc.property(fc.constantFrom(...lines), value, ({ text, line, key, index }, value) =>
      survives(`${text.slice(0, index)}${key} ${JSON.stringify(value)}${text.slice(index + line.length)}`),
    ),
    { seed: 4, numRuns: 200 },
  )
})

t.test('deep, wide and circular documents', async (t) => {
  const bombs = {
    brackets: '['.repeat(5000),
    lists: '- '.repeat(5000),
    keys: Array.from({ length: 5000 }, (_, n) => `k${n}: ${n}`).join('\n'),
    circle: 'a: &a [*a]\n',
    anchors: '&a '.repeat(1000),
    documents: '---\n'.repeat(1000),
  }
  for (const [name, text] of Object.entries(bombs)) t.ok(survives(text), name)
})
