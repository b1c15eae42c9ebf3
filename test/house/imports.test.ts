import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'

// ARCHITECTURE.md, "Import rules": rooms meet at their index.ts, pure modules import nothing but pure modules.
const root = resolve(import.meta.dirname, '../..')
const src = join(root, 'src')
const ROOMS = ['proxy', 'controller', 'metrics']
const PURE = [
  /^controller\/(release|analysis)\//,
  /^proxy\/(route|split|headers|request)\//,
  /^config\/(units|rules|resolve|suggest)\.ts$/,
  /^metrics\/block\//,
  /^kube\/(endpoints|services|service-index|status|claims)\.ts$/,
]

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

/** Imports of a file: what is named, and whether only types are taken. */
function importsOf(file: string): { name: string; typeOnly: boolean }[] {
  const text = readFileSync(join(src, file), 'utf8')
  const found: { name: string; typeOnly: boolean }[] = []
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)) {
    found.push({ name: match[2]!, typeOnly: match[1] !== undefined })
  }
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ name: match[1]!, typeOnly: false })
  return found
}

const target = (file: string, name: string) => relative(src, resolve(dirname(join(src, file)), name))
const roomOf = (file: string) => ROOMS.find((room) => file.startsWith(`${room}/`))

t.test('rooms import each other only through their index.ts', async (t) => {
  const wrong: string[] = []
  for (const file of files) {
    const room = roomOf(file)
    if (room === undefined) continue
    for (const { name } of importsOf(file)) {
      if (!name.startsWith('.')) continue
      const to = target(file, name)
      const other = roomOf(to)
      if (other !== undefined && other !== room && to !== `${other}/index.ts`) wrong.push(`${file} imports ${to}`)
    }
  }
  t.same(wrong, [])
})

t.test('pure modules import no node: module and no library', async (t) => {
  const pure = files.filter((file) => PURE.some((pattern) => pattern.test(file)))
  t.ok(pure.length > 10, `${pure.length} pure modules`)
  const wrong: string[] = []
  for (const file of pure) {
    for (const { name, typeOnly } of importsOf(file)) {
      if (!name.startsWith('.') && !typeOnly) wrong.push(`${file} imports ${name}`)
    }
  }
  t.same(wrong, [])
})

t.test('clocks and randomness stay in their own modules', async (t) => {
  const allowed = /^(clock|random|main)\.ts$|^admin\/web\//
  const wrong: string[] = []
  for (const file of files) {
    if (allowed.test(file)) continue
    const lines = readFileSync(join(src, file), 'utf8').split('\n')
    lines.forEach((line, index) => {
      const code = line.replace(/\/\/.*$/, '').replace(/^\s*\*.*$/, '')
      if (/Date\.now\(|Math\.random\(|(?<![.\w])set(Timeout|Interval)\(|performance\.now\(/.test(code))
        wrong.push(`${file}:${index + 1}`)
    })
  }
  t.same(wrong, [])
})

t.test('every dependency is imported, and has a permissive licence', async (t) => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const used = new Set(files.flatMap((file) => importsOf(file).map(({ name }) => name)))
  for (const name of Object.keys(manifest.dependencies)) {
    if (name !== 'node')
      t.ok(
        [...used].some((one) => one === name || one.startsWith(`${name}/`)),
        `${name} is used`,
      )
    const licence = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).license
    t.match(licence, /^(MIT|ISC|BSD-[23]-Clause|Apache-2\.0)$/, `${name}: ${licence}`)
  }
})
