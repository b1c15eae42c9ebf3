import type { CommandShape, OptionShape } from './shape.ts'

/** A completion script for zsh: in a file `_streamgate` on the fpath, or `source <(streamgate completion zsh)`. */
export function zsh(commands: readonly CommandShape[]): string {
  const list = commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`).join('\n')
  const cases = commands.map(commandCase).join('\n')
  return `#compdef streamgate
_streamgate() {
  local -a commands
  commands=(
${list}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases}
    help) _describe command commands ;;
  esac
}
if [[ $funcstack[1] == _streamgate ]]; then _streamgate "$@"; else compdef _streamgate streamgate; fi
`
}

function commandCase(command: CommandShape): string {
  const options = command.options.flatMap(optionSpecs).map(quote)
  const free = command.files
    ? '*:file:_files'
    : command.choices.length > 0
      ? `1:value:(${command.choices.join(' ')})`
      : '*: :'
  return `    ${command.name}) _arguments ${[...options, quote(free)].join(' ')} ;;`
}

function optionSpecs(option: OptionShape): string[] {
  const description = option.description.replace(/([[\]:\\])/g, '\\$1')
  const value = !option.value ? '' : option.file ? ':file:_files' : `:value:(${option.choices.join(' ')})`
  return option.flags.map((flag) => `${flag}[${description}]${value}`)
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
