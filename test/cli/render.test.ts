import fc from 'fast-check'
import t from 'tap'
import { decisionLine } from '../../src/cli/render/decisions.ts'
import { gateDetail } from '../../src/cli/render/gate.ts'
import { gatesTable } from '../../src/cli/render/gates.ts'
import { historyTable, recordDetail } from '../../src/cli/render/history.ts'
import { endLine, gateKey, gateLine } from '../../src/cli/render/lines.ts'
import { percent, rate, span, trim } from '../../src/cli/render/number.ts'
import { evidenceBar, track } from '../../src/cli/render/release.ts'
import { type Style, styleOf } from '../../src/cli/render/style.ts'
import { fit, truncate, widthOf, wrap } from '../../src/cli/render/text.ts'
import { decision, gateView, record, releaseView } from '../admin/fake-service.ts'
import * as expected from './expected.ts'

const NOW = Date.parse('2026-11-25T12:02:10Z')
const plain = (columns: number): Style => ({ color: false, unicode: true, columns })
const GATES = [gateView(), gateView({ name: 'api', release: null, candidate: null, strategy: null })]
const DECISIONS = [
  decision(),
  decision({ time: '2026-11-25T12:01:30.000Z', step: 2, reason: 'Healthy', message: 'step 2 of 5: canary gets 10 %' }),
]

/** Asserts the exact text, and that it fits. */
function shows(
  t: { equal(a: unknown, b: unknown): unknown; ok(a: unknown, message: string): unknown },
  lines: readonly string[],
  columns: number,
  text: string,
): void {
  t.equal(lines.join('\n'), text.replace(/^\n/, '').replace(/\n$/, ''))
  for (const line of lines) t.ok(widthOf(line) <= columns, `${widthOf(line)} columns: ${line}`)
}

t.test('all gates', async (t) => {
  shows(t, gatesTable(GATES, plain(40)), 40, expected.GATES_40)
  shows(t, gatesTable(GATES, plain(80)), 80, expected.GATES_80)
  shows(t, gatesTable(GATES, plain(120)), 120, expected.GATES_120)
  t.same(gatesTable([], plain(80)), ['No gates. A Gate document in the configuration makes one.'])
})

t.test('a gate in release', async (t) => {
  shows(t, gateDetail(gateView(), DECISIONS, NOW, plain(40)), 40, expected.GATE_40)
  shows(t, gateDetail(gateView(), DECISIONS, NOW, plain(80)), 80, expected.GATE_80)
  shows(t, gateDetail(gateView(), DECISIONS, NOW, plain(120)), 120, expected.GATE_120)
})

t.test('a gate without a release, and one that cannot have any', async (t) => {
  t.equal(gateDetail(gateView({ release: null }), [], NOW, plain(80)).at(-1), 'No release yet.')
  const lines = gateDetail(gateView({ release: null, candidate: null, strategy: null }), [], NOW, plain(80))
  t.equal(lines[0], 'default/shop')
  t.notMatch(lines.join('\n'), /release/i)
})

t.test('history and a record', async (t) => {
  const ended = record({
    id: '6b10',
    phase: 'RolledBack',
    finishedAt: '2026-11-25T12:00:08.000Z',
    reason: 'ErrorRate',
    message: 'canary failed 6 of 41 requests (14.6 %), stable 0 of 780',
  })
  const releases = [record(), ended]
  shows(t, historyTable(releases, NOW, plain(40)), 40, expected.HISTORY_40)
  shows(t, historyTable(releases, NOW, plain(80)), 80, expected.HISTORY_80)
  shows(t, recordDetail(ended, NOW, plain(80)), 80, expected.RECORD_80)
  t.same(historyTable([], NOW, plain(80)), ['No releases yet.'])
})

t.test('the track of steps in each phase', async (t) => {
  const shown = (change: Parameters<typeof releaseView>[0]) => track(releaseView(change), plain(80)).join('\n')
  t.equal(shown({ phase: 'Preparing', step: 0 }), '○ 5  ○ 10  ○ 25  ○ 50  ○ 100 %')
  t.equal(shown({ step: 3 }), '● 5  ● 10  ◐ 25  ○ 50  ○ 100 %')
  t.equal(shown({ phase: 'Succeeded', step: 5 }), '● 5  ● 10  ● 25  ● 50  ● 100 %')
  t.equal(shown({ phase: 'RolledBack', step: 2 }), '● 5  ✗ 10  ○ 25  ○ 50  ○ 100 %')
  t.equal(shown({ stepWeights: [] }), '')
  t.equal(track(releaseView({ step: 2 }), { ...plain(80), unicode: false }).join(''), '* 5  > 10  . 25  . 50  . 100 %')
  const many = releaseView({ stepWeights: Array.from({ length: 20 }, (_, i) => (i + 1) * 5), steps: 20 })
  t.equal(track(many, plain(40)).length, 3)
  t.ok(track(many, plain(40)).every((line) => widthOf(line) <= 40))
})

t.test('the bar is full only when the evidence convicts', async (t) => {
  const bar = (total: number, columns = 80) => evidenceBar({ total, threshold: 4.61 }, plain(columns))
  t.equal(bar(-3), '[░░░░░░░░░░░░░░░░░░░░] -3.0 of 4.6 convicts')
  t.equal(bar(2.3), '[██████████░░░░░░░░░░] 2.3 of 4.6 convicts')
  t.equal(bar(4.6), '[███████████████████░] 4.6 of 4.6 convicts')
  t.equal(bar(4.61), '[████████████████████] 4.6 of 4.6 convicts')
  t.equal(bar(1e9, 40), '[██████████] 1000000000.0 of 4.6')
})

t.test('lines of a log', async (t) => {
  const style = plain(Number.POSITIVE_INFINITY)
  t.equal(
    gateLine(gateView(), NOW, style),
    '12:02:10Z default/shop stable=95 canary=5 (stable 812.4 rps 0.02 % errors, canary 43.1 rps 0.00 % errors) ' +
      'Progressing 1/5 Undecided NeedRequests: about 240 more canary requests',
  )
  t.equal(
    decisionLine(decision(), style),
    '12:00:00Z Progressing step 1 stable=95 canary=5 StepStarted: step 1 of 5: canary gets 5 %',
  )
  t.equal(
    endLine(gateView(), record({ phase: 'Succeeded', finishedAt: '2026-11-25T12:05:00.000Z' }), style),
    'default/shop: release 7f3a Succeeded after 5 m 0 s, 1 harmed, 4 rescued requests. NeedRequests: about 240 more canary requests',
  )
  const variants = gateView().variants.map((variant) => ({ ...variant, requestsPerSecond: 1 }))
  t.equal(gateKey(gateView()), gateKey(gateView({ variants })), 'a rate alone is no new line')
  t.not(gateKey(gateView()), gateKey(gateView({ release: releaseView({ step: 2 }) })))
})

t.test('figures', async (t) => {
  t.same([0, 0.05, 43.14, 812.44, 1204.4].map(rate), ['0.0', '0.05', '43.1', '812.4', '1204'])
  t.same([0, 0.001, 0.02, 14.634].map(percent), ['0.00', '<0.01', '0.02', '14.63'])
  t.same([0, 59_499, 130_000, 11_100_000, 180_000_000].map(span), ['0 s', '59 s', '2 m 10 s', '3 h 5 m', '2 d 2 h'])
  t.same(
    [95, 94.8, 0.05, 33.333].map((value) => trim(value)),
    ['95', '94.8', '0.05', '33.33'],
  )
})

t.test('colours and symbols: only where the terminal takes them', async (t) => {
  t.match(styleOf({ isTTY: true, columns: 100 }, { LANG: 'en_GB.UTF-8' }), { color: true, unicode: true, columns: 100 })
  t.match(styleOf({ isTTY: true, columns: 20 }, {}), { columns: 40 })
  t.match(styleOf({ isTTY: true }, { NO_COLOR: '1' }), { color: false })
  t.match(styleOf({ isTTY: true }, { TERM: 'dumb' }), { color: false, unicode: false })
  t.match(styleOf({ isTTY: true }, { LC_ALL: 'C' }), { unicode: false })
  t.match(styleOf({}, {}), { color: false, columns: Number.POSITIVE_INFINITY })
  const colored = gateDetail(gateView(), DECISIONS, NOW, { color: true, unicode: true, columns: 80 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  t.same(colored.join('\n').replace(/\x1b\[\d+m/g, ''), gateDetail(gateView(), DECISIONS, NOW, plain(80)).join('\n'))
})

t.test('whatever comes, it fits', async (t) => {
  const word = fc.string({ maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 40, max: 200 }), word, word, fc.boolean(), (columns, message, revision, color) => {
      const style = { color, unicode: true, columns }
      const gate = gateView({ release: releaseView({ message, reason: 'X' }) })
      const lines = [...gatesTable([gate], style), ...gateDetail(gate, [decision({ message })], NOW, style)]
      for (const line of lines) if (widthOf(line) > columns) throw new Error(`${columns}: ${line}`)
      const text = `\x1b[31m${revision}\x1b[0m ${message}`
      return widthOf(fit(text, columns)) <= columns && widthOf(truncate(message, 10)) <= 10
    }),
    { seed: 20261125, numRuns: 300 },
  )
  t.same(wrap('a bb ccc dddddd', 4), ['a bb', 'ccc', 'dddd', 'dd'])
  t.equal(truncate('abcdef', 4), 'abc…')
  t.equal(fit('\x1b[1mabcdef\x1b[0m', 3), '\x1b[1mabc\x1b[0m')
})
