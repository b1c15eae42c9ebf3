import type { Command } from 'commander'
import { bash } from '../completion/bash.ts'
import { fish } from '../completion/fish.ts'
import { type CommandShape, shapeOf } from '../completion/shape.ts'
import { zsh } from '../completion/zsh.ts'
import type { CliContext } from '../context.ts'
import { Exit } from '../exit.ts'

const SHELLS: Record<string, (commands: readonly CommandShape[]) => string> = { bash, zsh, fish }

/** `streamgate completion bash|zsh|fish`: a script made from the very tree of commands that runs. */
export async function completion(context: CliContext, program: Command, shell: string): Promise<number> {
  context.stdout.write(SHELLS[shell]!(shapeOf(program)))
  return Exit.done
}
