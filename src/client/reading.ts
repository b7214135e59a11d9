/**
 * How instances are read for a pick by whoever sees them as callers do.
 */
import type { Reading, Whereabouts } from '../core/lookup/candidates.js'
import type { InstanceView } from '../core/views.js'

/** @param here where the caller stands, asked when that decides */
export function readingOf(here: () => Whereabouts): Reading<InstanceView> {
  return {
    of: (view) => view,
    whereabouts: ({ nodeUrl, zone, region }) => ({ node: nodeUrl, zone, region }),
    here,
  }
}
