import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { fileTls } from '../../src/admin/tls.ts'
import { decision, FakeService, gateView, record } from '../admin/fake-service.ts'
import { startTestAdmin } from '../admin/harness.ts'
import { certificateFor } from '../support/certificates.ts'
import { cli, words } from './harness.ts'

const TOKEN = { name: 'ci', token: 'operator-token-0123456789', role: 'operator' as const }

t.test('against a server', async (t) => {
  const service = new FakeService([gateView(), gateView({ name: 'api' }), gateView({ namespace: 'edge', name: 'api' })])
  service.records = [record()]
  const admin = await startTestAdmin(t, { service })
  const run = (line: string) => cli(words(line), { env: { STREAMGATE_SERVER: admin.server.url } })

  t.test('status lists the gates, and prints them as data', async (t) => {
    const { code, out, err } = await run('status')
    t.same([code, err], [0, ''])
    t.match(out, /^GATE +PHASE +STEP +WEIGHTS/)
    t.match(
      out,
      /^default\/shop +Progressing +1\/5 +stable=95 canary=5 +855\.5 +0\.02 +about 240 more canary requests$/m,
    )
    t.same(JSON.parse((await run('status -o json')).out), { items: service.gates })
    t.same(parse((await run('status shop -o yaml')).out), service.gates[0])
    t.match((await run('status -o wide')).out, /REVISION +HARMED +RESCUED/)
    t.match((await run('status shop')).out, /LAST DECISIONS\n12:00:00Z {2}Progressing {2}1 StepStarted: step 1 of 5/)
  })

  t.test('a short name must mean one gate', async (t) => {
    t.match(await run('status shpo'), { code: 2, err: 'error: no gate "shpo".\nDid you mean shop?\n' })
    t.match(await run('status zzzzz'), { code: 2, err: 'error: no gate "zzzzz".\nGates: shop, api.\n' })
    t.match(await run('status api'), {
      code: 2,
      err: 'error: "api" could be default/api, edge/api.\nGive NAMESPACE/NAME.\n',
    })
    t.match(await run('status edge/api'), { code: 0, out: /^edge\/api/ })
    t.match(await run('status edge/apo'), { code: 2, err: 'error: No gate edge/apo. Did you mean edge/api?\n' })
    for (const bad of ['a/b/c', '/a', 'a/']) t.match(await run(`status ${bad}`), { code: 2, err: /is not a gate/ })
  })

  t.test('weights are checked, sent and reported', async (t) => {
    service.writes = []
    t.match(await run('weights shop stable=97.5 canary=2.5% --force'), {
      code: 0,
      out: 'default/shop: weights are set (stable=95 canary=5)\n',
    })
    t.match(service.writes, [{ weights: { stable: 97.5, canary: 2.5 }, force: true }])
    t.match(await run('weights shop stable=90'), { code: 2, err: 'error: Weights must sum to 100, not 90.\n' })
    t.match(await run('weights shop stable=abc'), {
      code: 2,
      err: /"stable=abc" is not a weight\.\nGive VARIANT=PERCENT/,
    })
    t.match(await run('weights shop canary=1 canary=2'), { code: 2, err: /the weight of canary is given twice/ })
    t.match(await run('weights shop'), { code: 2, err: /missing required argument/ })
    t.equal(service.writes.length, 1)
  })

  t.test('verbs and deploy send what they were given', async (t) => {
    service.writes = []
    for (const verb of ['start', 'pause', 'resume', 'skip', 'promote', 'abort', 'rollback', 'retry']) {
      t.match(await run(`${verb} shop`), { code: 0, out: `default/shop: ${verb} done\n`, err: '' })
    }
    await run('start shop --image r/x:2 --revision v2')
    await run('rollback shop --revision v1')
    await run('deploy shop r/x:3 --timeout 5m --step 90')
    t.match(service.writes.slice(8), [
      { verb: 'start', body: { image: 'r/x:2', revision: 'v2' } },
      { verb: 'rollback', body: { revision: 'v1' } },
      { verb: 'start', body: { image: 'r/x:3', readyTimeoutSeconds: 300, stepSeconds: 90 } },
    ])
    t.match(await run('pause shop --revision v1'), { code: 2, err: /unknown option '--revision'/ })
    t.match(await run('deploy shop x --step soon'), { code: 2, err: /whole seconds: 300, 300s or 5m/ })
    t.match(JSON.parse((await run('pause shop -o json')).out), { message: 'pause done', gate: { name: 'shop' } })
  })

  t.test('a refusal is exit code 1 with its code', async (t) => {
    service.next = { ok: false, status: 409, code: 'not-paused', detail: 'The release is not paused.' }
    t.match(await run('resume shop'), { code: 1, out: '', err: 'error: The release is not paused. (not-paused)\n' })
    service.next = undefined
  })

  t.test('history', async (t) => {
    t.match(await run('history shop'), { code: 0, out: /^RELEASE +REVISION/ })
    t.match(await run('history shop 7f3a'), { code: 0, out: /^RELEASE 7f3a {2}shop:v2\n[\s\S]*DECISIONS\n12:00:00Z/ })
    t.match(await run('history shop 9'), {
      code: 2,
      err: 'error: No release 9 of gate default/shop: the last 100 are kept.\n',
    })
    t.same(JSON.parse((await run('history shop -o json')).out).items.length, 1)
    t.same(JSON.parse((await run('history shop 7f3a -o json')).out).decisions, [decision()])
  })
})

t.test('what comes from a server cannot steer the terminal', async (t) => {
  const message = 'bad \u001b[2J\u0007 \u202emessage'
  const service = new FakeService([
    gateView({ release: { ...gateView().release!, message, revision: '\u001b]0;x\u0007' } }),
  ])
  service.records = [record({ decisions: [decision({ message })] })]
  const admin = await startTestAdmin(t, { service })
  for (const line of ['status', 'status shop', 'history shop 7f3a', 'status -o wide']) {
    const { code, out } = await cli(words(line), { env: { STREAMGATE_SERVER: admin.server.url } })
    t.equal(code, 0)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    t.notMatch(out, /[\u001b\u0007\u202e]/, line)
  }
})

t.test('a server that cannot be reached is exit code 4', async (t) => {
  const free = net.createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as net.AddressInfo
  await new Promise((resolve) => free.close(resolve))
  t.match(await cli(['status', '--server', `http://127.0.0.1:${port}`]), {
    code: 4,
    out: '',
    err: `error: cannot reach http://127.0.0.1:${port}: connection refused.\nIs \`streamgate run\` running? Use --server.\n`,
  })
  const other = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const url = `http://127.0.0.1:${(other.address() as net.AddressInfo).port}`
  t.match(await cli(['status', '--server', url]), {
    code: 4,
    err: `error: ${url} is not a StreamGate admin API.\nUse --server.\n`,
  })
  t.match(await cli(['status', '--server', 'http://u:p@x']), { code: 2, err: /is not the address of a server/ })
})

t.test('tokens: option, file, environment', async (t) => {
  const admin = await startTestAdmin(t, { tokens: () => [TOKEN] })
  const server = admin.server.url
  const tokenFile = join(t.testdir({ token: `${TOKEN.token}\n` }), 'token')
  const run = (line: string, env = {}) => cli(words(line), { env: { STREAMGATE_SERVER: server, ...env } })
  t.match(await run('status'), { code: 2, err: /Authorization[\s\S]*Use --token-file, or set STREAMGATE_TOKEN/ })
  t.equal((await run(`status --token ${TOKEN.token}`)).code, 0)
  t.equal((await run(`status --token-file ${tokenFile}`, { STREAMGATE_TOKEN: 'wrong-wrong-wrong' })).code, 0)
  t.equal((await run('status', { STREAMGATE_TOKEN: TOKEN.token })).code, 0)
  t.equal((await run('status', { STREAMGATE_TOKEN_FILE: tokenFile })).code, 0)
  t.equal((await run(`status --server ${server.replace('http://', '')}`, { STREAMGATE_TOKEN: TOKEN.token })).code, 0)
  t.match(await run('status --token-file /none'), { code: 2, err: /cannot read the token/ })
  const wrong = await run('status --token wrong-wrong-wrong')
  t.equal(wrong.code, 2)
  t.notMatch(wrong.err, 'wrong-wrong')
})

t.test('TLS: the CA and the client certificate are files', async (t) => {
  const server = certificateFor('127.0.0.1')
  const client = certificateFor('ci.example')
  const tls = fileTls({ certFile: server.certFile, keyFile: server.keyFile, clientCAFile: server.caFile })
  const admin = await startTestAdmin(t, { tls })
  const files = `--ca-file ${server.caFile} --cert-file ${client.certFile} --key-file ${client.keyFile}`
  const run = (line: string) => cli(words(`${line} --server ${admin.server.url}`))
  t.match(await run(`pause shop ${files}`), { code: 0, out: 'default/shop: pause done\n' })
  t.match(await run('status'), {
    code: 4,
    err: /its certificate is (signed by an unknown CA|self-signed)\.\nUse --ca-file\./,
  })
  t.match(await run('status --ca-file /none'), { code: 2, err: /cannot read \/none[\s\S]*Check --ca-file/ })
})

t.test('usage', async (t) => {
  const started: object[] = []
  const run = (line: string) => cli(words(line), { started })
  t.match(await run('version'), { code: 0, out: `streamgate 1.2.3 (node ${process.version})\n` })
  t.match(JSON.parse((await run('version -o json')).out), { version: '1.2.3' })
  t.match(await run('--version'), { code: 0, out: '1.2.3\n' })
  t.match(await run('statsu'), { code: 2, err: /unknown command 'statsu'\n\(Did you mean status\?\)/ })
  t.match(await run('status --wach'), { code: 2, err: /Did you mean --watch/ })
  t.match(await run('status -o xml'), { code: 2, err: /Allowed choices are json, yaml, wide/ })
  t.match(await run('run'), { code: 2, err: /--config/ })
  t.match(await run('setup crds'), { code: 2, err: /no cluster support yet[\s\S]*streamgate run -c FILE/ })
  t.match(await run('setup crd'), { code: 2, err: /Allowed choices are crds, proxy, hpa, vpa/ })
  t.equal((await run('')).code, 2)
  t.equal((await run('run -c a.yaml b')).code, 0)
  t.equal((await run('demo --keep')).code, 1, 'the exit code is the program’s')
  t.same(started, [{ run: { config: ['a.yaml', 'b'] } }, { demo: { keep: true } }])
})

t.test('check prints what the configuration room says', async (t) => {
  const file = join(t.testdir({ 'bad.yaml': 'kind: Gat\n' }), 'bad.yaml')
  const { code, out, err } = await cli(['check', file])
  t.equal(code, 2)
  t.match(out + err, 'bad.yaml:1')
})

t.test('every command has help with an example', async (t) => {
  const { out } = await cli(['--help'])
  t.match(out, 'Examples:')
  const names = [...out.matchAll(/^ {2}([a-z]+) (?:\[|<| )/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== 'help')
  t.equal(names.length, 19)
  for (const name of names) {
    const help = await cli([name, '--help'])
    t.equal(help.code, 0, name)
    t.match(help.out, new RegExp(`Example:\\n {2}.*streamgate ${name}|Example:\\n {2}source`), name)
  }
})
