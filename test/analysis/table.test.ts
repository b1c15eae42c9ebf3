import t from 'tap'
import { runRow, summarise, TABLE } from '../../bench/judge/table.ts'
import { policy } from './support.ts'

// The short, seeded form of `npm run bench:judge`: the table of "What it must reach" at 100 requests/s.
const SEEDS = 60

for (const row of TABLE) {
  t.test(row.name, async (t) => {
    // The longest row simulates 600,000 requests a run.
    const seeds = (row.after ?? 0) > 10_000 ? 8 : SEEDS
    const runs = Array.from({ length: seeds }, (_, seed) => runRow(policy, row, 100, 100, 1000 + seed))
    const result = summarise(
      runs.filter(({ convicted }) => convicted).map(({ failed }) => failed),
      seeds,
    )
    t.equal(result.convicted, seeds, 'every run convicts')
    t.ok(result.mean <= row.mean, `mean ${result.mean.toFixed(1)} of at most ${row.mean}`)
    if (row.most !== undefined) t.ok(result.p95 <= row.most, `95 % within ${result.p95} of at most ${row.most}`)
  })
}
