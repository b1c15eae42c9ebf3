import type { CliContext } from '../context.ts'
import { Exit } from '../exit.ts'
import { type Format, print } from '../print.ts'

/** `streamgate version` */
export async function version(context: CliContext, options: { output?: Format }): Promise<number> {
  const data = { version: context.version(), node: process.version }
  await print(context.stdout, options.output, data, () => [`streamgate ${data.version} (node ${data.node})`])
  return Exit.done
}
