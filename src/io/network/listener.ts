/**
 * Whom the network tells what happens; a fault over there must not end a connection here. It never acts on what it hears.
 */
import type { Logger } from 'pino'
import type { PeerId } from '../../core/model/model.js'
import type { Drops } from './drops.js'
import type { Reply } from './serving.js'

/** Called as things happen; never within a call to the network, except `dial` and the like, which may report at once. */
export interface NetworkListener {
  /** The first connection of a peer that speaks this cluster's protocols. */
  connected(peer: PeerId): void
  /** The last connection of that peer is gone. */
  disconnected(peer: PeerId): void
  /**
   * A dial was refused, reset or cut in the handshake at every address that has worked in this run (or at every known one,
   * when none has): reason to report it. Comes for the network's own attempts too. A time-out is not reported.
   * @param isVacant each address that has worked in this run was refused by its machine (ECONNREFUSED), nothing else: evidence
   */
  refused(peer: PeerId, isVacant: boolean): void
  /** Its connections are cut, none comes about for so long, for a reason of our own: its silence means nothing. `disconnected` follows. */
  shunned(peer: PeerId, for_ms: number): void
  /** `author` signed the message; who passed it on is not told. */
  gossip(author: PeerId, bytes: Uint8Array): void
  beat(from: PeerId, bytes: Uint8Array): void
  /** Answered by any number of `reply` calls, the last with `last`; an empty last message only ends the answer. */
  request(from: PeerId, bytes: Uint8Array, reply: Reply): void
}

/**
 * The listener as this room calls it: a fault in it is told and counted, and never ends a connection or the process;
 * and nothing reaches it once the network is `over`.
 */
export function guarded(listener: NetworkListener, drops: Drops, log: Logger, over: () => boolean): NetworkListener {
  const guard = <T extends unknown[]>(call: (...values: T) => void): ((...values: T) => void) => {
    const calm = harmless(call, drops, log)
    return (...values) => {
      if (!over()) calm(...values)
    }
  }
  return {
    connected: guard((peer) => listener.connected(peer)),
    disconnected: guard((peer) => listener.disconnected(peer)),
    refused: guard((peer, isVacant) => listener.refused(peer, isVacant)),
    shunned: guard((peer, for_ms) => listener.shunned(peer, for_ms)),
    gossip: guard((author, bytes) => listener.gossip(author, bytes)),
    beat: guard((from, bytes) => listener.beat(from, bytes)),
    request: guard((from, bytes, reply) => listener.request(from, bytes, reply)),
  }
}

/** A function that a library calls in an event of its own, where a throw would end the process, be it ours or not. */
export function harmless<T extends unknown[]>(
  call: (...values: T) => void,
  drops: Drops,
  log: Logger,
): (...values: T) => void {
  return (...values) => {
    try {
      call(...values)
    } catch (error) {
      drops.count('listener-failed')
      log.error({ err: error }, 'what the network reported could not be taken in')
    }
  }
}
