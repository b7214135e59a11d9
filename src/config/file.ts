/**
 * The config file: options by the names of their flags, without the dashes, in YAML or JSON. It opens no other file.
 */
import { dirname, resolve } from 'node:path'
import type { Pair } from 'yaml'
import { RegistryError } from '../core/model/errors.js'
import { fileOption, flagName, isPath, keyOf, split, type Option, type OptionTable, type Written } from './option.js'
import { didYouMean } from './nearest.js'
import { parseStructured, textOfBytes, yaml } from './structured.js'

/**
 * @param file how errors call it
 * @throws RegistryError `malformed`, naming file, line and key
 */
export function readConfig(content: Buffer, file: string, table: OptionTable): ReadonlyMap<string, Written> {
  const structured = parseStructured(textOfBytes(content), file)
  const { isMap, isScalar } = yaml()
  const contents = structured?.document.contents ?? null
  if (structured === undefined || contents === null || (isScalar(contents) && contents.value === null)) return new Map()
  if (!isMap(contents)) throw malformed(`${file}: must hold options by name, such as "cluster: lab"`)
  const written = new Map<string, Written>()
  for (const pair of contents.items) {
    const where = `${file}:${structured.lineAt(offsetOf(pair))}`
    const name = knownName(textOf(pair.key, where), table, where)
    const option = table[name]!
    const texts = split(option, valueTexts(pair.value, option, `${where}: ${keyOf(name)}`))
    written.set(name, { texts: texts.map((text) => fromFolder(option, text, file)), source: 'file', where })
  }
  return written
}

function offsetOf({ key }: Pair): number {
  return (key as { range?: readonly number[] } | null)?.range?.[0] ?? 0
}

function knownName(key: string, table: OptionTable, where: string): string {
  const names = Object.keys(table).filter((name) => name !== fileOption)
  const found = names.find((name) => keyOf(name) === key)
  if (found !== undefined) return found
  if (key === fileOption) throw malformed(`${where}: ${key}: a config file cannot name another; put all of it into one`)
  throw malformed(`${where}: ${key}: there is no such option${suggestion(key, names, table)}`)
}

/** People write what they know: a flag, a variable, the name in code. */
function suggestion(key: string, names: readonly string[], table: OptionTable): string {
  const spelled = keyOf(key.replace(/^ROLLCALL_(.*)/, (_, rest: string) => rest.toLowerCase()))
    .replaceAll('_', '-')
    .replace(/^-+/, '')
  const turnedOff = names.find((name) => flagName(table[name]!) === `--${spelled}` && spelled !== keyOf(name))
  if (turnedOff !== undefined) return `; did you mean ${keyOf(turnedOff)}: false?`
  return didYouMean(spelled, names.map(keyOf), '; rollcall config shows those there are')
}

/** Numbers as they are written: a zone 1.10 is not 1.1. */
function textOf(node: unknown, where: string): string {
  if (yaml().isScalar(node) && node.value !== null)
    return typeof node.value === 'string' ? node.value : String(node.source)
  throw malformed(`${where}: must be plain text`)
}

function valueTexts(value: unknown, option: Option, where: string): readonly string[] {
  const { isAlias, isMap, isScalar, isSeq } = yaml()
  if (value === null || (isScalar(value) && value.value === null)) return []
  if (isAlias(value)) throw malformed(`${where}: aliases are not read; write the value itself`)
  if (isSeq(value)) {
    if (option.takes === 'many') return value.items.map((item) => textOf(item, where))
    throw malformed(`${where}: takes one value, not a list`)
  }
  if (isMap(value)) throw malformed(`${where}: must be ${expected(option)}, not a map`)
  if (option.takes === 'switch' || !isScalar(value) || typeof value.value !== 'boolean') return [textOf(value, where)]
  throw malformed(`${where}: must be ${expected(option)}; put ${String(value.source)} in quotes if it is meant as text`)
}

function expected({ takes }: Option): string {
  if (takes === 'switch') return 'true or false'
  return takes === 'many' ? 'a list, or text with commas' : 'text'
}

/** A file is moved together with what it names, not with the folder in which somebody starts a daemon. */
function fromFolder(option: Option, text: string, file: string): string {
  return isPath(option) && !text.startsWith('~') ? resolve(dirname(file), text) : text
}

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}
