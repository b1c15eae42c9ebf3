import type { CommandShape, OptionShape } from './shape.ts'

/** A completion script for fish: `streamgate completion fish | source`. */
export function fish(commands: readonly CommandShape[]): string {
  const lines = commands.flatMap((command) => {
    const here = `complete -c streamgate -n ${quote(`__fish_seen_subcommand_from ${command.name}`)}`
    return [
      `complete -c streamgate -n __fish_use_subcommand -a ${command.name} -d ${quote(command.description)}`,
      ...(command.files ? [`${here} -F`] : []),
      ...(command.choices.length > 0 ? [`${here} -a ${quote(command.choices.join(' '))}`] : []),
      ...command.options.map((option) => `${here} ${optionSpec(option)}`),
    ]
  })
  return `# fish completion for streamgate
complete -c streamgate -f
${lines.join('\n')}
`
}

function optionSpec({ flags, description, value, choices, file }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const needs = !value
    ? []
    : file
      ? ['-r -F']
      : ['-x', ...(choices.length > 0 ? [`-a ${quote(choices.join(' '))}`] : [])]
  return [...names, ...needs, `-d ${quote(description)}`].join(' ')
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
