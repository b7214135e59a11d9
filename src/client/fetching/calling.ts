/**
 * The calls of services that a node in this program, or a client of a daemon, offers.
 */
import { CallCounts } from '../../metrics/calls.js'
import type { Calling } from '../register.js'
import { Fetching, type Platform, type Source, machine } from './fetching.js'
import { refuseManner } from './options.js'
import { urlOf } from './target.js'

/** By the clock and the chance of this machine, unless others are given. */
export function fetchingOf(
  source: Source,
  platform: Pick<Platform, 'fetch'> & Partial<Platform>,
  counts = new CallCounts(),
): Fetching {
  return new Fetching(source, { ...machine, ...platform }, counts)
}

export function callingOf(fetching: Fetching): Calling {
  const fetch = fetching.create()
  return {
    fetch,
    createFetch: (options) => fetching.create(options),
    call: async (slug, path = '/', init) => {
      refuseManner(init)
      return await fetch(urlOf(slug, path), init)
    },
  }
}
