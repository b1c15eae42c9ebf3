import type { CliContext } from '../context.ts'
import { Exit } from '../exit.ts'
import { resolveGate } from '../gate-name.ts'
import { connect, type RemoteOptions } from '../options.ts'
import { print } from '../print.ts'
import { historyTable, recordDetail } from '../render/history.ts'
import { styleOf } from '../render/style.ts'

/** `streamgate history GATE [RELEASE]` */
export async function history(
  context: CliContext,
  typed: string,
  id: string | undefined,
  options: RemoteOptions,
): Promise<number> {
  const { stdout, env, clock } = context
  const client = connect(options, context)
  const gate = await resolveGate(client, typed)
  const style = styleOf(stdout, env)
  if (id === undefined) {
    const items = await client.releases(gate)
    await print(stdout, options.output, { items }, (wide) => historyTable(items, clock.wallMs(), style, wide))
  } else {
    const record = await client.release(gate, id)
    await print(stdout, options.output, record, () => recordDetail(record, clock.wallMs(), style))
  }
  return Exit.done
}
