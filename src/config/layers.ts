/**
 * Where the text of an option comes from: flags before the environment before a config file. It knows the shape of the table of
 * options, not its rows, and not what a value means.
 */
import { RegistryError } from '../core/model/errors.js'
import { readConfig } from './file.js'
import {
  fileOption,
  flagName,
  optionNames,
  placeOf,
  split,
  type Option,
  type OptionTable,
  type Written,
} from './option.js'
import { readOptionFile } from './option-file.js'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigSources {
  /** By option name, and only those that were given: commander's values. A flag wins over the environment. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Environment
}

export interface Layers {
  /** The config file, where one was named. */
  readonly file?: string
  /** Absent where nobody wrote anything. */
  readonly written: ReadonlyMap<string, Written>
}

/** @throws RegistryError `malformed`, naming the file, the line and the key, where the config file is wrong */
export function readLayers(table: OptionTable, { flags, env }: ConfigSources): Layers {
  const direct = new Map<string, Written>()
  for (const [name, option] of Object.entries(table)) {
    const written = fromFlag(option, flags[name]) ?? fromEnvironment(option, env[option.env])
    if (written !== undefined) direct.set(name, written)
  }
  const file = direct.get(fileOption)?.texts[0]
  const fromFile = file === undefined ? new Map<string, Written>() : readNamedFile(file, table, direct.get(fileOption)!)
  for (const [name, { source, texts }] of direct) {
    const option = table[name] as Option
    const isList = Array.isArray(flags[name]) && flags[name].length === 0 // a program has nothing to say: nobody typed that
    if (source === 'flag' && texts.length === 0 && !isList) demandTakenBack(option, env[option.env], fromFile.get(name))
  }
  const written = new Map([...fromFile, ...direct])
  for (const [name, { texts }] of written) if (texts.length === 0) written.delete(name)
  return { ...(file !== undefined && { file }), written }
}

function readNamedFile(file: string, table: OptionTable, { where }: Written): ReadonlyMap<string, Written> {
  let content: Buffer
  try {
    content = readOptionFile(file).content
  } catch (cause) {
    throw new RegistryError('malformed', `${where}: ${(cause as Error).message}`, { cause })
  }
  return readConfig(content, file, table)
}

/** Where there is nothing to take back an empty flag is a variable that is not set; nor may it take back, unseen, what protects. */
function demandTakenBack(option: Option, inEnvironment: string | undefined, inFile: Written | undefined): void {
  const flag = flagName(option)
  const below = fromEnvironment(option, inEnvironment) ?? inFile
  const isSaid = below !== undefined && below.texts.length > 0
  if (!isSaid)
    throw new RegistryError('malformed', `${flag}: is empty: is a variable not set? Leave it out to go without`)
  if (option.protects !== true) return
  const wayOut = `to go without, take it out of ${below.where}`
  throw new RegistryError('malformed', `${flag}: is empty: is a variable not set? It protects; ${wayOut}`)
}

/** An empty flag takes back what the layers below say. */
function fromFlag(option: Option, value: unknown): Written | undefined {
  if (value === undefined) return undefined
  const texts = Array.isArray(value) ? value.map(String) : [String(value)]
  return { texts: split(option, texts), source: 'flag', where: flagName(option) }
}

/** Empty ones count as not given: compose files and unit files set variables to nothing where they have nothing to say. */
function fromEnvironment(option: Option, value: string | undefined): Written | undefined {
  const texts = value === undefined ? [] : split(option, [value])
  return texts.length === 0 ? undefined : { texts, source: 'env', where: option.env }
}

/** Sentences about what was written, and probably meant otherwise. */
export function warningsOfLayers(table: OptionTable, sources: ConfigSources): string[] {
  const layers = readLayers(table, sources)
  return [...withoutEffect(table, layers), ...withoutProtection(table, sources.env, layers)]
}

/** Sentences about what protects and was given as nothing, which compose files may do by mistake. */
function withoutProtection(table: OptionTable, env: Environment, { written }: Layers): string[] {
  return Object.entries(table).flatMap(([name, option]) => {
    if (option.protects !== true || env[option.env] === undefined || written.has(name)) return []
    return [`${option.env}: is empty, so this runs without ${flagName(option)}; is a variable not set?`]
  })
}

/**
 * Sentences about what was written and does nothing. No reason not to start: whoever takes back the other one, for once, need not take
 * back all that goes with it.
 */
function withoutEffect(table: OptionTable, { written }: Layers): string[] {
  return [...written].flatMap(([name, one]) => {
    const option = table[name] as Option
    const { needs, takes, parse } = option
    if (needs === undefined || written.has(needs)) return []
    if (takes === 'switch' && parse(one.texts.at(-1) ?? '') === false) return []
    return [`${placeOf(option, name, one)}: has no effect without ${optionNames(table[needs] as Option)}`]
  })
}
