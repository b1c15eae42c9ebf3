/**
 * Prints the transition table of a release as Markdown, made by asking decide() itself: for each phase and each event the
 * phase that follows, the reason and what is done. ARCHITECTURE.md holds it; a test compares.
 */
import type { Command } from '../src/controller/release/commands.ts'
import type { State } from '../src/controller/release/state.ts'
import { SPECIMENS } from '../test/release/specimens.ts'
import { convicted, finding, type World } from '../test/release/world.ts'

type Event = { name: string; happen(world: World): Command | undefined }

const command = (verb: 'start'): Event => ({ name: `\`${verb}\``, happen: () => ({ verb, who: 'ann' }) })
const event = (name: string, change: (world: World) => void): Event => ({
  name,
  happen(world) {
    change(world)
    return undefined
  },
})

const fine = (world: World): void => {
  world.nowMs += 1000
  world.requests = 100
  world.lastMs = world.nowMs
  world.finding = finding({ fine: true, requestsNeeded: 0 })
}

export const EVENTS: readonly Event[] = [
  ...(['start', 'pause', 'resume', 'skip', 'promote', 'abort', 'rollback', 'retry'] as const).map((verb) =>
    command(verb as 'start'),
  ),
  {
    name: 'weights by hand',
    happen: () => ({ verb: 'weights', who: 'ann', force: false, weightsBps: { stable: 9000, canary: 1000 } }),
  },
  {
    name: 'weights, forced',
    happen: () => ({ verb: 'weights', who: 'ann', force: true, weightsBps: { stable: 9000, canary: 1000 } }),
  },
  event('candidate is ready', (world) => {
    world.candidate = { ready: 1, total: 1 }
  }),
  event('step is healthy', fine),
  event('convicted', (world) => {
    world.finding = convicted()
  }),
  event('convicted, serving not ready', (world) => {
    world.finding = convicted()
    world.serving = { ready: 0, total: 1 }
  }),
  event('candidate has no endpoint', (world) => {
    world.candidate = { ready: 0, total: 1 }
  }),
  event('candidate not ready in time', (world) => {
    world.candidate = { ready: 0, total: 1 }
    world.look()
    world.nowMs += 60_000
  }),
  event('30 s without a request', (world) => {
    world.nowMs += 30_000
  }),
  event('both fail', (world) => {
    world.finding = finding({ held: 'SharedFailure' })
  }),
  event('serving fails', (world) => {
    world.servingFailing = true
  }),
  event('another revision', (world) => {
    world.nowMs += 100
    world.revision = 'v2'
    const { state } = world
    const release = state.phase === 'Paused' ? state.within.release : state.phase === 'Idle' ? undefined : state.release
    if (release !== undefined) release.seen = 'v1'
    if ('revisionSeen' in state) state.revisionSeen = 'v1'
  }),
]

/** What one event does in one phase. */
export function cell(phase: State['phase'], { happen }: Event): string {
  const world = SPECIMENS[phase]()
  const { state, decision, effects, refusal, status } = world.look(happen(world))
  if (refusal !== undefined) return `409 ${refusal.code}`
  if (decision === undefined) return state.phase === phase ? `· ${status.reason}` : state.phase
  const done = effects.flatMap(({ type }) => (type === 'Notify' || type === 'RunChecks' ? [] : [type]))
  return `**${state.phase}** ${decision.reason}${done.length === 0 ? '' : ` (${done.join(', ')})`}`
}

export function table(): string {
  const phases = Object.keys(SPECIMENS) as State['phase'][]
  const rows = EVENTS.map((one) => `| ${one.name} | ${phases.map((phase) => cell(phase, one)).join(' | ')} |`)
  return [`| event | ${phases.join(' | ')} |`, `|---|${phases.map(() => '---|').join('')}`, ...rows].join('\n')
}

if (import.meta.main) process.stdout.write(`${table()}\n`)
