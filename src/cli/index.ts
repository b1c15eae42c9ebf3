import type { CliContext } from './context.ts'

export type { CliContext, DemoOptions, Output, RunOptions } from './context.ts'

/** Runs one command; `argv` without node and script. Resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const { runProgram } = await import('./program.ts')
  return runProgram(argv, context)
}
