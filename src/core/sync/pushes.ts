/**
 * Documents that peers have named, to be given to them: a message at a time, the next once one of those before it is answered. Of which
 * documents is known here, of what is in them nothing.
 */
import type { PeerId } from '../model/model.js'
import type { WaitingBytes } from './waiting-bytes.js'

/** Messages on their way to one peer at once: none of them waits for the next to be made. */
const atOnce = 2

interface Push {
  readonly owners: PeerId[]
  onTheWay: number
}

export class Pushes {
  readonly #bytes: WaitingBytes
  readonly #byPeer = new Map<PeerId, Push>()
  /** Bytes of each message that is not answered yet. */
  readonly #messages = new Map<number, number>()

  constructor(bytes: WaitingBytes) {
    this.#bytes = bytes
  }

  want(peer: PeerId, owners: readonly PeerId[]): void {
    const push = this.#byPeer.get(peer) ?? { owners: [], onTheWay: 0 }
    this.#byPeer.set(peer, push)
    const known = new Set(push.owners)
    for (const owner of owners) if (!known.has(owner)) push.owners.push(owner)
  }

  /** There is nobody to give anything to. */
  get isIdle(): boolean {
    return this.#byPeer.size === 0
  }

  /** Peers for whom a message may be made, with those that are still to go: whoever makes one takes them from the front. */
  *turns(): Generator<{ readonly peer: PeerId; readonly owners: PeerId[] }, void> {
    for (const [peer, { owners, onTheWay }] of [...this.#byPeer])
      if (owners.length > 0 && onTheWay < atOnce && this.#bytes.mayGrow(peer)) yield { peer, owners }
  }

  /** A message has been made. */
  given(peer: PeerId, request: number, bytes: number): void {
    const push = this.#byPeer.get(peer)
    if (push === undefined) return
    push.onTheWay += 1
    this.#byPeer.delete(peer) // its next turn comes after those of all others
    this.#byPeer.set(peer, push)
    this.#messages.set(request, bytes)
    this.#bytes.add(peer, bytes)
  }

  /** It is answered, or will not be: then the rest is left to the next comparison. */
  closed(peer: PeerId, request: number, ok: boolean): void {
    const bytes = this.#messages.get(request)
    if (bytes === undefined) return
    this.#messages.delete(request)
    this.#bytes.remove(peer, bytes)
    const push = this.#byPeer.get(peer)
    if (push === undefined) return
    push.onTheWay -= 1
    if (!ok) push.owners.length = 0
    this.forgetDone(peer)
  }

  /** What was taken from the front may have been all. */
  forgetDone(peer: PeerId): void {
    const push = this.#byPeer.get(peer)
    if (push !== undefined && push.onTheWay === 0 && push.owners.length === 0) this.#byPeer.delete(peer)
  }
}
