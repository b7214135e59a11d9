/**
 * What a daemon's log says of its registry: each event in words that can be read at night, at the level that it deserves.
 */
import type { RegistryEvent } from '../core/effects.js'
import type { Log } from '../log.js'

export function logEvent(log: Log, event: RegistryEvent): void {
  switch (event.type) {
    case 'member': {
      const { peer, from, to, why } = event
      return log.info({ peer, from, to, why }, `member ${to}: ${why}`)
    }
    case 'instance':
      return log.debug({ id: event.id, slug: event.slug }, `instance ${event.change}`)
    case 'instance-status': {
      const { id, from, to } = event
      const isExpected = from === 'Unknown' && to === 'Healthy' // the first check of each, and of all after a start
      return log[isExpected ? 'debug' : 'info']({ id, from, to }, `instance is ${to}`)
    }
    case 'ready':
      return log.info('ready: writes are accepted')
    case 'synced':
      return log.debug({ peer: event.peer, documents: event.documents }, 'compared all documents with a peer')
    case 'generation':
      return log.warn({ generation: event.generation }, `began a new generation: ${event.why}`)
    case 'refuted':
      return log.warn({ incarnation: event.incarnation }, 'others reported this node silent; told them that it lives')
    case 'muted':
      return log.error(event.why)
    case 'warning':
      return log.warn(event.message)
  }
}
