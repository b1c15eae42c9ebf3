import { cpSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Config, loadConfig } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'

const HEAD = 'apiVersion: streamgate.dev/v1alpha1\n'
const gate = (name: string, path = '/'): string =>
  `${HEAD}kind: Gate\nmetadata: {name: ${name}}\nspec:\n  paths: [${path}]\n  variants: [{name: a, urls: ["http://h:1"]}]\n`

function loaded(...paths: string[]): Config {
  const result = loadConfig(paths)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.config
}

t.test('every example loads, and loads again from what is printed of it', async (t) => {
  const dir = t.testdir({ 'release-bot.token': '0123456789abcdef\n' })
  const examples = new URL('../../examples/', import.meta.url)
  cpSync(new URL('fixtures', import.meta.url), dir, { recursive: true })
  const names = readdirSync(examples).filter((name) => name.endsWith('.yaml'))
  t.ok(names.length >= 4)
  for (const name of names) {
    cpSync(new URL(name, examples), join(dir, name))
    const printed = printConfig(loaded(join(dir, name)))
    writeFileSync(join(dir, 'printed.yaml'), printed)
    t.equal(printConfig(loaded(join(dir, 'printed.yaml'))), printed, name)
  }
})

t.test('defaults are filled in and units decoded', async (t) => {
  const dir = t.testdir({
    'g.yaml': `${gate('shop')}  upstream: {timeouts: {connect: 1.5s}}\n  mirror: {maxBodyBytes: 2Ki}\n`,
  })
  const { proxy, gates } = loaded(join(dir, 'g.yaml'))
  t.strictSame(proxy.spec.listeners, [{ name: 'http', port: 8080, protocol: 'HTTP', proxyProtocol: false }])
  t.equal(proxy.spec.limits.maxHeaderBytes, 16_384)
  t.equal(proxy.spec.timeouts.idle, 75_000)
  t.equal(proxy.spec.state.dir, join(dir, '.streamgate'))
  t.equal(gates[0]?.metadata.namespace, 'default')
  t.strictSame(gates[0]?.spec.upstream.timeouts, { connect: 1500, response: 30_000, idle: 60_000 })
  t.equal(gates[0]?.spec.mirror.maxBodyBytes, 2048)
})

t.test('a key without a value means its default', async (t) => {
  const dir = t.testdir({ 'p.yaml': `${HEAD}kind: Proxy\nmetadata: {name: edge}\nspec:\n  limits:\n  workers: ~\n` })
  t.equal(loaded(dir).proxy.spec.limits.maxHeaders, 100)
  t.equal(loaded(dir).proxy.spec.workers, 'auto')
})

t.test('the defaults of one load are not those of the next', async (t) => {
  const dir = t.testdir({ 'g.yaml': gate('shop') })
  loaded(dir).proxy.spec.listeners.push({ name: 'x', port: 1, protocol: 'HTTP', proxyProtocol: false })
  t.equal(loaded(dir).proxy.spec.listeners.length, 1)
})

t.test('a folder is read in order, without hidden files, others and folders in it', async (t) => {
  const dir = t.testdir({
    'b.yml': gate('b', '/b'),
    'a.yaml': `${gate('a1', '/a1')}---\n${gate('a2', '/a2')}---\n`,
    'c.json': JSON.stringify({
      apiVersion: 'streamgate.dev/v1alpha1',
      kind: 'Gate',
      metadata: { name: 'c' },
      spec: { paths: ['/c'], variants: [{ name: 'a', urls: ['http://h:1'] }] },
    }),
    '.b.yml.swp.yaml': 'x',
    'notes.txt': 'x',
    deeper: { 'd.yaml': 'x' },
  })
  const config = loaded(dir)
  t.strictSame(
    config.gates.map(({ metadata }) => metadata.name),
    ['a1', 'a2', 'b', 'c'],
  )
  t.strictSame(
    config.files,
    ['a.yaml', 'b.yml', 'c.json'].map((name) => join(dir, name)),
  )
})

t.test('a mounted ConfigMap is read once', async (t) => {
  const dir = t.testdir({ '..2026_01_01': { 'g.yaml': gate('shop') } })
  symlinkSync('..2026_01_01', join(dir, '..data'))
  symlinkSync('..data/g.yaml', join(dir, 'g.yaml'))
  t.equal(loaded(dir, join(dir, 'g.yaml')).gates.length, 1)
})

t.test('named files are relative to the file that names them, absolute in the result, and followed', async (t) => {
  const listener =
    '{name: https, port: 443, protocol: HTTPS, tls: {certificates: [{certFile: c/tls.crt, keyFile: c/tls.key}]}}'
  const dir = t.testdir({ 'p.yaml': `${HEAD}kind: Proxy\nmetadata: {name: edge}\nspec:\n  listeners: [${listener}]\n` })
  cpSync(new URL('fixtures', import.meta.url), join(dir, 'c'), { recursive: true })
  const config = loaded(join(dir, 'p.yaml'))
  const certFile = join(dir, 'c/tls.crt')
  t.equal(config.proxy.spec.listeners[0]?.tls?.certificates[0]?.certFile, certFile)
  t.strictSame(config.files, [join(dir, 'p.yaml'), certFile, join(dir, 'c/tls.key')])
})

t.test('a configuration that is refused still names its files', async (t) => {
  const dir = t.testdir({ 'g.yaml': `${gate('shop')}  sticky: {secretFile: gone.key}\n` })
  const result = loadConfig([dir])
  t.notOk(result.ok)
  if (!result.ok) t.strictSame(result.files, [join(dir, 'g.yaml'), join(dir, 'gone.key')])
})

t.test('printing shows the defaults that depend on other keys, and no secret', async (t) => {
  const dir = t.testdir({
    'secret.key': 'do-not-print-me\n',
    'g.yaml': `${HEAD}kind: Gate
metadata: {name: shop}
spec:
  variants: [{name: a, urls: ["http://h:1"]}, {name: b, urls: ["http://h:2"]}]
  release: {serving: b, candidate: a, bake: 90s}
  sticky: {secretFile: secret.key}
  hooks: [{phase: OnEvent, url: "https://hooks.example/services/T0/do-not-print-me", format: Slack}]
`,
  })
  const printed = printConfig(loaded(dir))
  for (const part of [
    'promotion: Swap',
    'name: sg_bucket',
    'bake: 90s',
    'maxBodyBytes: 64Ki',
    'url: https://hooks.example/***',
  ]) {
    t.match(printed, part)
  }
  t.notMatch(printed, 'do-not-print-me')
  t.match(printed, join(dir, 'secret.key'))
  t.match(printed, /- name: a\n {6}weight: 0\n/)
  t.match(printed, /- name: b\n {6}weight: 100\n/)
  t.strictSame(
    [...printed.matchAll(/- weight: (\d+)\n/g)].map(([, weight]) => weight),
    ['5', '10', '25', '50', '100'],
  )
})
