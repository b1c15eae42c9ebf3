import { once } from 'node:events'
import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { CheckConfig } from '../../src/config/schema.ts'
import { compared, measured } from '../../src/controller/checks/prometheus.ts'
import { CheckRunner } from '../../src/controller/checks/runner.ts'
import { HookClient } from '../../src/controller/hooks/client.ts'
import type { CheckResult } from '../../src/controller/release/observation.ts'

const vector = (...values: string[]) =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
  })

t.test('one number of a Prometheus answer; everything else says nothing', async (t) => {
  t.strictSame(measured(vector('0.25')), { value: 0.25 })
  t.strictSame(measured('{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}'), { value: 3 })
  t.match(measured(vector()), { inconclusive: /no value/ })
  t.match(measured(vector('NaN')), { inconclusive: /NaN/ })
  t.match(measured(vector('+Inf')), { inconclusive: /Inf/ })
  t.match(measured(vector('1', '2')), { inconclusive: /2 values/ })
  t.match(measured('{"status":"error","error":"parse error"}'), { inconclusive: /parse error/ })
  t.match(measured('<html>'), { inconclusive: /no JSON/ })
  t.match(measured('{"status":"success","data":{"resultType":"matrix","result":[]}}'), { inconclusive: /matrix/ })
})

t.test('limits include their ends', async (t) => {
  t.equal(compared(5, { min: 5, max: 5 }), undefined)
  t.equal(compared(4, { min: 5 }), '4 is below 5')
  t.equal(compared(6, { max: 5 }), '6 is above 5')
})

async function run(t: Test, answers: { status?: number; body: string }[], check: Partial<CheckConfig>) {
  const seen: { url: string; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      seen.push({ url: request.url ?? '', body })
      const answer = answers[Math.min(seen.length, answers.length) - 1]!
      response.writeHead(answer.status ?? 200).end(answer.body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const client = new HookClient(systemClock)
  const results: CheckResult[] = []
  const done = Promise.withResolvers<void>()
  const runner = new CheckRunner({
    client,
    payload: () => ({ type: 'Check' }) as never,
    onResult: (_check, result) => {
      results.push(result)
      if (results.length === answers.length) done.resolve()
    },
  })
  t.teardown(async () => {
    runner.close()
    await client.close()
    server.close()
  })
  const target =
    check.prometheus === undefined
      ? { webhook: { url, timeout: 10_000 } }
      : { prometheus: { ...check.prometheus, url } }
  runner.run([{ name: 'slo', interval: 1, failureLimit: 1, dryRun: false, ...target }], '1.1/1', true)
  await done.promise
  return { results, seen, runner }
}
const prometheus = { url: '', query: 'up{job="a"}', max: 1, timeout: 10_000 }

t.test('a query is sent as it is, failures in a row are counted, silence neither adds nor forgives', async (t) => {
  const answers = [
    { body: vector('2') },
    { body: vector('3') },
    { body: vector() },
    { body: vector('4') },
    { body: vector('0.5') },
  ]
  const { results, seen } = await run(t, answers, { prometheus })
  t.strictSame(
    results.slice(0, 5).map(({ result, failures }) => [result, failures]),
    [
      ['fail', 1],
      ['fail', 2],
      ['inconclusive', 2],
      ['fail', 3],
      ['pass', 0],
    ],
  )
  t.equal(seen[0]?.url, '/api/v1/query')
  t.equal(new URLSearchParams(seen[0]?.body).get('query'), 'up{job="a"}')
})

t.test('an error of Prometheus says nothing about the candidate', async (t) => {
  const { results } = await run(t, [{ status: 502, body: 'bad gateway' }], { prometheus })
  t.match(results[0], { result: 'inconclusive', detail: /502/ })
})

t.test('a webhook passes on 2xx and fails on anything else', async (t) => {
  const { results } = await run(t, [{ body: '' }, { status: 412, body: 'slow' }], {})
  t.match(results, [{ result: 'pass' }, { result: 'fail', failures: 1, detail: /412: slow/ }])
})

t.test('results begin anew with what they are of, and end', async (t) => {
  const { runner } = await run(t, [{ body: '' }], {})
  t.equal(runner.results().length, 1)
  runner.run([], null, false)
  t.strictSame(runner.results(), [])
  t.equal(runner.of, null)
})
