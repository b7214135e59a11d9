/**
 * The completion script for bash, 3.2 or later: a table of what may follow, with one function that reads it.
 */
import type { CommandShape, Place } from './shape.js'

export function bashScript(shapes: readonly CommandShape[]): string {
  return `# bash completion for rollcall; source it in ~/.bashrc:  source <(rollcall completion bash)
_rollcall_next() {
  case "$1" in
${shapes.map((shape) => `    '${shape.path}') words='${shape.words.map(({ name }) => name).join(' ')}' options='${optionsOf(shape)}' argument='${codeOf(shape.argument)}' ;;`).join('\n')}
    *) return 1 ;;
  esac
}

_rollcall_value() {
  case "$1 $2" in
${shapes.flatMap(valuesOf).join('\n')}
    *) return 1 ;;
  esac
}

_rollcall_offer() {
  case "$1" in
    file) COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames 2>/dev/null ;;
    dir) COMPREPLY=($(compgen -d -- "$current")); compopt -o filenames 2>/dev/null ;;
    @*) COMPREPLY=($(compgen -W "$(rollcall __complete "\${1#@}" 2>/dev/null)" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$1" -- "$current")) ;;
  esac
}

_rollcall() {
  local IFS=$' \\t\\n' current="\${COMP_WORDS[COMP_CWORD]}" path='' previous='' i word words options argument offer
  COMPREPLY=()
  _rollcall_next ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ $word == -- ]] && return
    [[ $word == '=' ]] && continue
    if [[ $previous == '' && " $words " == *" $word "* ]]; then
      path="\${path:+$path }$word"
      _rollcall_next "$path" || return
    fi
    previous=''
    [[ $word == -* ]] && _rollcall_value "$path" "$word" && previous="$word"
  done
  [[ $current == '=' ]] && current=''
  if [[ $previous != '' ]]; then
    _rollcall_offer "$offer"
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ $words != '' ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    _rollcall_offer "$argument"
  fi
}
complete -F _rollcall rollcall`
}

function optionsOf({ options }: CommandShape): string {
  return options.flatMap(({ names }) => names).join(' ')
}

function valuesOf({ path, options }: CommandShape): readonly string[] {
  return options
    .filter(({ value }) => value !== undefined)
    .map(({ names, value }) => {
      const patterns = names.map((name) => `'${path} ${name}'`).join('|')
      return `    ${patterns}) offer='${codeOf(value)}' ;;`
    })
}

/** Words to choose from, `file`, `dir`, or what to ask `__complete` for, after an @. */
function codeOf(place: Place | undefined): string {
  if (place?.from === undefined) return (place?.choices ?? []).join(' ')
  return place.from === 'file' || place.from === 'dir' ? place.from : `@${place.from}`
}
