import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Verb } from '../../../src/admin/index.ts'
import { heldAt, type Scenario, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

/** What is illegal changes nothing: each of `verbs` is refused with its code and the release stands where it stood. */
async function refused(t: Test, s: Scenario, codes: Partial<Record<Verb, string>>): Promise<void> {
  const before = (await s.gate()).release
  for (const [verb, code] of Object.entries(codes)) {
    const answer = await s.act(verb)
    t.match({ status: answer.status, ...(answer.json() as object) }, { status: 409, code }, `${verb}: ${code}`)
  }
  const after = (await s.gate()).release
  t.match(after, before === null ? null : { id: before.id, phase: before.phase, step: before.step })
}

const NOTHING_RUNS = {
  pause: 'no-release-running',
  resume: 'no-release-running',
  skip: 'no-release-running',
  promote: 'no-release-running',
  abort: 'no-release-running',
} as const

/** A hook that answers when it is told to. */
async function gatekeeper(t: Test): Promise<{ url: string; open(): void }> {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  const server = createServer((request, response) => {
    request.resume()
    void opened.then(() => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, open }
}

t.test('verbs before, during and after a release', { buffered: true }, async (t) => {
  const hook = await gatekeeper(t)
  const s = await scenario(t, {
    release: {
      steps: [
        { weight: 10, minDuration: '600s' },
        { weight: 50, minDuration: '600s' },
        { weight: 100, minDuration: '600s' },
      ],
      bake: '600s',
    },
    hooks: [{ phase: 'BeforeRelease', url: hook.url, timeout: '120s' }],
  })

  t.comment('Idle')
  await refused(t, s, { ...NOTHING_RUNS, retry: 'nothing-to-retry', rollback: 'nothing-to-roll-back' })

  t.comment('Preparing')
  await s.done('start', { revision: 'v2' })
  t.match((await s.gate()).release, { phase: 'Preparing', revision: 'v2' })
  await refused(t, s, { start: 'release-running', retry: 'release-running', resume: 'not-paused', skip: 'preparing' })
  await s.done('pause')
  t.match((await s.gate()).release, { phase: 'Paused', reason: 'Manual' })
  await refused(t, s, { pause: 'already-paused', skip: 'preparing' })
  await s.done('resume')
  hook.open()

  t.comment('Progressing')
  await s.until(({ release }) => release!.phase === 'Progressing' && release!.step === 1)
  await refused(t, s, { start: 'release-running', retry: 'release-running', resume: 'not-paused' })
  await s.done('pause')
  await refused(t, s, { start: 'release-running', retry: 'release-running', pause: 'already-paused' })
  t.equal((await s.gate()).variants[1]!.weight, 10, 'a pause leaves the weights')
  await s.done('resume')
  await s.done('skip')
  t.match(await s.gate(), { release: { phase: 'Progressing', step: 2 }, variants: [{ weight: 50 }, { weight: 50 }] })

  t.comment('Aborted')
  await s.done('abort')
  t.match(await s.gate(), {
    release: { phase: 'Aborted', reason: 'Manual' },
    variants: [{ weight: 100 }, { weight: 0 }],
  })
  await s.quiet(t, 'canary')
  await refused(t, s, NOTHING_RUNS)
  t.match((await s.act('rollback')).status, 200, 'a rollback of what is rolled back is done already')

  t.comment('retry, and rollback in mid-release')
  await s.done('retry')
  await s.until(({ release }) => release!.id === '2' && release!.phase === 'Progressing')
  await s.done('rollback')
  t.match((await s.gate()).release, { id: '2', phase: 'RolledBack', reason: 'Manual' })

  t.comment('skip to the end, promote, and undo it')
  await s.done('start', { revision: 'v3' })
  await s.until(({ release }) => release!.id === '3' && release!.phase === 'Progressing')
  await s.done('skip')
  await s.done('skip')
  t.match(await s.gate(), { release: { step: 3 }, variants: [{ weight: 0 }, { weight: 100 }] })
  await s.done('skip')
  t.match((await s.gate()).release, { phase: 'Progressing', step: 3, reason: 'Baking' })
  await s.done('promote')
  t.match(await s.over(), { serving: 'canary', release: { phase: 'Succeeded' } })
  await refused(t, s, { ...NOTHING_RUNS, retry: 'nothing-to-retry' })
  await s.done('rollback')
  t.match(await s.gate(), { serving: 'stable', release: { id: '3', phase: 'RolledBack' } })
  await s.quiet(t, 'canary')
  s.unharmed(t, 'nobody noticed any of it')

  const { items } = (await s.program.api('GET', '/v1/gates/default/shop/releases')).json() as { items: object[] }
  t.match(items, [
    { id: '3', revision: 'v3', phase: 'RolledBack' },
    { id: '2', revision: 'v2', phase: 'RolledBack' },
    { id: '1', revision: 'v2', phase: 'Aborted' },
  ])
})

t.test('weights by hand: refused in a release, and with force it pauses', { buffered: true }, async (t) => {
  const s = await scenario(t, { release: { steps: heldAt(10) } })
  const put = (weights: Record<string, number>, force?: boolean) =>
    s.program.api('PUT', '/v1/gates/default/shop/weights', { weights, ...(force === undefined ? {} : { force }) })
  t.equal((await put({ stable: 60, canary: 30 })).status, 400, 'they must sum to 100')
  t.equal((await put({ stable: 60, canary: 40 })).status, 200)
  await s.load.more(100)
  t.ok(s.arrived('canary') > 0, 'without a release they are in force')
  t.equal((await put({ stable: 100 })).status, 200)

  await s.done('start')
  await s.until(({ release }) => release!.step === 1)
  const answer = await put({ stable: 70, canary: 30 })
  t.match({ status: answer.status, ...(answer.json() as object) }, { status: 409, code: 'release-running' })
  t.equal((await s.gate()).variants[1]!.weight, 10, 'nothing changed')
  t.equal((await put({ stable: 70, canary: 30 }, true)).status, 200)
  t.match(await s.gate(), {
    release: { phase: 'Paused', step: 1, reason: 'ManualWeights' },
    variants: [{ weight: 70 }, { weight: 30 }],
  })
  await s.done('resume')
  t.match(await s.gate(), { release: { phase: 'Progressing', step: 1 }, variants: [{ weight: 90 }, { weight: 10 }] })
  await s.done('abort')
  await s.quiet(t, 'canary')
  s.unharmed(t)
})
