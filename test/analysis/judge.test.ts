import t from 'tap'
import {
  type CellCounts,
  createJudge,
  type Finding,
  type JudgeInput,
  type JudgePolicy,
  type JudgeState,
  judge,
  onStep,
  resumeJudge,
} from '../../src/controller/analysis/index.ts'
import { cell, input, policy } from './support.ts'

/** Feeds cells one after the other, a look after each. */
function feed(
  cells: readonly CellCounts[],
  part: Partial<JudgeInput> = {},
  state: JudgeState = createJudge(policy),
  by: JudgePolicy = policy,
): { state: JudgeState; finding: Finding } {
  let last: { state: JudgeState; finding: Finding } | undefined
  cells.forEach((_, k) => {
    last = judge(by, last?.state ?? state, input(cells.slice(Math.max(0, k - 127), k + 1), part))
  })
  return last!
}

const clean = (from: number, count: number, share = 0.05): CellCounts[] =>
  Array.from({ length: count }, (_, k) =>
    cell(from + k, { share, candidate: { started: 5 }, serving: { started: 95 } }),
  )

t.test('the candidate is fine after about 67 clean requests, not before', async (t) => {
  const at = (n: number) => feed([cell(1, { candidate: { started: n }, serving: { started: 20 * n } })]).finding
  t.equal(at(66).fine, false)
  t.ok(at(66).requestsNeeded > 0 && at(66).requestsNeeded < 5)
  t.equal(at(68).fine, true)
  t.equal(at(68).requestsNeeded, 0)
  t.equal(at(0).requestsNeeded, 67)
})

t.test('requests that still run, and repeated failures of sticky users, do not make it fine', async (t) => {
  const pending = cell(1, { candidate: { started: 100, pending: 50 }, pending: 50 })
  t.equal(feed([pending]).finding.fine, false)
  t.equal(feed([cell(1, { candidate: { started: 100, repeated: 50 } })]).finding.fine, false)
  t.equal(feed([cell(1, { candidate: { started: 100 } })]).finding.fine, true)
})

t.test('a candidate that fails where serving does not is convicted, for good', async (t) => {
  const bad = cell(11, { candidate: { started: 5, bad: 4 }, serving: { started: 95 } })
  const { state, finding } = feed([...clean(1, 10), bad])
  t.match(finding.convicted, { reason: 'ErrorRate', test: 'worse', historical: false })
  t.ok(finding.evidence.total >= finding.evidence.threshold)
  const later = feed(clean(12, 100), {}, state)
  t.ok(later.finding.evidence.total < later.finding.evidence.threshold, 'the evidence is gone')
  t.match(later.finding.convicted, { reason: 'ErrorRate' }, 'the conviction is not')
})

t.test('one error in the first two requests, then clean: not convicted', async (t) => {
  const first = cell(1, { candidate: { started: 2, bad: 1 }, serving: { started: 38 } })
  t.equal(feed([first]).finding.convicted, undefined)
  t.equal(feed([first, ...clean(2, 60)]).finding.fine, true)
})

t.test('a candidate that is slow is convicted of latency', async (t) => {
  const slow = { candidate: { started: 5, timed: 5, slow: 5 }, serving: { started: 95, timed: 95, slow: 1 } }
  t.match(feed([1, 2, 3, 4].map((epoch) => cell(epoch, slow))).finding.convicted, {
    reason: 'Latency',
    test: 'slowWorse',
  })
})

t.test('an absolute latency limit convicts where it is on', async (t) => {
  const strict = { ...policy, latency: { ...policy.latency, maxOn: true } }
  const slow = { candidate: { started: 5, timed: 5, slowMax: 4 }, serving: { started: 95, timed: 95 } }
  const cells = [1, 2, 3, 4].map((epoch) => cell(epoch, slow))
  t.match(feed(cells, {}, createJudge(strict), strict).finding.convicted, { test: 'slowMax', reason: 'Latency' })
  t.equal(feed(cells).finding.convicted, undefined)
})

t.test('held while serving is pending: its requests may fail like the candidate did', async (t) => {
  const fails = (longPending: number) =>
    cell(11, { candidate: { started: 5, bad: 5 }, serving: { started: 95, longPending }, pending: longPending })
  const held = feed([...clean(1, 10), fails(95)])
  t.equal(held.finding.convicted, undefined)
  t.equal(held.finding.held, 'ServingPending')
  const failedToo = cell(11, { candidate: { started: 5, bad: 5 }, serving: { started: 95, bad: 95 } })
  const shared = judge(policy, held.state, input([...clean(1, 10), failedToo]))
  t.equal(shared.finding.convicted, undefined, 'they did')
  const fine = judge(policy, held.state, input([...clean(1, 10), fails(0)]))
  t.match(fine.finding.convicted, { test: 'worse' }, 'they did not')
})

t.test('a shared failure holds, names itself, and convicts nobody when it is over', async (t) => {
  const outage = Array.from({ length: 30 }, (_, k) =>
    cell(11 + k, { share: 0.5, candidate: { started: 50, bad: 15 }, serving: { started: 50, bad: 15 } }),
  )
  const during = feed([...clean(1, 10, 0.5), ...outage], { servingRecent: { requests: 500, bad: 150 } })
  t.equal(during.finding.convicted, undefined)
  t.equal(during.finding.held, 'SharedFailure')
  t.equal(during.finding.fine, false)
  let { state } = during
  const cells = [...clean(1, 10, 0.5), ...outage]
  for (let epoch = 41; epoch < 300; epoch++) {
    cells.push(cell(epoch, { share: 0.5, candidate: { started: 50 }, serving: { started: 50 } }))
    const look = judge(policy, state, input(cells.slice(-128)))
    if (look.finding.convicted) t.fail(`convicted ${epoch - 40} s after the outage`)
    state = look.state
  }
})

t.test('worse than serving comes before a shared failure', async (t) => {
  const cells = Array.from({ length: 10 }, (_, k) =>
    cell(k + 1, { share: 0.5, candidate: { started: 50, bad: 40 }, serving: { started: 50, bad: 4 } }),
  )
  t.match(feed(cells, { servingRecent: { requests: 500, bad: 40 } }).finding.convicted, { test: 'worse' })
})

t.test('while serving breaks maxErrorRate nothing speaks for the candidate', async (t) => {
  t.equal(feed(clean(1, 40), { servingRecent: { requests: 1000, bad: 60 } }).finding.fine, false)
  t.equal(feed(clean(1, 40)).finding.fine, true)
})

t.test('at weight 100 the candidate is measured by what serving was', async (t) => {
  const fails = (bad: number) =>
    Array.from({ length: 20 }, (_, k) => cell(k + 1, { share: 1, candidate: { started: 100, bad } }))
  const bad = feed(fails(4)).finding
  t.match(bad.convicted, { reason: 'ErrorRate', test: 'worse', historical: true })
  const asBefore = { servingHistory: { requests: 20_000, bad: 800, timed: 20_000, slow: 200 } }
  t.equal(feed(fails(4), asBefore).finding.convicted, undefined, 'serving failed as often')
  const unknown = { servingHistory: { requests: 0, bad: 0, timed: 0, slow: 0 } }
  t.equal(feed(fails(4), unknown).finding.convicted, undefined, 'nothing is known of serving')
})

t.test(
  'at weight 100 a busy host convicts nobody of latency; a candidate that is really slow is convicted',
  async (t) => {
    const slow = (count: number) =>
      Array.from({ length: 60 }, (_, k) =>
        cell(k + 1, { share: 1, candidate: { started: 100, timed: 100, slow: count } }),
      )
    t.equal(feed(slow(25)).finding.convicted, undefined)
    t.match(feed(slow(80)).finding.convicted, { reason: 'Latency', historical: true })
  },
)

t.test('a bad endpoint is ejected once, and the version goes on without what it did', async (t) => {
  const names = Array.from({ length: 10 }, (_, k) => `pod-${k}`)
  const counts = (bad: number) => names.map((name, k) => ({ name, picks: 50, bad: k === 3 ? bad : 0 }))
  let { state } = feed(clean(1, 50, 0.5), { endpoints: counts(0) })
  const cells = clean(1, 50, 0.5)
  let blamed: Finding | undefined
  for (let bad = 1; bad < 8 && !blamed?.badEndpoint; bad++) {
    cells.push(cell(50 + bad, { share: 0.5, candidate: { started: 10, bad: 1 }, serving: { started: 10 } }))
    const look = judge(policy, state, input(cells, { endpoints: counts(bad) }))
    state = look.state
    blamed = look.finding
    t.equal(blamed.convicted, undefined)
  }
  t.match(blamed, { badEndpoint: 'pod-3', held: 'BadEndpoint' })
  const rest = counts(0).filter(({ name }) => name !== 'pod-3')
  cells.push(...clean(60, 1, 0.5))
  const after = judge(policy, state, input(cells, { endpoints: rest }))
  t.equal(after.finding.held, undefined)
  t.ok(after.finding.evidence.total <= 1e-9, 'it starts again')
  const again = Array.from({ length: 10 }, (_, k) =>
    cell(61 + k, { share: 0.5, candidate: { started: 10, bad: 5 }, serving: { started: 10 } }),
  )
  t.match(feed(again, { endpoints: rest }, after.state).finding.convicted, { reason: 'ErrorRate' }, 'once only')
})

t.test('all endpoints bad: the version is convicted, none of them', async (t) => {
  const endpoints = (bad: number) => Array.from({ length: 10 }, (_, k) => ({ name: `pod-${k}`, picks: 50, bad }))
  const cells = [cell(1, { share: 0.5, candidate: { started: 100, bad: 50 }, serving: { started: 100 } })]
  const { finding } = judge(policy, createJudge(policy), input(cells, { endpoints: endpoints(5) }))
  t.match(finding, { convicted: { reason: 'ErrorRate' } })
  t.equal(finding.badEndpoint, undefined)
})

t.test('several replicas share the chance of a false alarm', async (t) => {
  const threshold = (replicas: number, scope: JudgePolicy['scope']) => {
    const by = { ...policy, replicas, scope }
    return Math.exp(feed(clean(1, 1), {}, createJudge(by), by).finding.evidence.threshold)
  }
  t.equal(Math.round(threshold(1, 'pooled')), 100)
  t.equal(Math.round(threshold(1, 'local')), 100)
  t.equal(Math.round(threshold(3, 'pooled')), 200)
  t.equal(Math.round(threshold(3, 'local')), 600)
})

t.test('a new step and a restart keep the capital', async (t) => {
  const cells = [...clean(1, 30), cell(31, { candidate: { started: 5, bad: 1 }, serving: { started: 95 } })]
  const { state } = feed([...cells, ...clean(32, 130)])
  t.ok(state.folded > 31)
  t.same(onStep(state).capital, state.capital)
  const resumed = resumeJudge(JSON.parse(JSON.stringify(state)))
  t.same(resumed.capital, state.capital)
  const first = judge(policy, resumed, input(clean(1, 1)))
  t.equal(first.finding.fine, true, 'epochs begin anew, what was proven stays')
})
