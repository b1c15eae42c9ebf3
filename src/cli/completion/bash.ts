import type { CommandShape, OptionShape } from './shape.ts'

/** A completion script for bash: `source <(streamgate completion bash)`. */
export function bash(commands: readonly CommandShape[]): string {
  const cases = commands.map(commandCase).join('\n')
  return `# bash completion for streamgate
_streamgate() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} cmd=\${COMP_WORDS[1]} words='' files=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${commands.map(({ name }) => name).join(' ')} help --help --version'
  else
    case $cmd in
${cases}
    help) words='${commands.map(({ name }) => name).join(' ')}' ;;
    esac
  fi
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  fi
}
complete -F _streamgate streamgate
`
}

function commandCase(command: CommandShape): string {
  const after = command.options.filter((option) => option.value).map(valueCase)
  const flags = command.options.flatMap((option) => option.flags).join(' ')
  const free = command.files ? 'files=1' : `words='${command.choices.join(' ')}'`
  return `    ${command.name})
      case $prev in
${after.join('\n')}${after.length > 0 ? '\n' : ''}      *) case $cur in -*) words='${flags}' ;; *) ${free} ;; esac ;;
      esac
      ;;`
}

function valueCase(option: OptionShape): string {
  return `      ${option.flags.join('|')}) ${option.file ? 'files=1' : `words='${option.choices.join(' ')}'`} ;;`
}
