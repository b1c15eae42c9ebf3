import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { noNamespaces } from './support/namespaces.ts'

const LONG = process.env.STREAMGATE_LONG === '1'
const seconds = LONG ? 60 : 16

interface Outcome {
  requests: number
  failedKept: number
  failedFresh: number
  examples: unknown[]
  canaryShare: number
  served: number[]
  exits: (number | string)[]
}

function run(dir: string, migrate: 0 | 1): Promise<Outcome> {
  const script = join(import.meta.dirname, 'support/rolling-restart.ts')
  const prepare = `ip link set lo up && sysctl -q net.ipv4.tcp_migrate_req=${migrate} && exec "$0" "$@"`
  const child = spawn('unshare', ['-n', 'sh', '-c', prepare, process.execPath, script, dir, String(seconds)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((done, fail) =>
    child.once('close', (code) => {
      if (code === 0) done(JSON.parse(out))
      else fail(new Error(`exit ${code}: ${err}${out}`))
    }),
  )
}

t.setTimeout(300_000)

t.test(
  'a reload and a rolling restart of two proxies on one port lose no request',
  { skip: noNamespaces },
  async (t) => {
    const outcome = await run(t.testdir({}), 1)
    t.comment(JSON.stringify(outcome))
    t.ok(outcome.requests > seconds * 300, `${outcome.requests} requests`)
    t.equal(outcome.failedKept, 0, 'no request failed on kept-alive connections')
    t.equal(outcome.failedFresh, 0, 'no request failed on fresh connections')
    t.ok(outcome.canaryShare > 0.2, 'the reload took effect')
    t.ok(
      outcome.served.every((requests) => requests > 0),
      'both restarted proxies served',
    )
    t.same(outcome.exits, [0, 0, 0, 0], 'every drained proxy ended with 0')
  },
)

t.test(
  'without tcp_migrate_req: how many are lost is reported',
  { skip: LONG ? noNamespaces : 'only in the long form' },
  async (t) => {
    const outcome = await run(t.testdir({}), 0)
    t.comment(JSON.stringify(outcome))
    t.equal(outcome.failedKept, 0, 'kept-alive connections lose nothing even so')
  },
)
