import t from 'tap'
import { parseScenario } from '../../src/simulate/file.ts'
import { follow } from '../../src/simulate/scenario.ts'
import { Trace } from '../../src/simulate/trace.ts'

const options = { gate: 'default/shop', serving: 'stable', candidate: 'canary', quantile: 0.99 }
const line = (second: number, variant: string, part: Record<string, unknown> = {}) =>
  JSON.stringify({
    '@timestamp': new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString(),
    'event.duration': 5_000_000,
    'http.response.status_code': 200,
    'streamgate.gate': 'default/shop',
    'streamgate.variant': variant,
    'streamgate.variant_reason': 'weight',
    'streamgate.upstream_ms': 4,
    'streamgate.rescued': false,
    ...part,
  })

t.test('a log becomes rates and shares over time', async (t) => {
  const trace = new Trace(options)
  for (let second = 0; second < 100; second++) {
    for (let k = 0; k < 10; k++) trace.add(line(second, 'stable'))
    for (let k = 0; k < 4; k++) {
      const failed = second >= 50 && k === 0
      trace.add(line(second, 'canary', failed ? { 'http.response.status_code': 200, 'streamgate.rescued': true } : {}))
    }
  }
  const scenario = trace.scenario('x')
  t.equal(follow(scenario.requestsPerSecond)(20), 14)
  t.equal(follow(scenario.serving.failing)(60), 0)
  t.equal(follow(scenario.candidate.failing)(10), 0)
  t.equal(follow(scenario.candidate.failing)(70), 25, 'a rescued request failed on the candidate')
})

t.test('what is not split traffic of the gate is left out and counted', async (t) => {
  const trace = new Trace(options)
  trace.add(line(0, 'stable'))
  for (const other of [
    'no json',
    'null',
    line(1, 'stable', { 'streamgate.gate': 'default/other' }),
    line(1, 'preview'),
    line(1, 'canary', { 'streamgate.variant_reason': 'override' }),
    line(1, 'stable', { 'http.response.status_code': 499 }),
    line(1, 'stable', { '@timestamp': 'yesterday' }),
  ])
    trace.add(other)
  t.equal(trace.lines, 8)
  t.equal(trace.skipped, 7)
  t.equal(trace.scenario('x').description, '1 requests of a recorded trace')
  t.throws(() => new Trace(options).scenario('x'), /no request of gate default\/shop/)
})

t.test('a scenario file has defaults, and says every mistake', async (t) => {
  const scenario = parseScenario('candidate: {failing: [[0, 1], [60, 5]]}\n', 'mine')
  t.match(scenario, { name: 'mine', requestsPerSecond: 100, serving: { failing: 0.1 }, candidate: { slow: 1 } })
  t.equal(parseScenario('', 'empty').candidate.failing, 0.1)
  t.throws(() => parseScenario('candidate: {failing: 101}\nunknown: 1\n', 'bad'), /unknown|failing/)
  t.throws(() => parseScenario('a: [', 'bad'), RangeError)
})
