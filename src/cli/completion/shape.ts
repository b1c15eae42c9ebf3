import type { Command, Option } from 'commander'

/** An option as completion needs it. */
export interface OptionShape {
  /** `-o` and `--output`, as far as there are any. */
  flags: string[]
  description: string
  /** True if a value follows. */
  value: boolean
  /** The values, where they are known. */
  choices: readonly string[]
  /** True if the value is a file. */
  file: boolean
}

/** A command as completion needs it. */
export interface CommandShape {
  name: string
  description: string
  options: OptionShape[]
  /** Values of the first argument, where they are known. */
  choices: readonly string[]
  /** True if the arguments are files. */
  files: boolean
}

/** All commands, in the order of the help. */
export function shapeOf(program: Command): CommandShape[] {
  return program.commands.map((command) => {
    const [argument] = command.registeredArguments
    return {
      name: command.name(),
      description: command.description(),
      options: [...command.options.map(optionShape), HELP],
      choices: argument?.argChoices ?? [],
      files: argument?.name() === 'file',
    }
  })
}

const HELP: OptionShape = {
  flags: ['-h', '--help'],
  description: 'display help',
  value: false,
  choices: [],
  file: false,
}

function optionShape(option: Option): OptionShape {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value: option.required || option.optional,
    choices: option.argChoices ?? [],
    file: /<(file|path)/.test(option.flags),
  }
}
