import { formatConfigError } from '../config/errors.ts'
import { loadConfig } from '../config/load.ts'
import { printConfig } from '../config/print.ts'

export interface CheckOptions {
  /** Print the configuration with all defaults instead of the summary. */
  printConfig?: boolean
  /** `json`: `{ok: true, proxies, gates}` or `{ok: false, errors: ConfigError[]}` on standard output. */
  output?: 'json'
}

/** Where a command prints; the process's own by default. */
export interface Output {
  out(text: string): void
  err(text: string): void
}

const standard: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

/** `streamgate check FILE...`: prints every mistake, or what was found. Exit code 0 or 2. */
export async function checkCommand(
  files: readonly string[],
  options: CheckOptions = {},
  output: Output = standard,
): Promise<number> {
  const result = loadConfig(files)
  if (!result.ok) {
    if (options.output === 'json') output.out(`${JSON.stringify({ ok: false, errors: result.errors })}\n`)
    else for (const error of result.errors) output.err(`${formatConfigError(error)}\n`)
    return 2
  }
  const gates = result.config.gates.length
  if (options.printConfig) output.out(printConfig(result.config))
  else if (options.output === 'json') output.out(`${JSON.stringify({ ok: true, proxies: 1, gates })}\n`)
  else output.out(`ok: 1 proxy, ${gates} ${gates === 1 ? 'gate' : 'gates'}\n`)
  return 0
}
