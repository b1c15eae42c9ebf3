import { mkdirSync, writeFileSync } from 'node:fs'
import type { State } from '../judge.ts'
import { SITUATIONS } from './situations.ts'
import { summarise, TABLE } from './table.ts'
import { RATES, rowKey, rowLoopKey, situationKey, situationLoopKey } from './work.ts'

/** Writes bench/JUDGE.md for people and bench/results/judge-DATE.json for comparisons over time. */
export function report(state: State, left: number): void {
  const date = new Date().toISOString().slice(0, 10)
  const text = [
    '# The judge, measured',
    '',
    `Simulated by \`npm run bench:judge\` on ${date}, Node ${process.version}, with the defaults of a Gate's \`analysis\`.`,
    left > 0 ? `\nNot complete: ${left} pieces are left; the counts of runs are in the tables.` : '',
    '',
    '## Failed candidate requests until conviction',
    '',
    'Mean and, after the slash, what 95 % of the runs need at most. Every figure is over the runs in parentheses; all of them',
    'convict unless it says otherwise. A look every 10 requests or so; at 1000 requests/s every 20 ms, as the controller does when candidate requests',
    'fail. The loop: success rate below 99 % in two checks, ',
    'every 10 s or 60 s, at 100 requests/s, ten minutes from the beginning of the fault; in parentheses how many of the runs it rolls back.',
    '',
    `| share, rates | at most | ${RATES.map(({ rate }) => `${rate}/s`).join(' | ')} | loop 10 s | loop 60 s |`,
    `|---|---|${RATES.map(() => '---|').join('')}---|---|`,
    ...TABLE.map((row, index) => {
      const cells = RATES.map(({ rate, tickMs }) => figure(state, rowKey(index, rate, tickMs)))
      const loops = [0, 1].map((loop) => loopFigure(state, rowLoopKey(index, loop)))
      return `| ${row.name} | ${row.mean}${row.most === undefined ? '' : ` / ${row.most}`} | ${[...cells, ...loops].join(' | ')} |`
    }),
    '',
    '## False rollbacks',
    '',
    'Runs of 150,000 requests that end in a rollback, at most 1 % allowed.',
    '',
    '| situation | share | judge | loop 10 s | loop 60 s |',
    '|---|---|---|---|---|',
    ...SITUATIONS.flatMap(({ name, shares }, index) =>
      shares.map((share) => {
        const loops = [0, 1].map((loop) => rate(state, situationLoopKey(index, share, loop)))
        return `| ${name} | ${share * 100} % | ${rate(state, situationKey(index, share))} | ${loops.join(' | ')} |`
      }),
    ),
    '',
  ].join('\n')
  writeFileSync(new URL('../JUDGE.md', import.meta.url), text)
  const results = new URL('../results/', import.meta.url)
  mkdirSync(results, { recursive: true })
  writeFileSync(new URL(`judge-${date}.json`, results), `${JSON.stringify(compact(state, left))}\n`)
  process.stdout.write(text)
}

function figure({ tallies }: State, key: string): string {
  const tally = tallies[key]
  if (!tally) return '-'
  const { mean, p95 } = summarise(tally.failed, tally.runs)
  const missed = tally.runs - tally.hits
  return `${mean.toFixed(1)} / ${p95} (${tally.runs}${missed > 0 ? `, ${missed} not convicted` : ''})`
}

function loopFigure({ tallies }: State, key: string): string {
  const tally = tallies[key]
  if (!tally) return '-'
  const part = `(${tally.hits} of ${tally.runs})`
  if (tally.hits === 0) return `never ${part}`
  const { mean, p95 } = summarise(tally.failed, tally.runs)
  return `${mean.toFixed(0)} / ${p95} ${part}`
}

function rate({ tallies }: State, key: string): string {
  const tally = tallies[key]
  if (!tally) return '-'
  return `${tally.hits} of ${tally.runs} (${((100 * tally.hits) / tally.runs).toFixed(2)} %)`
}

function compact(state: State, left: number) {
  const tallies = Object.entries(state.tallies).map(([key, { runs, hits, failed, reasons, cpuMs }]) => {
    const { mean, p95 } = summarise(failed, runs)
    return [key, { runs, hits, mean, p95, reasons, cpuMs: Math.round(cpuMs) }]
  })
  return {
    node: process.version,
    rowSeeds: state.rowSeeds,
    situationSeeds: state.situationSeeds,
    left,
    tallies: Object.fromEntries(tallies),
  }
}
