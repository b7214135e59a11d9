/**
 * The calls of services that a node in this program, or a client of a daemon, offers.
 */
import type { Calling } from '../register.js'
import { Fetching, type Platform, type Source, machine } from './fetching.js'
import { urlOf } from './target.js'

export function callingOf(source: Source, platform: Pick<Platform, 'fetch'> & Partial<Platform>): Calling {
  const fetching = new Fetching(source, { ...machine, ...platform })
  const fetch = fetching.create()
  return {
    fetch,
    createFetch: (options) => fetching.create(options),
    call: async (slug, path = '/', init) => fetch(urlOf(slug, path), init),
  }
}
