/**
 * Which news a caller asks for.
 */
import type { NewsEvent } from '../core/views.js'

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
