/**
 * The words for what callers do to instances: which act it is, whom it is about, what of it is told. No metadata ever is.
 */
import type { Act } from '../core/model/act.js'
import type { ActName, Deed } from '../core/journal/entry.js'
import type { Registration } from '../core/model/model.js'
import type { Reads } from '../core/reads.js'
import { shownUrl } from '../core/model/url.js'

export interface Deeds {
  /** @param said what it is registered as, where that is what is done */
  deedOf(id: string, act: ActName, said?: Registration): Deed
  /** With the slug that it has, where it tells none. */
  described(deed: Deed): Deed
}

export function deedsOf(read: Pick<Reads, 'slugOf'>): Deeds {
  const described = (deed: Deed): Deed => {
    const slug = deed.slug ?? (deed.id === undefined ? undefined : read.slugOf(deed.id))
    return typeof slug === 'string' ? { ...deed, slug } : deed
  }
  return {
    described,
    deedOf(id, act, { slug, url } = {} as Registration) {
      const said = typeof slug === 'string' && slug !== '' ? { slug } : {}
      return described({ act, id, ...said, ...(url !== undefined && { details: shownUrl(url) }) })
    },
  }
}

/** What an act is called; of what it changes the names alone, but for a status, whose words are for everybody. */
export function wordsOf(act: Exclude<Act, { type: 'suspect' }>): {
  readonly name: ActName | 'renew'
  readonly details?: string
} {
  switch (act.type) {
    case 'maintenance': {
      const { reason, by } = act
      if (by === 'program') return { name: reason === undefined ? 'end drain' : 'drain' }
      return reason === undefined ? { name: 'end maintenance' } : { name: 'maintenance', details: reason }
    }
    case 'patch': {
      const { type: _, ...changes } = act
      return { name: 'update', details: Object.keys(changes).join(', ') }
    }
    case 'status': {
      const { status, details } = act
      return { name: 'status', details: details === undefined ? status : `${status}: ${details}` }
    }
    case 'renew':
      return { name: 'renew' }
  }
}
