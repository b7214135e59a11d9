/**
 * A node that is about to stop: hidden first, held by all, then told to whoever wants to stop it. It stops nothing.
 */
import { pause } from '../client/pause.js'
import { everybody_ms, restOf_ms } from '../core/everybody.js'
import type { DrainView } from '../core/views.js'
import type { RegistryService } from '../http/service.js'

/** What of a service it takes. */
export interface Draining extends Pick<RegistryService, 'holders'> {
  /** @returns how many are registered here */
  readonly hide: () => Promise<number>
  readonly alive: () => number
}

/** Resolves when every living node holds it; where not all can be asked, when the time for that has passed. */
export async function drainNode({ hide, holders, alive: livingNow }: Draining): Promise<DrainView> {
  const begun = performance.now()
  const instances = await hide()
  const acks = await holders({ acks: 'all', patience_ms: everybody_ms })
  const alive = livingNow()
  await pause(restOf_ms({ acks, alive }, performance.now() - begun))
  return { instances, acks, alive }
}
