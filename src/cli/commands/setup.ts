import type { CliContext } from '../context.ts'
import { CliError, Exit } from '../exit.ts'

/** `streamgate setup crds|proxy|hpa|vpa [GATE]`: this version runs on one machine and cannot set a cluster up yet. */
export async function setup(_context: CliContext, part: string): Promise<number> {
  throw new CliError(
    Exit.usage,
    `setup ${part}: this version of StreamGate has no cluster support yet, so there is nothing to set up.`,
    'On one machine: streamgate run -c FILE.',
  )
}
