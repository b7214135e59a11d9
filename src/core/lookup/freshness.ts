/**
 * How old the truth of a lookup may be. Nothing here waits for a newer one.
 */
import { type Duration, durationOf, formatDuration, parseDuration } from '../model/duration.js'
import { RegistryError } from '../model/errors.js'
import type { Freshness } from '../views.js'

const day_ms = 86_400_000

/**
 * @returns nothing where any age will do
 * @throws RegistryError `malformed`, naming the option
 */
export function parseMaxAge(given: unknown): Duration | undefined {
  return given === undefined ? undefined : parseDuration(given, 'maxAge', { min_ms: 0, max_ms: day_ms })
}

/** @throws RegistryError `unavailable` where what is known is older than that, or nobody can tell how old it is */
export function demandFresh(slug: string, { heardAge_ms }: Freshness, maxAge: Duration | undefined): void {
  if (maxAge === undefined || (heardAge_ms !== undefined && heardAge_ms <= (durationOf(maxAge) ?? 0))) return
  const age = heardAge_ms === undefined ? 'of unknown age' : `${formatDuration(heardAge_ms)} old`
  throw new RegistryError(
    'unavailable',
    `maxAge: what this node knows of ${JSON.stringify(slug)} is ${age}, by the home node that it heard of longest ago, and ${maxAge} was asked for; allow more, ask again, or ask another node`,
  )
}
