/**
 * How many services can be called wholly, in part, not at all; of some of them, which.
 */
import type { Availability } from '../core/lookup/slugs.js'
import type { Sample } from './samples.js'

/** Each slug that is told apart is three series, at each node. */
export const toldSlugs = 200
/** All slugs beyond those; one of that very name is among them, since a label stands for one thing. */
const others = 'other'

const availabilities = ['all', 'some', 'none'] as const satisfies readonly Availability[]

/** @param bySlug whether slugs are told apart: those that come first by name, so that none comes and goes with its luck */
export function servicesBy(services: Iterable<readonly [slug: string, of: Availability]>, bySlug: boolean): Sample[] {
  if (!bySlug) return samplesOf([...services].map(([, of]) => of))
  const known = [...services].sort(([a], [b]) => (a < b ? -1 : 1))
  const named = known.filter(([slug]) => slug !== others)
  const told = named.slice(0, toldSlugs)
  const rest = [...named.slice(toldSlugs), ...known.filter(([slug]) => slug === others)]
  return [
    ...told.flatMap(([slug, of]) => samplesOf([of], { slug })),
    ...samplesOf(
      rest.map(([, of]) => of),
      { slug: others },
    ),
  ]
}

function samplesOf(all: readonly Availability[], labels: { readonly slug?: string } = {}): Sample[] {
  return availabilities.map((availability) => {
    return { labels: { ...labels, availability }, value: all.filter((one) => one === availability).length }
  })
}
