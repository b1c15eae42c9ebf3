/**
 * The judge's proof: `npm run bench:judge`. The table of what it must reach and all situations in which nobody may be
 * rolled back, with the figures of the threshold loop beside them. Writes bench/JUDGE.md and bench/results/judge-DATE.json.
 *
 *   node bench/judge.ts [--state FILE] [--minutes M] [--jobs J] [--seeds N] [--row-seeds N]
 *
 * With --state it goes on where it stopped; --minutes stops it; --jobs uses several processes.
 */
import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { report } from './judge/report.ts'
import { merge, type Piece, pieces, runPiece, type Tally } from './judge/work.ts'

export interface State {
  rowSeeds: number
  situationSeeds: number
  /** Pieces that are done, by `key@firstSeed`. */
  done: string[]
  tallies: Record<string, Tally>
}

const nameOf = ({ key, firstSeed }: Piece): string => `${key}@${firstSeed}`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      minutes: { type: 'string', default: '0' },
      jobs: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '2000' },
      'row-seeds': { type: 'string', default: '300' },
    },
  })
  const state = load(values.state, Number(values['row-seeds']), Number(values.seeds))
  const done = new Set(state.done)
  const todo = pieces(state.rowSeeds, state.situationSeeds).filter((piece) => !done.has(nameOf(piece)))
  const started = performance.now()
  const stopMs = Number(values.minutes) > 0 ? Number(values.minutes) * 60_000 : Number.POSITIVE_INFINITY
  const next = () => (performance.now() - started < stopMs ? todo.shift() : undefined)
  let saved = performance.now()
  const finish = (piece: Piece, tally: Tally) => {
    state.done.push(nameOf(piece))
    state.tallies[piece.key] = merge(state.tallies[piece.key], tally)
    if (performance.now() - saved < 5000) return
    saved = performance.now()
    save(values.state, state)
    process.stderr.write(`\r${state.done.length} of ${state.done.length + todo.length} pieces`)
  }
  const jobs = Number(values.jobs)
  if (jobs > 1) await Promise.all(Array.from({ length: jobs }, () => work(next, finish)))
  else for (let piece = next(); piece; piece = next()) finish(piece, runPiece(piece))
  save(values.state, state)
  process.stderr.write('\n')
  report(state, todo.length)
}

/** One child process that works until nothing is left. */
function work(next: () => Piece | undefined, finish: (piece: Piece, tally: Tally) => void): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--child'])
  return new Promise((resolve, reject) => {
    let piece = next()
    const give = () => {
      if (piece) child.send(piece)
      else child.disconnect()
    }
    child.on('message', (tally: Tally) => {
      finish(piece!, tally)
      piece = next()
      give()
    })
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
    give()
  })
}

function load(file: string | undefined, rowSeeds: number, situationSeeds: number): State {
  const fresh: State = { rowSeeds, situationSeeds, done: [], tallies: {} }
  if (file === undefined) return fresh
  try {
    return { ...(JSON.parse(readFileSync(file, 'utf8')) as State), rowSeeds, situationSeeds }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return fresh
    throw error
  }
}

function save(file: string | undefined, state: State): void {
  if (file === undefined) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(state))
  renameSync(`${file}.new`, file)
}

if (process.argv[2] === '--child') process.on('message', (piece: Piece) => process.send!(runPiece(piece)))
else await main()
