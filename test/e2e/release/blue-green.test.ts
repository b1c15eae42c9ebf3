import { createServer } from 'node:http'
import t from 'tap'
import { scenario } from '../support/scenario.ts'

t.setTimeout(300_000)

t.test(
  'blue-green: checked off the traffic, switched at 500 requests/s without a loss, and back within a moment',
  async (t) => {
    // What the off-traffic check saw: the phase of the hook, and how many requests green had by then.
    const asked: { type: string; green: number }[] = []
    const hook = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        asked.push({ type: JSON.parse(text).type, green: s.arrived('canary') })
        response.end('ok')
      })
    })
    await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done))
    t.teardown(() => hook.close())
    const { port } = hook.address() as { port: number }
    const s = await scenario(t, {
      release: { strategy: 'BlueGreen', steps: [{ weight: 100, minDuration: '1s' }], bake: '1s' },
      analysis: { confidence: 0.9999 },
      hooks: [{ phase: 'BeforeStep', url: `http://127.0.0.1:${port}/check` }],
      load: { perSecond: 500 },
    })
    await s.load.more(500)
    await s.done('start', { revision: 'green' })
    const { release, serving } = await s.over()
    t.match(release, { phase: 'Succeeded', harmedRequests: 0 })
    t.equal(serving, 'canary')
    t.same(asked, [{ type: 'BeforeStep', green: 0 }], 'asked once, before green had any traffic')
    await s.quiet(t, 'stable')

    const begun = performance.now()
    await s.done('rollback')
    const tookMs = performance.now() - begun
    const back = await s.gate()
    t.match(back, { serving: 'stable', release: { phase: 'RolledBack' } })
    t.comment(`rolled back within ${tookMs.toFixed(0)} ms`)
    await s.quiet(t, 'canary')
    const before = await s.record()
    await s.done('rollback')
    const again = await s.gate()
    t.equal(again.serving, 'stable', 'a second rollback changes nothing')
    t.equal((await s.record()).decisions.length, before.decisions.length)
    s.unharmed(t, 'no request failed in the switch and back')
    t.ok(s.load.seen.length > 1500, `${s.load.seen.length} requests`)
  },
)
