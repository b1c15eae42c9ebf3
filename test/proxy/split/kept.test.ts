import t from 'tap'
import { Splitters } from '../../../src/proxy/splitters.ts'
import { seededRandom } from '../../../src/random.ts'
import { testGate } from '../support/proxy.ts'

t.test('a splitter stays with its gate over reloads, and is new with other variants', async (t) => {
  const splitters = new Splitters(seededRandom(1))
  const gate = testGate({ stable: ['http://127.0.0.1:1'], canary: ['http://127.0.0.1:2'] })
  const first = splitters.of(gate)
  t.equal(splitters.of({ ...gate }), first)
  splitters.keepOnly([gate])
  t.equal(splitters.of(gate), first)
  t.not(splitters.of({ ...gate, variants: gate.variants.slice(0, 1) }), first, 'other variants')
  const again = splitters.of(gate)
  splitters.keepOnly([])
  t.not(splitters.of(gate), again, 'a gate that was gone begins anew')
})
