/**
 * The completion script for zsh: one function for each command, in the words of `_arguments`.
 */
import type { CommandShape, OptionShape, Place } from './shape.js'

export function zshScript(shapes: readonly CommandShape[]): string {
  return `#compdef rollcall
# zsh completion for rollcall; source it in ~/.zshrc after compinit:  source <(rollcall completion zsh)
_rollcall_ask() {
  local -a found
  found=(\${(f)"$(rollcall __complete $1 2>/dev/null)"})
  compadd -a found
}

${shapes.map((shape) => commandFunction(shape)).join('\n\n')}

if [[ \${funcstack[1]} == _rollcall ]]; then
  _rollcall "$@"
else
  compdef _rollcall rollcall
fi`
}

function commandFunction(shape: CommandShape): string {
  const options = shape.options.map(optionSpec)
  if (shape.words.length === 0) {
    const rest = shape.argument === undefined ? [] : [quote(`*:argument:${actionOf(shape.argument)}`)]
    return `${nameOf(shape.path)}() {\n  ${continued(['_arguments -s -S', ...options, ...rest])}\n}`
  }
  const words = shape.words.map(({ name, what }) => `    ${quote(`${name}:${what.replaceAll(':', '\\:')}`)}`)
  const branches = shape.words.map(({ name }) => `        ${name}) ${nameOf(`${shape.path} ${name}`.trim())} ;;`)
  return `${nameOf(shape.path)}() {
  local state line
  local -a words_here
  words_here=(
${words.join('\n')}
  )
  ${continued(['_arguments -C', ...options, "'1:command:->command'", "'*::rest:->rest'"])}
  case $state in
    command) _describe command words_here ;;
    rest)
      case $line[1] in
${branches.join('\n')}
      esac ;;
  esac
}`
}

function continued(parts: readonly string[]): string {
  return parts.join(' \\\n    ')
}

function nameOf(path: string): string {
  return path === '' ? '_rollcall' : `_rollcall_${path.replace(/[^a-z0-9]+/gi, '_')}`
}

function optionSpec({ names, what, value }: OptionShape): string {
  const text = `[${what.replace(/[[\]\\:]/g, (letter) => `\\${letter}`)}]`
  const rest = value === undefined ? text : `${text}:value:${actionOf(value)}`
  const [first, second] = names
  return second === undefined ? quote(`*${first}${rest}`) : `'(${names.join(' ')})'{${names.join(',')}}${quote(rest)}`
}

function actionOf({ choices, from }: Place): string {
  if (from === 'file') return '_files'
  if (from === 'dir') return '_files -/'
  if (from !== undefined) return ` _rollcall_ask ${from}`
  return choices.length === 0 ? ' ' : `(${choices.join(' ')})`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
