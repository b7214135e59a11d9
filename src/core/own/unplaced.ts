/**
 * Peers that have no room for this node: what is registered here is not shown there.
 */
import { count } from '../words/count.js'
import type { Trouble, Unready } from '../words/causes.js'
import type { PeerId } from '../model/model.js'

/** What is to be told of a peer that refuses, after its name. */
const hasNoRoom = 'has no room for the records of this node: what is registered here is not shown there'

/** Whoever has room by then would have taken it: it is asked again every few seconds. */
const refused_ms = 60_000

export class Unplaced {
  readonly #refusedAt = new Map<PeerId, number>()

  /** @returns what to tell people of it, after its name, where that is news */
  refusedBy(peer: PeerId, now: number): string | undefined {
    const isNews = !this.#isRefusedBy(peer, now)
    this.#refusedAt.set(peer, now)
    return isNews ? hasNoRoom : undefined
  }

  /** It holds what this node says, or is not there any more. */
  forget(peer: PeerId): void {
    this.#refusedAt.delete(peer)
  }

  #isRefusedBy(peer: PeerId, now: number): boolean {
    const at = this.#refusedAt.get(peer)
    return at !== undefined && now - at < refused_ms
  }

  /** What is odd about a peer. */
  troubleOf(peer: PeerId, now: number): Trouble | undefined {
    return this.#isRefusedBy(peer, now) ? { kind: 'refuses-us', text: `it ${hasNoRoom}` } : undefined
  }

  /** Why nobody sees what is registered here; undefined where somebody does, or nobody is there. @param peers that are connected */
  reason(peers: Iterable<PeerId>, now: number): Unready | undefined {
    const all = [...peers]
    if (all.length === 0 || !all.every((peer) => this.#isRefusedBy(peer, now))) return undefined
    const wayOut = 'see `rollcall members` there for nodes that are no more, which `rollcall force-leave` removes'
    return {
      cause: 'no-room',
      why: `the cluster has no room for this node: each of ${count(all.length, 'connected node')} holds the records of as many nodes as it can; ${wayOut}`,
    }
  }
}
