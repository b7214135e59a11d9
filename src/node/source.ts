/**
 * Where the calls of a program find their instances when it is a node itself: in its own memory.
 */
import type { Source } from '../client/fetching/fetching.js'
import type { Reads } from '../core/reads.js'
import type { RegistryService } from '../http/service.js'

/** @param parts asked anew by each call; it throws once the node has stopped */
export function sourceOf(
  parts: () => {
    readonly read: Pick<Reads, 'listed'>
    readonly service: Pick<RegistryService, 'selfNode' | 'suspect'>
  },
): Source {
  return {
    listed: (slug) => parts().read.listed(slug),
    prepare: () => undefined,
    here: () => {
      const { url: node, availabilityZone: zone, region } = parts().service.selfNode()
      return { node, zone, region }
    },
    suspect: (id) => void suspect(parts, id),
  }
}

async function suspect(parts: Parameters<typeof sourceOf>[0], id: string): Promise<void> {
  try {
    await parts().service.suspect(id)
  } catch {
    // only a hint: also of a call that outlives the node
  }
}
