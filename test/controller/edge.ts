import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/clock.ts'
import type { GateConfig } from '../../src/config/schema.ts'
import {
  type ControlEvent,
  Controller,
  type EndpointCounts,
  type Environment,
  type GateEnvironment,
  type Readiness,
} from '../../src/controller/index.ts'
import { disk, type Files } from '../../src/controller/store/files.ts'
import {
  advanceEpoch,
  type Block,
  clearBitmaps,
  createBlock,
  createRecorder,
  currentEpoch,
  type GateRecorder,
  readCells,
  readTable,
  Steering,
  setHarmLeft,
} from '../../src/metrics/index.ts'
import { seededRandom } from '../../src/random.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { parseGate } from './gate.ts'

const VARIANTS = ['stable', 'canary']
export const KEY = 'default/shop'

/** What outlives a process: the shared memory does not, the endpoints and the clock do. */
export class Edge {
  readonly #clock: Clock
  readonly readiness: Record<string, Readiness> = { stable: { ready: 1, total: 1 }, canary: { ready: 1, total: 1 } }
  /** Share of failing requests by variant. */
  readonly failing: Record<string, number> = { stable: 0, canary: 0 }
  readonly #random = seededRandom(7)
  readonly logs: { level: string; message: string }[] = []
  block!: Block
  #recorder!: GateRecorder
  /** Requests that were split onto each variant. */
  readonly sent: Record<string, number> = { stable: 0, canary: 0 }
  /** Counts by endpoint of the candidate. */
  endpoints: EndpointCounts[] = []
  ejected: string[] = []
  epochs = 0
  /** Evidence that was told to the metrics, by test. */
  readonly evidence = new Map<string, number>()

  /** The manual clock, unless the edge lives on the real one. */
  readonly clock = new ManualClock()

  constructor(clock?: Clock) {
    this.#clock = clock ?? this.clock
    this.boot()
  }

  get ownClock(): Clock {
    return this.#clock
  }

  /** A new process: its memory is empty. */
  boot(): void {
    this.block = createBlock({ workers: 1, variants: VARIANTS.length, endpoints: 4 })
    setHarmLeft(this.block, -1)
    this.#recorder = createRecorder(this.block, 0, this.#clock)
  }

  environment(clock: Clock = this.#clock): Environment {
    const log = (level: string) => (_fields: object, message: string) => void this.logs.push({ level, message })
    const nothing = () => {}
    return {
      clock,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      telemetry: {
        setPhase: nothing,
        releaseEnded: nothing,
        rollbackEnded: nothing,
        setEvidence: (_gate, test, ln) => void this.evidence.set(test, ln),
      },
      gate: () => this.#gate(this.block),
    }
  }

  #gate(block: Block): GateEnvironment {
    return {
      advanceEpoch: (table) => {
        this.epochs++
        return advanceEpoch(block, table)
      },
      epoch: () => currentEpoch(block),
      alarm: () => Atomics.load(block.words, Steering.alarm),
      readCells: (from) => readCells(block, from),
      markStep: () => clearBitmaps(block),
      endpoints: () => this.endpoints,
      recent: () => ({ requests: 0, bad: 0 }),
      history: () => ({ requests: 0, bad: 0, timed: 0, slow: 0 }),
      quantileUs: () => undefined,
      readiness: (variant) => this.readiness[VARIANTS[variant]!] ?? { ready: 0, total: 0 },
      harmLeft: () => {
        const left = Atomics.load(block.words, Steering.harmLeft)
        return left < 0 ? undefined : left
      },
      setHarm: (left) => setHarmLeft(block, left ?? -1),
      setThresholds: () => {},
      eject: (name) => void this.ejected.push(name),
      readmit: () => {
        this.ejected = []
      },
      totals: () => ({ harmed: 0, rescued: 0 }),
      revision: () => null,
    }
  }

  weights(): Record<string, number> {
    const { weightsBps } = readTable(this.block, currentEpoch(this.block))
    return Object.fromEntries(VARIANTS.map((name, index) => [name, weightsBps[index]! / 100]))
  }

  /** One client's request, split by the table in force and observed. */
  request(): void {
    const epoch = this.#recorder.epoch()
    const shut = this.#recorder.shut(epoch)
    const canary = !shut && this.#random() * 10_000 < readTable(this.block, epoch).weightsBps[1]!
    const variant = canary ? 1 : 0
    const name = VARIANTS[variant]!
    this.sent[name]!++
    const observation = this.#recorder.observe(epoch, variant, -1)
    if (this.#random() < this.failing[name]!) observation?.bad()
    observation?.end()
  }

  /** A user sees a failed answer of the candidate. */
  harm(): void {
    this.#recorder.harmed(this.#recorder.epoch())
  }

  /** Traffic for `ms`: `perSecond` requests in steps of a look, letting writes finish in between. */
  async flow(ms: number, perSecond = 100): Promise<void> {
    for (const end = this.clock.nowMs() + ms; this.clock.nowMs() < end; ) {
      for (let i = 0; i < perSecond / 10; i++) this.request()
      this.clock.advance(100)
      await settled()
    }
  }
}

/** What a process is writing at the moment; a dead one writes nothing. */
interface Writing {
  count: number
  dead: () => boolean
}
const writings = new Set<Writing>()

/** Waits until nothing is being written any more, and what follows from it has happened. */
export async function settled(): Promise<void> {
  const still = () => [...writings].every(({ count, dead }) => count === 0 || dead())
  for (let quiet = 0; quiet < 4; quiet = still() ? quiet + 1 : 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The same files; `settled` waits for what is done to them. */
function watched(files: Files, writing: Writing): Files {
  const wrapped = Object.entries(files).map(([name, act]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]) => {
      writing.count++
      try {
        return await act(...args)
      } finally {
        writing.count--
      }
    },
  ])
  return Object.fromEntries(wrapped) as Files
}

/** A clock that a dead process no longer hears. */
class OwnClock implements Clock {
  readonly #clock: Clock
  dead = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowMs = (): number => this.#clock.nowMs()
  wallMs = (): number => this.#clock.wallMs()
  every = (ms: number, callback: () => void): (() => void) => this.#clock.every(ms, () => this.dead || callback())
  after = (ms: number, callback: () => void): (() => void) => this.#clock.after(ms, () => this.dead || callback())
}

export const stateFolder = (): string => mkdtempSync(join(tmpdir(), 'streamgate-state-'))

/** A process with one gate on an edge. */
export class Process {
  readonly edge: Edge
  readonly controller: Controller
  readonly events: ControlEvent[] = []

  readonly #clock: OwnClock
  readonly #stateDir: string
  readonly #writing: Writing

  constructor(edge: Edge, stateDir: string, files: Files = disk, dead: () => boolean = () => false) {
    this.edge = edge
    this.#stateDir = stateDir
    this.#clock = new OwnClock(edge.ownClock)
    this.#writing = { count: 0, dead }
    writings.add(this.#writing)
    const environment = edge.environment(this.#clock)
    this.controller = new Controller({ environment, stateDir, files: watched(files, this.#writing) })
    this.controller.subscribe((event) => this.events.push(event))
  }

  static async start(
    edge: Edge,
    stateDir: string,
    gate: GateConfig = parseGate(),
    files?: Files,
    dead?: () => boolean,
  ): Promise<Process> {
    const process = new Process(edge, stateDir, files, dead)
    await process.controller.start()
    process.controller.apply([gate])
    return process
  }

  /** The process is gone: nothing ticks any more, nothing is closed, and its lock is that of nobody. */
  abandon(): void {
    this.#clock.dead = true
    writings.delete(this.#writing)
    rmSync(join(this.#stateDir, 'lock'), { force: true })
  }

  get view() {
    return this.controller.view(KEY)!
  }

  command(verb: string, body = {}) {
    return this.controller.command(KEY, verb, body, 'ann')
  }

  get decisions() {
    return this.events.flatMap((event) => (event.type === 'decision' ? [event.decision] : []))
  }

  /** Flows until the phase comes, at most `ms` of the edge's time. */
  async until(phase: string, ms = 600_000, perSecond = 100): Promise<void> {
    const end = this.edge.clock.nowMs() + ms
    while (this.view.phase !== phase) {
      if (this.edge.clock.nowMs() >= end) {
        throw new Error(
          `not ${phase} but ${this.view.phase}: ${JSON.stringify(this.view.release)} ${JSON.stringify(this.edge.logs.slice(-5))}`,
        )
      }
      await this.edge.flow(100, perSecond)
    }
  }
}
