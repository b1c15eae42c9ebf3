import { type JudgePolicy, judgePolicy } from '../../src/controller/analysis/index.ts'
import { seededRandom } from '../../src/random.ts'
import { LOOPS, runLoop } from '../../src/simulate/loop.ts'
import { runSituation, SITUATIONS } from './situations.ts'
import { runRow, scenarioOf, TABLE } from './table.ts'

/** Pieces of the whole proof: each is a few seconds of one core, and its result adds up with others of its key. */
export interface Piece {
  key: string
  kind: 'row' | 'situation' | 'rowLoop' | 'situationLoop'
  index: number
  /** Requests per second and time between looks (rows); share (situations); loop (loops). */
  rate: number
  tickMs: number
  share: number
  loop: number
  firstSeed: number
  seeds: number
}

export interface Tally {
  runs: number
  /** Convicted or rolled back. */
  hits: number
  /** Failed candidate requests until then, of each hit. */
  failed: number[]
  reasons: Record<string, number>
  cpuMs: number
}

/** The defaults of the contract: what the table is of. */
export const POLICY: JudgePolicy = judgePolicy({
  confidence: 0.99,
  maxErrorRate: 5,
  errorTolerance: { ratio: 1.25, floor: 0.1 },
  latency: { quantile: 0.99, ratio: 1.5, floor: 1, max: 0 },
})

/** Requests/s and time between looks: about ten requests each; at 1000/s what the controller does when a candidate request fails. */
export const RATES: readonly { rate: number; tickMs: number }[] = [
  { rate: 2, tickMs: 1000 },
  { rate: 10, tickMs: 1000 },
  { rate: 100, tickMs: 100 },
  { rate: 1000, tickMs: 20 },
]
const CHUNK = 25
/** A loop is given ten minutes: longer than most releases. */
const LOOP_SECONDS = 600
const LOOP_SEEDS = 200

export const rowKey = (index: number, rate: number, tickMs: number): string => `row/${index}/${rate}/${tickMs}`
export const situationKey = (index: number, share: number): string => `situation/${index}/${share}`
export const rowLoopKey = (index: number, loop: number): string => `row-loop/${index}/${loop}`
export const situationLoopKey = (index: number, share: number, loop: number): string =>
  `situation-loop/${index}/${share}/${loop}`

/** All pieces, a chunk of seeds of everything first, then the next: a run that is cut short has something of each. */
export function pieces(rowSeeds: number, situationSeeds: number): Piece[] {
  const out: Piece[] = []
  const none = { rate: 100, tickMs: 100, share: 0, loop: 0 }
  for (let firstSeed = 0; firstSeed < Math.max(rowSeeds, situationSeeds); firstSeed += CHUNK) {
    const add = (limit: number, piece: Omit<Piece, 'firstSeed' | 'seeds'>) => {
      if (firstSeed < limit) out.push({ ...piece, firstSeed, seeds: Math.min(CHUNK, limit - firstSeed) })
    }
    TABLE.forEach((_, index) => {
      for (const { rate, tickMs } of RATES)
        add(rowSeeds, { ...none, key: rowKey(index, rate, tickMs), kind: 'row', index, rate, tickMs })
      LOOPS.forEach((_, loop) => {
        add(Math.min(LOOP_SEEDS, rowSeeds), { ...none, key: rowLoopKey(index, loop), kind: 'rowLoop', index, loop })
      })
    })
    SITUATIONS.forEach(({ shares }, index) => {
      for (const share of shares) {
        add(situationSeeds, { ...none, key: situationKey(index, share), kind: 'situation', index, share })
        LOOPS.forEach((_, loop) => {
          const key = situationLoopKey(index, share, loop)
          add(Math.min(LOOP_SEEDS, situationSeeds), { ...none, key, kind: 'situationLoop', index, share, loop })
        })
      }
    })
  }
  return out
}

const MAX_REQUESTS = 150_000

export function runPiece(piece: Piece): Tally {
  const tally: Tally = { runs: 0, hits: 0, failed: [], reasons: {}, cpuMs: 0 }
  const before = process.cpuUsage()
  for (let seed = piece.firstSeed; seed < piece.firstSeed + piece.seeds; seed++) {
    const { hit, failed, reason } = runOne(piece, 1 + seed * 7919 + piece.rate * 104_729 + piece.tickMs)
    tally.runs++
    if (!hit) continue
    tally.hits++
    tally.failed.push(failed)
    tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1
  }
  const used = process.cpuUsage(before)
  tally.cpuMs = (used.user + used.system) / 1000
  return tally
}

function runOne(piece: Piece, seed: number): { hit: boolean; failed: number; reason: string } {
  const { kind, index, rate, tickMs, share, loop } = piece
  switch (kind) {
    case 'row': {
      const { convicted, failed, reason } = runRow(POLICY, TABLE[index]!, rate, tickMs, seed)
      return { hit: convicted, failed, reason }
    }
    case 'situation': {
      const { convicted, failed, reason } = runSituation(POLICY, SITUATIONS[index]!, share, seed, MAX_REQUESTS)
      return { hit: convicted, failed, reason }
    }
    case 'rowLoop': {
      const row = TABLE[index]!
      // A fault that begins later has its ten minutes from then on.
      const maxRequests = LOOP_SECONDS * rate + (row.after ?? 0) / row.share
      const options = { share: row.share, maxRequests }
      const result = runLoop(LOOPS[loop]!, scenarioOf(row, rate), seededRandom(seed), options)
      return { hit: result.rolledBack, failed: result.failed, reason: 'loop' }
    }
    case 'situationLoop': {
      const options = { share, maxRequests: MAX_REQUESTS }
      const result = runLoop(LOOPS[loop]!, SITUATIONS[index]!.scenario, seededRandom(seed), options)
      return { hit: result.rolledBack, failed: result.failed, reason: 'loop' }
    }
  }
}

/** `into` with `more` added. */
export function merge(into: Tally | undefined, more: Tally): Tally {
  if (!into) return more
  const reasons = { ...into.reasons }
  for (const [reason, count] of Object.entries(more.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count
  return {
    runs: into.runs + more.runs,
    hits: into.hits + more.hits,
    failed: [...into.failed, ...more.failed],
    reasons,
    cpuMs: into.cpuMs + more.cpuMs,
  }
}
