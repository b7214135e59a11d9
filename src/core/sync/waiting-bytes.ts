/**
 * How much may wait to be read by peers: for one of them, for all together. It makes nothing itself.
 *
 * What is given is a message, which goes to the socket whole; of a large document that is all of it. So nothing is refused for its own
 * size: it is asked before a message is made whether another one may be.
 */
import type { PeerId } from '../model/model.js'
import { Tally } from '../basics/tally.js'
import { wireLimits } from '../wire/limits.js'

export const waitingLimits = {
  /** For one peer: enough for a fast line between two looks at it, over all that it asked. */
  peerBytes: 8 * wireLimits.syncBatchBytes,
  /** For all together. */
  bytes: 64 * wireLimits.syncBatchBytes,
  /** So far those may go for whom nothing waits yet, so that a few who do not read keep nobody from being answered. */
  firstBytes: 128 * wireLimits.syncBatchBytes,
} as const

export class WaitingBytes {
  readonly #waiting = new Tally<PeerId>()

  get total(): number {
    return this.#waiting.total
  }

  /** Whether another message may be made for this peer. */
  mayGrow(peer: PeerId): boolean {
    const waiting = this.#waiting.of(peer)
    if (waiting === 0) return this.total < waitingLimits.firstBytes
    return waiting < waitingLimits.peerBytes && this.total < waitingLimits.bytes
  }

  add(peer: PeerId, bytes: number): void {
    this.#waiting.add(peer, bytes)
  }

  remove(peer: PeerId, bytes: number): void {
    this.#waiting.add(peer, -bytes)
  }
}
