/**
 * Which instances a caller asks for, by filters that all have to fit.
 */
import { refuseUnknown } from './nearest.js'
import { RegistryError } from '../core/errors.js'
import { type InstanceStatus, instanceStatuses } from '../core/model.js'
import type { InstanceView } from '../core/views.js'

/** AND-ed, exact. An empty text says that there is none: it fits what has nothing there, and is not the same as no filter. */
export interface InstanceFilters {
  readonly slug?: string
  readonly deploymentId?: string
  readonly host?: string
  readonly ip?: string
  readonly scheme?: string
  readonly id?: string
  readonly nodeUrl?: string
  /** One tag, or several that an instance has to have all. */
  readonly tag?: string | readonly string[]
  readonly status?: InstanceStatus
}

const comparedFields = ['slug', 'deploymentId', 'host', 'ip', 'scheme', 'id', 'nodeUrl', 'status'] as const

export const filterNames: readonly string[] = [...comparedFields, 'tag']

/**
 * Filters as a program gives them.
 * @throws RegistryError `malformed`, naming the filter
 */
export function checkFilters(filters: unknown): void {
  if (typeof filters !== 'object' || filters === null || Array.isArray(filters))
    throw new RegistryError('malformed', 'filters: must be an object such as {"slug": "web"}')
  refuseUnknown(filters, filterNames, 'filter')
  for (const [name, value] of Object.entries(filters)) {
    const isText = value === undefined || typeof value === 'string'
    if (!isText && !(name === 'tag' && isListOfTexts(value)))
      throw new RegistryError('malformed', `${name}: must be a string`)
  }
  const { status } = filters as { status?: string }
  if (status !== undefined && !(instanceStatuses as readonly string[]).includes(status))
    throw new RegistryError('malformed', `status: must be one of ${instanceStatuses.join(', ')}`)
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

export function matches(view: InstanceView, filters: InstanceFilters): boolean {
  const { tag = [] } = filters
  const asked = typeof tag === 'string' ? [tag] : tag
  const { tags = [] } = view
  if (!asked.every((one) => (one === '' ? tags.length === 0 : tags.includes(one)))) return false
  return comparedFields.every((field) => filters[field] === undefined || filters[field] === (view[field] ?? ''))
}

/** The slug by which the index can be asked: none where all that have none are meant. */
export function indexedSlug({ slug }: InstanceFilters): string | undefined {
  return slug === '' ? undefined : slug
}
