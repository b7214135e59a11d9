/**
 * Which instances a caller asks for, by filters that all have to fit.
 */
import { refuseUnknown } from './nearest.js'
import { RegistryError } from '../core/errors.js'
import { type InstanceStatus, instanceStatuses } from '../core/model.js'
import type { InstanceView } from '../core/views.js'

/** AND-ed, exact. */
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
export function checkFilters(filters: object): void {
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
  const tags = typeof tag === 'string' ? [tag] : tag
  if (!tags.every((one) => (view.tags ?? []).includes(one))) return false
  return comparedFields.every((field) => filters[field] === undefined || filters[field] === view[field])
}
