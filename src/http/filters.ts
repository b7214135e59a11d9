/**
 * Which instances a caller asks for, or news of which, by filters that all have to fit.
 */
import type { InstanceStatus } from '../core/model.js'
import type { InstanceView, NewsEvent } from '../core/views.js'

/** AND-ed, exact. */
export interface InstanceFilters {
  readonly slug?: string
  readonly deploymentId?: string
  readonly host?: string
  readonly ip?: string
  readonly scheme?: string
  readonly id?: string
  readonly nodeUrl?: string
  readonly tag?: string
  readonly status?: InstanceStatus
}

const comparedFields = ['slug', 'deploymentId', 'host', 'ip', 'scheme', 'id', 'nodeUrl', 'status'] as const

/** Other parameters do not count. */
export function isFilter(name: string): boolean {
  return name === 'tag' || (comparedFields as readonly string[]).includes(name)
}

export function matches(view: InstanceView, filters: InstanceFilters): boolean {
  if (filters.tag !== undefined && !(view.tags ?? []).includes(filters.tag)) return false
  return comparedFields.every((field) => filters[field] === undefined || filters[field] === view[field])
}

export interface NewsFilters {
  readonly slug?: string | undefined
  readonly type?: 'member' | 'instance' | undefined
}

/** A slug asks for what happens to its instances alone; how the stream itself stands concerns everybody. */
export function isWanted(event: NewsEvent, { slug, type }: NewsFilters): boolean {
  if (event.type === 'listening' || event.type === 'reset') return true
  if (type !== undefined && event.type !== type) return false
  return slug === undefined || (event.type === 'instance' && event.slug === slug)
}
