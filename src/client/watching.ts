/**
 * What a program says when it watches a slug, or waits for it: read alike wherever it asks.
 */
import { refuseUnknown } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import { worthPicking } from '../core/lookup/preference.js'
import type { SlugList } from '../core/views.js'
import type { CallOptions, WaitOptions } from './register.js'

/** @throws RegistryError `malformed`, naming what is wrong */
export function checkWatch(slug: unknown, options: CallOptions): void {
  refuseUnknown(options, ['signal'], 'option')
  if (typeof slug !== 'string' || slug === '' || /\p{Surrogate}/u.test(slug))
    throw new RegistryError('malformed', 'slug: must be the name of a service, a text that is not empty')
}

/**
 * The first list of which so many can be picked.
 * @throws RegistryError `malformed`; `unavailable` where the lists end before
 */
export async function waitForList(
  slug: string,
  options: WaitOptions,
  watch: (slug: string, options: CallOptions) => AsyncIterable<SlugList>,
): Promise<SlugList> {
  refuseUnknown(options, ['count', 'signal'], 'option')
  const { count = 1, signal } = options
  if (!Number.isInteger(count) || count < 1)
    throw new RegistryError('malformed', 'count: must be a whole number from 1 on')
  for await (const list of watch(slug, { signal })) {
    if (list.stale !== true && pickable(list) >= count) return list
  }
  throw new RegistryError('unavailable', `${slug}: what was asked has ended before ${count} could be picked`)
}

/** How many a plain pick would choose from. */
function pickable({ instances, degraded }: SlugList): number {
  return worthPicking(instances, (view) => view, degraded).length
}
