/**
 * The commands as a shell sees them: words, options, what may follow each. Read from the commander tree, so it is never behind.
 */
import type { Argument, Command, Option } from 'commander'

/** What may stand at a place: one of some words, a file, a folder, or what a daemon knows; else nothing is offered. */
export interface Place {
  readonly choices: readonly string[]
  readonly from?: 'file' | 'dir' | 'slugs' | 'instances' | 'definitions' | 'nodes'
}

export interface OptionShape {
  readonly names: readonly string[]
  readonly what: string
  /** Absent: it takes no value. */
  readonly value?: Place
}

export interface CommandShape {
  /** `rollcall definitions save` is `definitions save`, the whole is empty. */
  readonly path: string
  readonly words: readonly { readonly name: string; readonly what: string }[]
  readonly options: readonly OptionShape[]
  /** The first argument; the last one that is known stands for all after it. */
  readonly argument?: Place
}

/** By the name that an argument or value has in the help. */
const placeByName: Readonly<Record<string, NonNullable<Place['from']>>> = {
  ...{ file: 'file', dir: 'dir', slug: 'slugs', 'slug|id': 'slugs', id: 'instances', node: 'nodes' },
  definition: 'definitions',
}

/** Every command, the whole first. */
export function shapeOf(program: Command): readonly CommandShape[] {
  return shapesUnder(program, '')
}

function shapesUnder(command: Command, path: string): readonly CommandShape[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const [argument] = command.registeredArguments
  const words = commands.map((each) => ({ name: each.name(), what: each.description() }))
  const own: CommandShape = {
    ...{ path, words, options: help.visibleOptions(command).map(optionShape) },
    ...(argument !== undefined && { argument: placeOf(argument, argument.name()) }),
  }
  const under = commands.flatMap((each) => {
    const below = `${path} ${each.name()}`.trim()
    return each.name() === 'help' ? helpShape(below, words) : shapesUnder(each, below)
  })
  return [own, ...under]
}

/** Help takes the commands beside it as words, and has none below. */
function helpShape(path: string, siblings: CommandShape['words']): CommandShape {
  return { path, words: [], options: [], argument: { choices: siblings.map(({ name }) => name) } }
}

function optionShape(option: Option): OptionShape {
  const names = [option.short, option.long].filter((name): name is string => typeof name === 'string')
  const what = option.description.replace(/ \(env: .*$/s, '')
  if (!option.required && !option.optional) return { names, what }
  return { names, what, value: placeOf(option, /[<[]([^>\]]+?)(\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? '') }
}

function placeOf({ argChoices }: Option | Argument, name: string): Place {
  const from = placeByName[name]
  return { choices: argChoices ?? [], ...(from !== undefined && { from }) }
}
