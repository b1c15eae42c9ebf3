import type { Decision, GateView } from '../admin/index.ts'
import type { AdminClient, GateName, WatchEvent } from './client.ts'
import { LAST_DECISIONS, lastDecisions } from './commands/status.ts'
import type { CliContext } from './context.ts'
import { CliError, Exit } from './exit.ts'
import { interruptible } from './interrupt.ts'
import type { Format } from './print.ts'
import { decisionLine } from './render/decisions.ts'
import { gateDetail } from './render/gate.ts'
import { gatesTable, gateText } from './render/gates.ts'
import { gateKey, gateLine } from './render/lines.ts'
import { styleOf } from './render/style.ts'
import { Screen } from './screen.ts'
import { pause } from './wait.ts'

/** Takes what is watched and shows it. */
interface Viewer {
  /** Before the first event of a connection. */
  connected(): Promise<void>
  show(event: WatchEvent): Promise<void>
  /** The connection is lost and is tried again. */
  lost(error: CliError): void
  close(): void
}

const RETRY_MS = 1000
/** A screen is drawn at most this often. */
const DRAW_MS = 100

/** Follows one gate or all until Ctrl-C, through breaks of the connection; only the first one must succeed. */
export function watch(
  context: CliContext,
  client: AdminClient,
  gate: GateName | undefined,
  format: Format | undefined,
): Promise<number> {
  return interruptible(context, async (signal) => {
    const viewer = await createViewer(context, client, gate, format)
    let connected = false
    try {
      while (!signal.aborted) {
        try {
          await viewer.connected()
          for await (const event of client.events(gate, signal)) {
            connected = true
            await viewer.show(event)
          }
          if (!signal.aborted) viewer.lost(new CliError(Exit.unreachable, 'the server ended the connection.'))
        } catch (error) {
          if (signal.aborted) break
          if (!connected || !(error instanceof CliError)) throw error
          viewer.lost(error)
        }
        await pause(RETRY_MS, signal)
      }
    } finally {
      viewer.close()
    }
    return Exit.done
  })
}

async function createViewer(
  context: CliContext,
  client: AdminClient,
  gate: GateName | undefined,
  format: Format | undefined,
): Promise<Viewer> {
  if (format === 'json' || format === 'yaml') return dataViewer(context, format)
  const live = context.stdout.isTTY === true && context.env.TERM !== 'dumb'
  return live ? screenViewer(context, client, gate, format === 'wide') : lineViewer(context)
}

/** Every event as a line of JSON or a YAML document. */
async function dataViewer({ stdout, stderr }: CliContext, format: 'json' | 'yaml'): Promise<Viewer> {
  const yaml = format === 'yaml' ? await import('yaml') : undefined
  return {
    connected: async () => {},
    show: async (event) => {
      stdout.write(yaml ? `---\n${yaml.stringify(event)}` : `${JSON.stringify(event)}\n`)
    },
    lost: (error) => stderr.write(`${error.message} Trying again.\n`),
    close: () => {},
  }
}

/** A line when something changes that is more than a rate, and one for each decision. */
function lineViewer({ stdout, stderr, env, clock }: CliContext): Viewer {
  const style = styleOf(stdout, env)
  const keys = new Map<string, string>()
  return {
    connected: async () => {},
    show: async (event) => {
      if (event.event === 'decision') {
        stdout.write(`${decisionLine(event.decision, style)} [${gateText(event.decision)}]\n`)
      } else if (event.event === 'removed') {
        keys.delete(gateText(event))
        stdout.write(`${gateText(event)} was removed\n`)
      } else if (keys.get(gateText(event.gate)) !== gateKey(event.gate)) {
        keys.set(gateText(event.gate), gateKey(event.gate))
        stdout.write(`${gateLine(event.gate, clock.wallMs(), style)}\n`)
      }
    },
    lost: (error) => stderr.write(`${error.message} Trying again.\n`),
    close: () => {},
  }
}

/** A terminal's screen, drawn anew when something has changed. */
function screenViewer(context: CliContext, client: AdminClient, name: GateName | undefined, wide: boolean): Viewer {
  const { stdout, env, clock } = context
  const screen = new Screen(stdout)
  const gates = new Map<string, GateView>()
  let decisions: Decision[] = []
  let release: string | undefined
  let notice = ''
  let drawing: (() => void) | undefined

  const draw = (): void => {
    drawing = undefined
    const style = styleOf(stdout, env)
    // The last column stays free: see Screen.
    style.columns -= 1
    const [only] = gates.values()
    const body =
      name !== undefined && only
        ? gateDetail(only, decisions, clock.wallMs(), style, wide)
        : gatesTable([...gates.values()], style, wide)
    screen.draw(notice === '' ? body : [...body, '', notice])
  }
  const drawSoon = (): void => {
    drawing ??= clock.after(DRAW_MS, draw)
  }
  return {
    connected: async () => {
      if (name === undefined) return
      const gate = await client.gate(name)
      release = gate.release?.id
      decisions = await lastDecisions(client, name, gate)
    },
    show: async (event) => {
      notice = ''
      if (event.event === 'gate') {
        gates.set(gateText(event.gate), event.gate)
        if (event.gate.release?.id !== release) decisions = decisions.filter(() => false)
        release = event.gate.release?.id
      } else if (event.event === 'removed') {
        gates.delete(gateText(event))
        notice = `${gateText(event)} was removed.`
      } else {
        decisions = [...decisions, event.decision].slice(-LAST_DECISIONS)
      }
      drawSoon()
    },
    lost: (error) => {
      notice = `${error.message} Trying again.`
      drawSoon()
    },
    close: () => {
      drawing?.()
      if (drawing !== undefined) draw()
      screen.close()
    },
  }
}
