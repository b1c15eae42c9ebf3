import type { Decision, GateView } from '../../admin/index.ts'
import type { AdminClient, GateName } from '../client.ts'
import type { CliContext } from '../context.ts'
import { Exit } from '../exit.ts'
import { resolveGate } from '../gate-name.ts'
import { connect, type RemoteOptions } from '../options.ts'
import { print } from '../print.ts'
import { gateDetail } from '../render/gate.ts'
import { gatesTable } from '../render/gates.ts'
import { styleOf } from '../render/style.ts'

/** Decisions that the status of a gate shows. */
export const LAST_DECISIONS = 5

/** `streamgate status [GATE] [--watch]` */
export async function status(
  context: CliContext,
  typed: string | undefined,
  options: RemoteOptions & { watch: boolean },
): Promise<number> {
  const { stdout, env, clock } = context
  const client = connect(options, context)
  const name = typed === undefined ? undefined : await resolveGate(client, typed)
  if (options.watch) {
    const { watch } = await import('../watch.ts')
    return watch(context, client, name, options.output)
  }
  const style = styleOf(stdout, env)
  if (name === undefined) {
    const items = await client.gates()
    await print(stdout, options.output, { items }, (wide) => gatesTable(items, style, wide))
    return Exit.done
  }
  const gate = await client.gate(name)
  const forPeople = options.output === undefined || options.output === 'wide'
  const decisions = forPeople ? await lastDecisions(client, name, gate) : []
  await print(stdout, options.output, gate, (wide) => gateDetail(gate, decisions, clock.wallMs(), style, wide))
  return Exit.done
}

/** The newest decisions of the gate's release, oldest first. */
export async function lastDecisions(client: AdminClient, name: GateName, gate: GateView): Promise<Decision[]> {
  if (gate.release === null) return []
  return (await client.release(name, gate.release.id)).decisions.slice(-LAST_DECISIONS)
}
