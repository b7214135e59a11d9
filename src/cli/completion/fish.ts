/**
 * The completion script for fish: one line for each word or option, with the commands after which it may stand.
 */
import type { CommandShape, OptionShape, Place } from './shape.js'

export function fishScript(shapes: readonly CommandShape[]): string {
  return `# fish completion for rollcall; save it as ~/.config/fish/completions/rollcall.fish
function __rollcall_at
    set -l words (commandline -opc)[2..-1]
    set -l path
    for word in $words
        string match -q -- '-*' $word; and continue
        contains -- (string join ' ' $path $word) ${shapes.map(({ path }) => quote(path)).join(' ')}; and set -a path $word
    end
    test "$path" = "$argv"
end

complete -c rollcall -f
${shapes.flatMap(linesOf).join('\n')}`
}

function linesOf({ path, words, options, argument }: CommandShape): readonly string[] {
  const at = `complete -c rollcall -n ${quote(`__rollcall_at ${path}`.trim())}`
  const action = argument === undefined ? '' : valueOf(argument)
  return [
    ...words.map(({ name, what }) => `${at} -a ${quote(name)} -d ${quote(what)}`),
    ...options.map((option) => `${at} ${optionNames(option)} -d ${quote(option.what)}`),
    ...(action === '' ? [] : [`${at} ${action}`]),
  ]
}

function optionNames({ names, value }: OptionShape): string {
  const parts = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  if (value === undefined) return parts.join(' ')
  return `${parts.join(' ')} ${value.from === 'file' ? '-r' : '-x'} ${valueOf(value)}`.trim()
}

function valueOf({ choices, from }: Place): string {
  if (from === 'file') return '-F'
  if (from === 'dir') return `-a '(__fish_complete_directories)'`
  if (from !== undefined) return `-a '(rollcall __complete ${from} 2>/dev/null)'`
  return choices.length === 0 ? '' : `-a ${quote(choices.join(' '))}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
