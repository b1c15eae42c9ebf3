import type { Decision, Phase, ReleaseRecord } from '../admin/index.ts'
import type { AdminClient, GateName } from './client.ts'
import type { CliContext, Output } from './context.ts'
import { CliError, Exit } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { decisionLine } from './render/decisions.ts'
import { endLine } from './render/lines.ts'
import { styleOf } from './render/style.ts'
import { pause } from './wait.ts'

/** How a release ended, or why it is no longer waited for (no record then). */
export interface ReleaseEnd {
  exitCode: number
  record?: ReleaseRecord
}

/** What was asked for: that the release gets through, or that it is given up or undone. */
export type Aim = 'forward' | 'back'

/** A server that is away for longer is given up. */
const LOST_MS = 60_000
/** Between two tries, and between two looks at the record. */
const PAUSE_MS = 500

/**
 * Follows a release to its end and says each decision once. Events make it quick; the record, read at the start, after every break
 * and when an event says that it is over, makes it complete.
 */
export function followRelease(
  context: CliContext,
  client: AdminClient,
  gate: GateName,
  id: string,
  aim: Aim,
  timeoutSeconds: number,
  output: Output,
): Promise<ReleaseEnd> {
  const { clock, stderr, env } = context
  const style = styleOf(output, env)
  const said = new Set<string>()
  const say = (decision: Decision): void => {
    const key = `${decision.time} ${decision.phase} ${decision.step} ${decision.reason}`
    if (said.has(key)) return
    said.add(key)
    output.write(`${decisionLine(decision, style)}\n`)
  }
  return interruptible(context, async (interrupt) => {
    const timeout = new AbortController()
    const stopTimer = timeoutSeconds > 0 ? clock.after(timeoutSeconds * 1000, () => timeout.abort()) : () => {}
    const signal = AbortSignal.any([interrupt, timeout.signal])
    let lostMs: number | undefined
    try {
      while (!signal.aborted) {
        try {
          // First: once another release is there, the record that is read next stays as it is.
          const isLast = aim === 'forward' || (await client.gate(gate)).release?.id === id
          const record = await client.release(gate, id)
          lostMs = undefined
          for (const decision of record.decisions) say(decision)
          if (!hasEnded(record.phase)) await untilEnded(client, gate, id, signal, say)
          else if (aim === 'forward' || !isLast || !isBeingUndone(record)) {
            output.write(`${endLine(gate, record, style)}\n`)
            const done = (record.phase === 'Succeeded') === (aim === 'forward')
            if (!done && aim === 'back') stderr.write('error: the release was not rolled back.\n')
            return { exitCode: done ? Exit.done : Exit.failed, record }
          }
        } catch (error) {
          if (signal.aborted) break
          if (!(error instanceof CliError) || error.exitCode !== Exit.unreachable) throw error
          lostMs ??= clock.nowMs()
          if (clock.nowMs() - lostMs >= LOST_MS) throw error
        }
        await pause(PAUSE_MS, signal)
      }
      if (interrupt.aborted) {
        stderr.write('Stopped waiting. The release goes on.\n')
        return { exitCode: Exit.interrupted }
      }
      stderr.write(
        `error: the release has not ended within ${timeoutSeconds} s. It goes on; use \`streamgate status\`.\n`,
      )
      return { exitCode: Exit.timeout }
    } finally {
      stopTimer()
    }
  })
}

/** Says decisions until the gate's release has ended or is another one, or the stream ends. */
async function untilEnded(
  client: AdminClient,
  gate: GateName,
  id: string,
  signal: AbortSignal,
  say: (decision: Decision) => void,
): Promise<void> {
  for await (const event of client.events(gate, signal)) {
    if (event.event === 'decision' && event.decision.release === id) say(event.decision)
    else if (event.event === 'removed') {
      throw new CliError(Exit.failed, `gate ${event.namespace}/${event.name} was removed.`)
    } else if (event.event === 'gate') {
      const { release } = event.gate
      if (release?.id !== id || hasEnded(release.phase)) return
    }
  }
}

const hasEnded = (phase: Phase): boolean => phase === 'Succeeded' || phase === 'RolledBack' || phase === 'Aborted'

/**
 * A rollback after the promotion waits until the version before it is ready. Its decision is then the last one: when it is
 * given up (NotReady, ManualWeights) another follows.
 */
function isBeingUndone({ phase, decisions }: ReleaseRecord): boolean {
  return phase === 'Succeeded' && decisions.at(-1)?.reason === 'Manual'
}
