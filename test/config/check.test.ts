import { join } from 'node:path'
import t from 'tap'
import { checkCommand } from '../../src/cli/check.ts'

const GATE = `apiVersion: streamgate.dev/v1alpha1
kind: Gate
metadata: {name: shop}
spec:
  variants: [{name: a, urls: ["http://h:1"]}]
`

async function run(content: string, options = {}) {
  const file = join(t.testdir({ 'g.yaml': content }), 'g.yaml')
  const printed = { out: '', err: '' }
  const code = await checkCommand([file], options, {
    out: (text) => {
      printed.out += text
    },
    err: (text) => {
      printed.err += text.replaceAll(file, 'g.yaml')
    },
  })
  return { code, ...printed }
}

t.test('a valid file', async (t) => {
  t.strictSame(await run(GATE), { code: 0, out: 'ok: 1 proxy, 1 gate\n', err: '' })
  t.strictSame(await run(GATE, { output: 'json' }), { code: 0, out: '{"ok":true,"proxies":1,"gates":1}\n', err: '' })
})

t.test('mistakes, one a line, on standard error', async (t) => {
  const { code, out, err } = await run(GATE.replace('name: a', 'name: A, weight: 101'))
  t.equal(code, 2)
  t.equal(out, '')
  t.match(err, /^g\.yaml:5:21 spec\.variants\[0\]\.name: .*\ng\.yaml:5:32 spec\.variants\[0\]\.weight: .*\n$/)
})

t.test('mistakes as JSON', async (t) => {
  const { code, out, err } = await run(`${GATE}  zzz: 1\n`, { output: 'json' })
  t.equal(code, 2)
  t.equal(err, '')
  t.match(JSON.parse(out), { ok: false, errors: [{ line: 6, column: 3, path: 'spec.zzz' }] })
})

t.test('--print-config', async (t) => {
  const { code, out } = await run(GATE, { printConfig: true })
  t.equal(code, 0)
  t.match(out, 'kind: Proxy\n')
  t.match(out, 'loadBalancing: LeastRequest\n')
})
