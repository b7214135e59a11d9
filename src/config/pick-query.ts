/**
 * How a pick is asked for: in the query of a url, in the options of a call.
 */
import type { PickQuery } from '../core/lookup/chooser.js'
import { parsePick, pickFields } from '../core/lookup/query.js'
import { metadataPrefix } from './filters.js'
import { refuseUnknown } from './nearest.js'

const optionNames = [...pickFields, 'maxAge', 'signal'] as const

/**
 * @returns nothing where nothing is asked
 * @throws RegistryError `malformed`, naming the option
 */
export function pickOfOptions(options: object): PickQuery | undefined {
  refuseUnknown(options, optionNames, 'option')
  return parsePick(options as Readonly<Record<string, unknown>>)
}

/**
 * @returns nothing where nothing is asked
 * @throws RegistryError `malformed`, naming the parameter
 */
export function pickOfQuery(parameters: Readonly<Record<string, unknown>>): PickQuery | undefined {
  if (isEmpty(parameters)) return undefined
  const { tag, exclude, ...others } = parameters
  const metadata = Object.entries(others).filter(([name]) => name.startsWith(metadataPrefix))
  return parsePick({
    ...others,
    ...(tag !== undefined && { tags: [tag].flat() }),
    ...(exclude !== undefined && { exclude: [exclude].flat() }),
    ...(metadata.length > 0 && {
      metadata: Object.fromEntries(metadata.map(([name, value]) => [name.slice(metadataPrefix.length), value])),
    }),
  })
}

export function queryOfPick({
  tags,
  exclude,
  metadata = {},
  ...others
}: PickQuery): Record<string, string | readonly string[] | undefined> {
  const said = Object.entries(metadata).map(([key, value]) => [`${metadataPrefix}${key}`, value] as const)
  return { ...others, tag: tags, exclude, ...Object.fromEntries(said) }
}

/** Most pick plainly, thousands of times a second. */
function isEmpty(parameters: object): boolean {
  for (const _ in parameters) return false
  return true
}
