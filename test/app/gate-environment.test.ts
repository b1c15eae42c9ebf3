import t from 'tap'
import { Gate, type Place } from '../../src/app/gate.ts'
import { gateEnvironment } from '../../src/app/gate-environment.ts'
import { resolveGate } from '../../src/config/resolve.ts'
import { Endpoint, endpointAt } from '../../src/metrics/index.ts'
import { parseGate } from '../controller/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'

const place = (port: number): Place => ({
  name: `127.0.0.1:${port}`,
  origin: `http://127.0.0.1:${port}`,
  basePath: '',
})
const PLACES = [[place(1)], [place(2), place(3)]]

function gateWith(clock: ManualClock) {
  const config = parseGate()
  const gate = new Gate(config, resolveGate(config), PLACES, 1, clock.nowMs())
  return { gate, env: gateEnvironment(gate, clock) }
}

t.test('what was taken out for the release is back after it', async (t) => {
  const clock = new ManualClock()
  const { env } = gateWith(clock)
  env.eject('127.0.0.1:3')
  t.equal(env.readiness(1).ready, 1)
  clock.advance(24 * 3600 * 1000)
  t.equal(env.readiness(1).ready, 1, 'a day later too')
  env.readmit()
  t.equal(env.readiness(1).ready, 2)
})

t.test('an ejection of somebody else stays', async (t) => {
  const clock = new ManualClock()
  const { gate, env } = gateWith(clock)
  env.eject('127.0.0.1:3')
  const { slot } = gate.endpoints[1]![1]!
  const until = clock.nowMs() / 1000 + 30
  Atomics.store(gate.block.words, endpointAt(gate.block.layout, slot) + Endpoint.ejectedUntilS, until)
  env.readmit()
  t.equal(env.readiness(1).ready, 1)
  clock.advance(31_000)
  t.equal(env.readiness(1).ready, 2)
})
