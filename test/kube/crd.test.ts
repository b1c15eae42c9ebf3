import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { GATE_ADDITIONS } from '../../scripts/crd/additions.ts'
import type { Structural } from '../../scripts/crd/structural.ts'
import { CRD_FILE, crdText, gateCrd } from '../../scripts/crd.ts'
import { GateCatalog } from '../../src/kube/index.ts'
import { FINE, GATE_MISTAKES } from './gate-mistakes.ts'

interface Crd {
  spec: { versions: { schema: { openAPIV3Schema: Structural } }[] }
}
const schema = (gateCrd() as Crd).spec.versions[0]!.schema.openAPIV3Schema

/** Every schema below one, with its path. */
function* walk(of: Structural, path = ''): Generator<[string, Structural]> {
  yield [path, of]
  for (const [key, child] of Object.entries(of.properties ?? {}))
    yield* walk(child, path === '' ? key : `${path}.${key}`)
  if (of.items !== undefined) yield* walk(of.items, `${path}[]`)
  if (typeof of.additionalProperties === 'object') yield* walk(of.additionalProperties as Structural, `${path}.*`)
}

t.test('the committed file is what the generator writes', async (t) => {
  const committed = readFileSync(CRD_FILE, 'utf8')
  t.equal(committed, crdText(), 'run: node scripts/crd.ts')
  // kubectl and the API server read YAML 1.1, where a bare `on` is true.
  for (const version of ['1.1', '1.2'] as const) {
    t.same(parse(committed, { version }), JSON.parse(JSON.stringify(gateCrd())), `YAML ${version}`)
  }
})

t.test('the schema is structural and bounded', async (t) => {
  const wrong: string[] = []
  for (const [path, one] of walk(schema)) {
    const intOrString = one['x-kubernetes-int-or-string'] === true
    if (one.type === undefined && !intOrString) wrong.push(`${path}: no type`)
    if (one.type === 'array' && one.maxItems === undefined) wrong.push(`${path}: no maxItems`)
    if (one.type === 'array' && one['x-kubernetes-list-type'] === undefined) wrong.push(`${path}: no list type`)
    const text = one.type === 'string' || intOrString
    const bounded = one.maxLength !== undefined || one.enum !== undefined || one.format !== undefined
    if (text && path.startsWith('spec') && !bounded) wrong.push(`${path}: no maxLength`)
    for (const key of ['multipleOf', 'anyOf', 'const', 'unit', 'patternProperties', '$ref', '~refine']) {
      if (one[key] !== undefined) wrong.push(`${path}: ${key}`)
    }
    if (typeof one.exclusiveMinimum === 'number') wrong.push(`${path}: exclusiveMinimum of JSON Schema`)
    const { properties, additionalProperties } = one
    if (properties !== undefined && additionalProperties !== undefined) wrong.push(`${path}: both`)
  }
  t.same(wrong, [])
})

t.test('patterns are valid in RE2: no look-around, no back-references', async (t) => {
  const patterns = new Set(
    [...walk(schema)].flatMap(([, one]) => (typeof one.pattern === 'string' ? [one.pattern] : [])),
  )
  t.ok(patterns.size >= 8, `${patterns.size} patterns`)
  for (const pattern of patterns) {
    t.notMatch(pattern, /\(\?[=!<]|\\[1-9]/, pattern)
    t.doesNotThrow(() => RegExp(pattern, 'u'), pattern)
    for (const [, least, most] of pattern.matchAll(/\{(\d+),?(\d*)\}/g)) t.ok(Number(most || least) <= 1000, pattern)
  }
})

t.test('every key is explained, and defaults are values of their schema', async (t) => {
  const dumb = [...walk(schema)].filter(
    ([path, one]) => /^(spec|status)\./.test(path) && !/(\[\]|\*)$/.test(path) && !one.description,
  )
  t.same(
    dumb.map(([path]) => path),
    [],
  )
  for (const [path, one] of walk(schema)) {
    if (one.default === undefined) continue
    const { enum: words } = one as { enum?: unknown[] }
    if (words !== undefined) t.ok(words.includes(one.default), path)
    if (typeof one.default === 'string' && typeof one.pattern === 'string')
      t.match(one.default, RegExp(one.pattern), path)
  }
})

t.test('every addition is about something that is there', async (t) => {
  const paths = new Map(walk(schema))
  for (const path of [...Object.keys(GATE_ADDITIONS.rules), ...Object.keys(GATE_ADDITIONS.lists)]) {
    t.ok(paths.has(path), path)
  }
  for (const [path, list] of Object.entries(GATE_ADDITIONS.lists)) {
    t.equal(
      paths.get(path)?.default === undefined || list.type === 'map',
      true,
      `${path}: a set with a default keeps it`,
    )
    if (list.type === 'map') t.same(paths.get(path)?.items?.required?.toString().includes(list.keys[0]!), true, path)
  }
  const rules = [...walk(schema)].flatMap(([, one]) => (one['x-kubernetes-validations'] as unknown[] | undefined) ?? [])
  t.ok(rules.length > Object.values(GATE_ADDITIONS.rules).flat().length, 'with those of the decimals')
})

t.test('files and custom resources have the same mistakes', async (t) => {
  const admit = (spec: object) =>
    new GateCatalog().admit([{ metadata: { namespace: 'shop', name: 'web', uid: 'u', generation: 1 }, spec }])[0]
  t.equal(admit(FINE)?.problem, undefined)
  for (const { what, spec } of GATE_MISTAKES) t.equal(admit(spec)?.problem?.reason, 'Invalid', what)
})
