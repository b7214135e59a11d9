/**
 * Which web pages of other origins may use this daemon: none, unless they are listed. Headers tell their browsers so.
 */

import { freshnessHeader } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import { warningHeader } from '../config/warning.js'

/** As they stand in `Origin` headers; `*` is any page. */
export type Origins = readonly string[]

export const corsMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** For every preflight, whoever asks: without an allowed origin beside them they allow nothing. */
export const preflightHeaders = {
  'access-control-allow-methods': [...corsMethods, 'OPTIONS'].join(', '),
  'access-control-allow-headers': 'authorization, content-type, last-event-id, x-rollcall-slug',
  'access-control-max-age': '600',
  vary: 'origin',
} as const

export function isListed(origin: string | undefined, origins: Origins): boolean {
  return origin !== undefined && (origins.includes('*') || origins.includes(origin))
}

/** What an answer to this origin carries, failures included: a page cannot read what went wrong without. */
export function corsHeaders(origin: string | undefined, origins: Origins): Readonly<Record<string, string>> {
  if (origins.length === 0) return {}
  const exposed = {
    'access-control-expose-headers': [
      ...['retry-after', 'www-authenticate'],
      ...[positionHeader, freshnessHeader, warningHeader],
    ].join(', '),
  }
  if (origins.includes('*')) return { 'access-control-allow-origin': '*', ...exposed }
  // Also where this one is not listed: a cache must not give its answer to one that is.
  if (origin === undefined || !isListed(origin, origins)) return { vary: 'origin' }
  return { 'access-control-allow-origin': origin, vary: 'origin', ...exposed }
}
