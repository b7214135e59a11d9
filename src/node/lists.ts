/**
 * The lists of a slug as a loop in the program whose node tells them.
 */
import { onAbort } from '../client/aborting.js'
import { newestOf } from '../client/newest.js'
import type { Registry } from '../client/register.js'
import { checkWatch, waitForList } from '../client/watching.js'
import { frozen } from '../core/basics/frozen.js'
import type { RegistryService } from '../http/service.js'

/**
 * @param service throws once the node has stopped
 * @param over aborts when it does, which ends the loops quietly
 */
export function watchingOf(
  service: () => Pick<RegistryService, 'watch'>,
  over: AbortSignal,
): Pick<Registry, 'watch' | 'waitFor'> {
  const watch: Registry['watch'] = (slug, options = {}) => {
    checkWatch(slug, options)
    const registry = service()
    return newestOf((newest) => {
      const end = registry.watch(slug, (list) => newest.put(frozen(list)))
      const unlisten = onAbort(over, () => newest.end())
      if (over.aborted) newest.end()
      return () => {
        unlisten()
        end()
      }
    }, options.signal)
  }
  return { watch, waitFor: (slug, options = {}) => waitForList(slug, options, watch) }
}
