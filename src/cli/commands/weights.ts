import type { CliContext } from '../context.ts'
import { CliError, Exit } from '../exit.ts'
import { resolveGate } from '../gate-name.ts'
import { connect, type RemoteOptions } from '../options.ts'
import { print } from '../print.ts'
import { gateText, weightsText } from '../render/gates.ts'

const WEIGHT = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)=([0-9]{1,3}(?:\.[0-9]{1,2})?)%?$/

/** `streamgate weights GATE stable=90 canary=10` */
export async function weights(
  context: CliContext,
  typed: string,
  pairs: readonly string[],
  options: RemoteOptions & { force: boolean },
): Promise<number> {
  const asked = parsePairs(pairs)
  const client = connect(options, context)
  const done = await client.setWeights(await resolveGate(client, typed), asked, options.force)
  await print(context.stdout, options.output, done, () => [
    `${gateText(done.gate)}: ${done.message} (${weightsText(done.gate.variants)})`,
  ])
  return Exit.done
}

function parsePairs(pairs: readonly string[]): Record<string, number> {
  const asked: Record<string, number> = {}
  for (const pair of pairs) {
    const match = WEIGHT.exec(pair)
    if (!match) {
      throw new CliError(
        Exit.usage,
        `"${pair}" is not a weight.`,
        'Give VARIANT=PERCENT, such as canary=10 or canary=2.5.',
      )
    }
    const name = match[1]!
    if (Object.hasOwn(asked, name)) throw new CliError(Exit.usage, `the weight of ${name} is given twice.`)
    asked[name] = Number(match[3])
  }
  return asked
}
