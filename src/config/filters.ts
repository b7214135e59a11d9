/**
 * Which instances a caller asks for, by filters that all have to fit.
 */
import { refuseUnknown } from './nearest.js'
import { RegistryError } from '../core/model/errors.js'
import { type InstanceStatus, instanceStatuses } from '../core/model/model.js'
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
  /** Of the service. */
  readonly version?: string
  /** Its own, else that of its node. */
  readonly zone?: string
  /** What it says under these keys, all of it. */
  readonly metadata?: Readonly<Record<string, string>>
}

const comparedFields = ['slug', 'deploymentId', 'host', 'ip', 'scheme', 'id', 'nodeUrl', 'status'] as const

/** Those of the published calls. */
export const filterNames: readonly string[] = [...comparedFields, 'tag']
const ownFields = ['version', 'zone'] as const
const ownFilterNames = [...filterNames, ...ownFields, 'metadata']

/** How a filter by one key of the metadata begins in a query. */
export const metadataPrefix = 'metadata.'

/** Filters as they stand in the query of a call of our own. */
export function filtersOfQuery(query: Readonly<Record<string, unknown>>): InstanceFilters {
  const entries = Object.entries(query)
  const ofMetadata = entries.filter(([name]) => name.startsWith(metadataPrefix))
  const metadata = Object.fromEntries(ofMetadata.map(([name, value]) => [name.slice(metadataPrefix.length), value]))
  const others = Object.fromEntries(entries.filter(([name]) => !name.startsWith(metadataPrefix)))
  return { ...others, ...(ofMetadata.length > 0 && { metadata: metadata as Record<string, string> }) }
}

/** Whether only calls of our own know one of them. */
export function areOwn(filters: InstanceFilters): boolean {
  return [...ownFields, 'metadata' as const].some((name) => filters[name] !== undefined)
}

/** The same as they stand in a query. */
export function queryOfFilters({
  metadata = {},
  ...others
}: InstanceFilters): Record<string, string | readonly string[] | undefined> {
  const ofMetadata = Object.entries(metadata).map(([key, value]) => [`${metadataPrefix}${key}`, value] as const)
  return { ...others, ...Object.fromEntries(ofMetadata) }
}

/**
 * Filters as a program gives them.
 * @throws RegistryError `malformed`, naming the filter
 */
export function checkFilters(filters: unknown): void {
  if (typeof filters !== 'object' || filters === null || Array.isArray(filters))
    throw new RegistryError('malformed', 'filters: must be an object such as {"slug": "web"}')
  refuseUnknown(filters, ownFilterNames, 'filter')
  for (const [name, value] of Object.entries(filters)) {
    if (name === 'metadata') checkMetadata(value)
    else checkText(name, value)
  }
  const { status } = filters as { status?: string }
  if (status !== undefined && !(instanceStatuses as readonly string[]).includes(status))
    throw new RegistryError('malformed', `status: must be one of ${instanceStatuses.join(', ')}`)
}

function checkMetadata(value: unknown): void {
  if (value === undefined) return
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject || Object.values(value).some((text) => typeof text !== 'string'))
    throw new RegistryError('malformed', 'metadata: must be an object of texts such as {"team": "blue"}')
}

function checkText(name: string, value: unknown): void {
  const isText = value === undefined || typeof value === 'string'
  if (!isText && !(name === 'tag' && isListOfTexts(value)))
    throw new RegistryError('malformed', `${name}: must be a string`)
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

export function matches(view: InstanceView, filters: InstanceFilters): boolean {
  const { tag = [] } = filters
  const asked = typeof tag === 'string' ? [tag] : tag
  const { tags = [], metadata: said = {} } = view
  if (!asked.every((one) => (one === '' ? tags.length === 0 : tags.includes(one)))) return false
  const isSaid = ([key, value]: [string, string]): boolean => (Object.hasOwn(said, key) ? said[key] : '') === value
  if (!Object.entries(filters.metadata ?? {}).every(isSaid)) return false
  return [...comparedFields, ...ownFields].every(
    (field) => filters[field] === undefined || filters[field] === (view[field] ?? ''),
  )
}

/** What a record can be looked at by before anything is known of its node: whoever does not fit these does not fit the others either. */
export function ofRecords({ nodeUrl: _, zone: __, ...filters }: InstanceFilters): InstanceFilters {
  return filters
}

/** The slug by which the index can be asked: none where all that have none are meant. */
export function indexedSlug({ slug }: InstanceFilters): string | undefined {
  return slug === '' ? undefined : slug
}

/** Of which instances something is asked at once: all that are given have to fit, one has to be given. */
export interface Which {
  readonly slug?: string
  /** Its id, its url, or its peer id. */
  readonly node?: string
  readonly zone?: string
}

export const whichFields = ['slug', 'node', 'zone'] as const satisfies readonly (keyof Which)[]
