/**
 * The shape of one option. It also tells apart what somebody wrote for one, and knows none by name but one.
 */

export interface Option<T = unknown> {
  /** As commander spells it. One whose value is `<file>` or `<dir>` is a path. */
  readonly flag: string
  readonly env: string
  /** `many` ones repeat, and are separated by commas in the environment. A `switch` takes no value as a flag. */
  readonly takes: 'one' | 'many' | 'switch'
  /** What happens without it, for people. */
  readonly fallback?: string
  readonly what: string
  /** All that it takes, for help and completion; the parser is what refuses others. */
  readonly choices?: readonly string[]
  /** The name of the one without which it has no effect. */
  readonly needs?: string
  /** Without it others may do more: that somebody wrote nothing for it is told. */
  readonly protects?: true
  /** Not shown in help. */
  readonly hidden?: true
  readonly parse: (text: string) => T
}

export type OptionTable = Readonly<Record<string, Option>>

/** What somebody wrote for one option, and where. */
export interface Written {
  readonly texts: readonly string[]
  readonly source: 'flag' | 'env' | 'file'
  /** `--http`, `ROLLCALL_HTTP`, or `/etc/rollcall.yaml:3`. */
  readonly where: string
}

/** The option that names the config file. It cannot stand in one. */
export const fileOption = 'config'

/** The texts of one option, apart. */
export function split(option: Option, texts: readonly string[]): readonly string[] {
  const parts = option.takes === 'many' ? texts.flatMap((text) => text.split(',')) : texts
  return parts.map((text) => text.trim()).filter((text) => text !== '')
}

export function isPath({ flag }: Option): boolean {
  return /<(file|dir)>$/.test(flag)
}

export function flagName({ flag }: Option): string {
  return flag.split(' ')[0]!
}

export function optionNames(option: Option): string {
  return `${flagName(option)} (${option.env})`
}

/** How errors call an option: by the names that it has, or by the place where it was written. */
export function placeOf(option: Option, name: string, written?: Written): string {
  return written?.source === 'file' ? `${written.where}: ${keyOf(name)}` : optionNames(option)
}

/** The name of an option in a config file: `dataDir` is `data-dir` there, as in its flag. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
