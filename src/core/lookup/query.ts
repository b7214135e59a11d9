/**
 * Reads what a caller asks of a pick. What it means is decided elsewhere.
 */
import { malformed } from '../model/fields.js'
import { type Demands, localities } from './candidates.js'
import type { PickQuery } from './chooser.js'
import { strategies } from './strategies.js'

export const pickFields = ['strategy', 'prefer', 'key', 'tags', 'metadata', 'port', 'exclude'] as const

/** More in one query would be no query. */
const listLimit = 1024

/**
 * @param given as a program gives it; `undefined` is not given
 * @returns nothing where nothing is asked
 * @throws RegistryError `malformed`, naming the field
 */
export function parsePick(given: Readonly<Record<string, unknown>>): PickQuery | undefined {
  let query: { -readonly [Name in keyof PickQuery]: PickQuery[Name] } | undefined
  for (const field of pickFields) {
    const value = given[field]
    if (value === undefined) continue
    query ??= {}
    Object.assign(query, { [field]: readers[field](value, field) })
  }
  if (query === undefined) return undefined
  if (query.strategy === 'hash' && query.key === undefined)
    throw malformed('key', 'missing; with the strategy hash give what the choice is to follow, such as a user id')
  if (query.key !== undefined && query.strategy !== 'hash') throw malformed('key', 'counts only with the strategy hash')
  return query
}

const readers: Readonly<Record<(typeof pickFields)[number], (value: unknown, field: string) => unknown>> = {
  strategy: (value, field) => oneOf(strategies, value, field),
  prefer: (value, field) => oneOf(localities, value, field),
  key: textOf,
  tags: textsOf,
  metadata: pairsOf,
  port: textOf,
  exclude: textsOf,
}

function oneOf<T extends string>(all: readonly T[], value: unknown, field: string): T {
  const one = all.find((known) => known === value)
  if (one === undefined) throw malformed(field, `must be one of ${all.join(', ')}`)
  return one
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw malformed(field, 'must be a string')
  return value
}

function textsOf(value: unknown, field: string): Demands['tags'] {
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    throw malformed(field, 'must be a list of strings')
  if (value.length > listLimit) throw malformed(field, `more than ${listLimit}`)
  return value as readonly string[]
}

function pairsOf(value: unknown, field: string): Demands['metadata'] {
  // Of a Map, or the like, no key would be seen, and whatever there is would fit.
  const isObject = typeof value === 'object' && value !== null && !(Symbol.iterator in value)
  if (!isObject || Object.values(value).some((text) => typeof text !== 'string'))
    throw malformed(field, 'must be an object of texts such as {"team": "blue"}')
  return value as Readonly<Record<string, string>>
}
