/** A process of its own for kill9.test.ts: a release under traffic on the real clock, in the state folder argv[2]. */
import { systemClock } from '../../src/clock.ts'
import { Edge, KEY, Process } from './edge.ts'
import { parseGate } from './gate.ts'

const gate = parseGate({
  steps: '[{weight: 20, minDuration: 300ms}, {weight: 60, minDuration: 300ms}, {weight: 100, minDuration: 300ms}]',
  release: 'bake: 300ms',
})
const edge = new Edge(systemClock)
const shop = await Process.start(edge, process.argv[2]!, gate)
shop.controller.subscribe((event) => {
  if (event.type === 'decision') process.stdout.write(`${event.decision.phase} ${event.decision.step}\n`)
})
if (shop.view.phase === 'Idle') await shop.command('start', { revision: 'v2' })
process.stdout.write('up\n')
const stop = setInterval(() => {
  for (let i = 0; i < 20; i++) edge.request()
  if (shop.view.phase !== 'Succeeded') return
  clearInterval(stop)
  const { decisions } = shop.controller.release(KEY, '1')!
  process.stdout.write(`record ${JSON.stringify(decisions.map(({ phase, step }) => `${phase} ${step}`))}\n`)
  void shop.controller.close()
}, 10)
