import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import t from 'tap'

t.setTimeout(180_000)

t.test('npm run demo tells a good and a bad release, on real traffic', async (t) => {
  const begun = performance.now()
  const child = spawn(resolve(import.meta.dirname, '../../bin/streamgate'), ['demo'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let firstLineMs = 0
  child.stdout.on('data', (chunk) => {
    out += chunk
    if (firstLineMs === 0 && / set 100 %/.test(out)) firstLineMs = performance.now() - begun
  })
  child.stderr.on('data', (chunk) => {
    out += chunk
  })
  const code = await new Promise((done) => child.once('close', done))
  t.equal(code, 0, out)
  t.comment(
    `first live line after ${Math.round(firstLineMs)} ms, ended after ${Math.round(performance.now() - begun)} ms`,
  )
  t.match(out, /v2: Succeeded after/)
  t.match(out, /v3: RolledBack after [\d.]+ s \((ErrorRate|HarmBudget)\)/)
  t.match(out, /v3, 30 % failing: [1-9]\d* requests failed on it/)
  t.match(out, /answered by the serving version instead: 0 users saw a failure/)
  t.match(out, /In all \d{4,} requests, 0 failed for users/)
})
