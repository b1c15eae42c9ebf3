import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DecisionEvent, GateView, ReleaseView } from '../admin/index.ts'
import { createLog } from '../app/log.ts'
import { Program } from '../app/program.ts'
import { AdminClient } from '../cli/client.ts'
import { type Clock, sleep, systemClock } from '../clock.ts'
import { Backend } from './backend.ts'
import { demoConfig } from './config.ts'
import { Load } from './load.ts'
import { LiveScreen, type Screen } from './screen.ts'
import { liveLine, liveTable } from './table.ts'

const REQUESTS_PER_SECOND = 200
const SHOP = { namespace: 'default', name: 'shop' }
/** What the check that users know lets through: it looks every 10 s and acts on the second failed look, 25 s after the start on average. */
const LOOP_SECONDS = 25
const ENDED = ['Succeeded', 'RolledBack', 'Aborted']

/** `streamgate demo`: real backends, the proxy, real load; a good release is promoted, a bad one is convicted. Resolves with the exit code. */
export async function demo({ keep }: { keep: boolean }, out: Screen): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'streamgate-demo-'))
  const backends = [
    new Backend({ version: 'v1', failureRate: 0 }),
    new Backend({ version: 'v2', failureRate: 0 }),
  ] as const
  const closing: (() => Promise<unknown>)[] = []
  try {
    const ports = await Promise.all(backends.map((backend) => backend.start()))
    closing.push(() => Promise.all(backends.map((backend) => backend.close())))
    const file = join(dir, 'demo.yaml')
    writeFileSync(file, demoConfig({ stable: ports[0]!, canary: ports[1]! }))
    const program = await Program.start([file], systemClock, createLog('error'))
    closing.push(() => program.close())
    const load = new Load(program.addresses.listeners[0]!.port, REQUESTS_PER_SECOND, systemClock)
    closing.push(() => load.close())
    return await new Story(program, backends, load, new LiveScreen(out, systemClock), systemClock).tell(keep)
  } catch (error) {
    out.write(`demo: ${(error as Error).message}\n`)
    return 1
  } finally {
    for (const close of closing.reverse()) await close()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What came of one release, as the proxy, the backends' clients and the clock saw it. */
interface Outcome {
  release: ReleaseView
  seconds: number
  usersFailed: number
}

class Story {
  readonly #program: Program
  readonly #backends: readonly [Backend, Backend]
  readonly #load: Load
  readonly #screen: LiveScreen
  readonly #clock: Clock
  readonly #client: AdminClient
  #gate: GateView | undefined
  #interrupted = false

  constructor(program: Program, backends: readonly [Backend, Backend], load: Load, screen: LiveScreen, clock: Clock) {
    this.#program = program
    this.#backends = backends
    this.#load = load
    this.#screen = screen
    this.#clock = clock
    this.#client = new AdminClient({ server: program.addresses.admin.url })
  }

  async tell(keep: boolean): Promise<number> {
    const { listeners, admin, metrics } = this.#program.addresses
    const http = `http://127.0.0.1:${listeners[0]!.port}/`
    const say = (text?: string) => this.#screen.say(text)
    say(
      `StreamGate demo: users at ${http} (${REQUESTS_PER_SECOND} requests/s), admin API ${admin.url}, metrics http://127.0.0.1:${metrics.port}/metrics`,
    )
    const watching = new AbortController()
    process.once('SIGINT', () => {
      this.#interrupted = true
    })
    const decisions = this.#follow(watching.signal)
    this.#load.start()
    try {
      say('v1 serves everybody.')
      await this.#watch(3000)

      say('\nv2 is released: 5, 10, 25, 50, 100 %, each step as soon as the evidence allows.')
      const good = await this.#release('v2')
      say(`v2: ${good.release.phase} after ${good.seconds.toFixed(1)} s.`)

      this.#backends[0].behaviour = { version: 'v3', failureRate: 0.3 }
      say('\nv3 is released in the place of v1; 30 % of its answers are errors.')
      const bad = await this.#release('v3')
      say(`v3: ${bad.release.phase} after ${bad.seconds.toFixed(1)} s (${bad.release.reason}).`)
      await this.#watch(2000)
      this.#summary(good, bad)
      if (keep) {
        say(`\nStill running, Ctrl-C ends it. Try: bin/streamgate status shop --server ${admin.url}`)
        await this.#watch(Number.POSITIVE_INFINITY)
      }
      return good.release.phase === 'Succeeded' && bad.release.phase === 'RolledBack' ? 0 : 1
    } finally {
      watching.abort()
      await decisions
    }
  }

  async #release(revision: string): Promise<Outcome> {
    const begun = this.#clock.nowMs()
    const failedBefore = this.#load.seen.failed
    await this.#client.act(SHOP, 'start', { revision })
    for (;;) {
      await this.#draw()
      const release = this.#gate?.release
      if (release?.revision === revision && ENDED.includes(release.phase)) {
        const seconds = (this.#clock.nowMs() - begun) / 1000
        return { release, seconds, usersFailed: this.#load.seen.failed - failedBefore }
      }
      if (this.#interrupted) throw new Error('interrupted')
      if (this.#clock.nowMs() - begun > 60_000)
        throw new Error(`release ${revision} did not end within 60 s: ${release?.message}`)
      await sleep(200)
    }
  }

  async #watch(ms: number): Promise<void> {
    const until = this.#clock.nowMs() + ms
    while (this.#clock.nowMs() < until && !this.#interrupted) {
      await this.#draw()
      await sleep(200)
    }
  }

  async #draw(): Promise<void> {
    const gate = await this.#client.gate(SHOP)
    this.#gate = gate
    const versions = { stable: this.#backends[0].behaviour.version, canary: this.#backends[1].behaviour.version }
    const users = { requests: this.#load.seen.requests, failed: this.#load.seen.failed }
    this.#screen.draw(liveTable(gate, users, versions), liveLine(gate, users, versions))
  }

  /** Says every decision as it is made. */
  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#client.events(SHOP, signal)) {
        if (event.event === 'decision') this.#screen.say(`  ${decisionLine(event.decision)}`)
      }
    } catch (error) {
      if (!signal.aborted) this.#screen.say(`  events: ${(error as Error).message}`)
    }
  }

  #summary(good: Outcome, bad: Outcome): void {
    const say = (text?: string) => this.#screen.say(text)
    const failed = bad.release.harmedRequests + bad.release.rescuedRequests
    const loop = Math.round(REQUESTS_PER_SECOND * 0.05 * 0.3 * LOOP_SECONDS)
    const seen = this.#load.seen
    say('\nSummary')
    say(`  v2, good: promoted after ${good.seconds.toFixed(1)} s; ${good.usersFailed} of its users saw a failure.`)
    say(
      `  v3, 30 % failing: ${failed} requests failed on it until it was convicted, after ${bad.seconds.toFixed(1)} s.`,
    )
    say(
      `  Of those ${bad.release.rescuedRequests} were answered by the serving version instead: ${bad.usersFailed} users saw a failure.`,
    )
    say(
      `  A threshold loop (every 10 s, two failed checks, first step of 5 %) would have let about ${loop} failures through.`,
    )
    say(`  In all ${seen.requests} requests, ${seen.failed} failed for users.`)
    say('\nNext')
    say('  npm run demo -- --keep                      stay up and look around')
    say('  bin/streamgate simulate --list              releases in no time, on paper')
    say('  bin/streamgate run -c examples/shop.yaml    in front of your own services')
  }
}

const decisionLine = ({ phase, step, weights, reason, message }: DecisionEvent): string =>
  `${phase} step ${step} [${Object.entries(weights)
    .map(([name, weight]) => `${name} ${weight} %`)
    .join(', ')}] ${reason}: ${message}`
