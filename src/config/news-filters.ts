/**
 * Which news a caller asks for.
 */
import { refuseUnknown, unknownName } from './nearest.js'
import { RegistryError } from '../core/model/errors.js'
import type { NewsEvent } from '../core/views.js'

export interface NewsFilters {
  readonly slug?: string | undefined
  readonly type?: 'member' | 'instance' | undefined
}

const askedTypes: readonly string[] = ['member', 'instance']

/**
 * A question for news as a program asks it.
 * @param options the names of all that it may say
 * @throws RegistryError `malformed`, naming the option
 */
export function checkNewsQuery(query: unknown, options: readonly string[]): void {
  if (typeof query !== 'object' || query === null)
    throw new RegistryError('malformed', 'options: must be an object such as {"slug": "web"}')
  refuseUnknown(query, options, 'option')
  const given = query as Readonly<Record<string, unknown>>
  for (const name of ['slug', 'type', 'after']) {
    if (given[name] !== undefined && typeof given[name] !== 'string')
      throw new RegistryError('malformed', `${name}: must be a string`)
  }
  const type = given['type'] as string | undefined
  if (type !== undefined && !askedTypes.includes(type))
    throw new RegistryError('malformed', `type: ${unknownName(type, askedTypes, 'event')}`)
}

/**
 * A slug asks for what happens to its instances alone, an empty one to those that have none; how the stream itself stands concerns
 * everybody.
 */
export function isWanted(event: NewsEvent, { slug, type }: NewsFilters): boolean {
  if (event.type === 'listening' || event.type === 'reset') return true
  if (type !== undefined && event.type !== type) return false
  return slug === undefined || (event.type === 'instance' && (event.slug ?? '') === slug)
}
