import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type SimulateOptions, simulateCommand } from '../../src/cli/simulate.ts'

const shop = new URL('../../examples/shop.yaml', import.meta.url).pathname
const example = (name: string) => new URL(`../../examples/scenarios/${name}`, import.meta.url).pathname

async function run(options: SimulateOptions): Promise<{ code: number; out: string; err: string }> {
  const printed = { out: '', err: '' }
  const print = (where: 'out' | 'err') => (text: string) => {
    printed[where] += text
  }
  const code = await simulateCommand(options, { out: print('out'), err: print('err') })
  return { code, ...printed }
}

t.test('lists the scenarios', async (t) => {
  const { code, out } = await run({ list: true })
  t.equal(code, 0)
  for (const name of 'healthy fails-50 fails-5 fails-2 slow shared-outage no-traffic late-fault bad-endpoint'.split(
    ' ',
  )) {
    t.match(out, new RegExp(`^${name} `, 'm'))
  }
})

t.test('prints decisions and a summary', async (t) => {
  const { code, out } = await run({ config: [shop], scenario: 'fails-50', seeds: 2 })
  t.equal(code, 0)
  t.match(out, /RolledBack.*ErrorRate/)
  t.match(out, /^streamgate +0 +2 +0/m)
  t.match(out, /^loop, 10 s/m)
})

t.test('prints JSON', async (t) => {
  const { out } = await run({ config: [shop], scenario: 'fails-50', seeds: 1, output: 'json' })
  t.match(JSON.parse(out), { scenario: 'fails-50', first: { phase: 'RolledBack' }, summaries: [{ runs: 1 }, {}, {}] })
})

t.test('reads scenario files', async (t) => {
  for (const name of ['monday-morning.yaml', 'flaky-database.yaml']) {
    const { code, err } = await run({ config: [shop], scenario: example(name), seeds: 1 })
    t.equal(code, 0, err)
  }
})

t.test('replays a trace', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'simulate-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const lines = Array.from({ length: 2000 }, (_, k) =>
    JSON.stringify({
      '@timestamp': new Date(10 * k).toISOString(),
      'event.duration': 1e6,
      'http.response.status_code': k % 20 === 0 && k % 40 === 0 ? 503 : 200,
      'streamgate.gate': 'default/shop',
      'streamgate.variant': k % 20 === 0 ? 'canary' : 'stable',
      'streamgate.variant_reason': 'weight',
    }),
  )
  const file = join(dir, 'access.log')
  writeFileSync(file, `${lines.join('\n')}\nnot json\n`)
  const { code, out, err } = await run({ config: [shop], trace: file, seeds: 2 })
  t.equal(code, 0)
  t.match(err, '1 of 2001 lines')
  t.match(out, /RolledBack.*ErrorRate/, 'half of the candidate requests failed')
})

t.test('wrong use is told apart, with exit code 2', async (t) => {
  for (const [options, message] of [
    [{}, /-c FILE is missing/],
    [{ config: [shop] }, /either --scenario NAME or --trace FILE/],
    [{ config: [shop], scenario: 'nonsense' }, /no scenario and no file nonsense; built in: healthy/],
    [{ config: [shop], trace: '/nowhere' }, /no file/],
    [{ config: [shop], gate: 'other', scenario: 'healthy' }, /no gate other; there are: default\/shop/],
    [{ config: [example('monday-morning.yaml')], scenario: 'healthy' }, /monday-morning.yaml/],
  ] as const) {
    const { code, err, out } = await run(options as SimulateOptions)
    t.equal(code, 2)
    t.match(err, message)
    t.equal(out, '')
  }
})
