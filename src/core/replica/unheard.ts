/**
 * Owners whose documents are held here while no word of them has come: who has to make room first in a table of owners that is full.
 *
 *     document, no word ──▶ fresh ── 10 min ──▶ silent: goes first, an eighth of the table stays, counts against whoever brought it
 *                             └── any word of it, whoever passed it on: like all others, and never made to go
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { Trouble } from '../words/causes.js'
import type { PeerId } from '../model/model.js'
import { wireLimits } from '../wire/limits.js'

/** A word of anybody who lives has come by then, through relays, in the largest cluster. */
const fresh_ms = 600_000
const hour_ms = 3600_000
/** Of all owners these may be silent ones, once the others need the room; one peer may bring so many in an hour. */
const silentMost = wireLimits.documents / 8
/** Below that nobody needs room. */
const pressed = wireLimits.documents - silentMost

interface Arrival {
  /** Who brought it; absent where an earlier run has left it on disk. */
  readonly via: PeerId | undefined
  readonly at: number
  isSilent: boolean
}

interface Brought {
  readonly since: number
  readonly count: number
}

export class Unheard {
  readonly #arrivals = new Map<PeerId, Arrival>()
  readonly #silent = new Set<PeerId>()
  readonly #brought = new BoundedMap<PeerId, Brought>(wireLimits.documents)

  get size(): number {
    return this.#arrivals.size
  }

  arrived(owner: PeerId, via: PeerId | undefined, now: number): void {
    if (!this.#arrivals.has(owner)) this.#arrivals.set(owner, { via, at: now, isSilent: false })
  }

  /** A word of it has come, or its document is gone. */
  forget(owner: PeerId): void {
    this.#arrivals.delete(owner)
    this.#silent.delete(owner)
  }

  /** Looks at all: those of whom a word has come by now count like all others. */
  look(hasWord: (owner: PeerId) => boolean, now: number): void {
    for (const [owner, arrival] of this.#arrivals) {
      if (hasWord(owner)) this.forget(owner)
      else if (!arrival.isSilent && now - arrival.at >= fresh_ms) this.#fellSilent(owner, arrival, now)
    }
  }

  #fellSilent(owner: PeerId, arrival: Arrival, now: number): void {
    arrival.isSilent = true
    this.#silent.add(owner)
    if (arrival.via === undefined) return
    const count = this.broughtBy(arrival.via, now)
    const since = count === 0 ? now : (this.#brought.get(arrival.via)?.since ?? now)
    this.#brought.set(arrival.via, { since, count: count + 1 })
  }

  /** How many of whom nobody hears a word a peer has brought within an hour. */
  broughtBy(peer: PeerId, now: number): number {
    const brought = this.#brought.get(peer)
    return brought === undefined || now - brought.since >= hour_ms ? 0 : brought.count
  }

  /** Whether one more of whom no word came is taken from a peer. @param held how many owners there are */
  mayBring(peer: PeerId | undefined, held: number, now: number): boolean {
    return held < pressed || peer === undefined || this.broughtBy(peer, now) < silentMost
  }

  /**
   * Those who are to go, the first one first, in an order that all nodes share: silent ones beyond their part of a table that fills; in
   * one that is full, one more for a newcomer.
   */
  toGo(held: number): PeerId[] {
    const beyond = held < pressed ? 0 : this.#silent.size - silentMost
    const count = Math.min(Math.max(beyond, held >= wireLimits.documents ? 1 : 0), this.#silent.size)
    return count === 0 ? [] : [...this.#silent].sort().reverse().slice(0, count)
  }

  /** Where a word may still come of all of them: the one that goes for an owner of whom there is a word, the same one everywhere. */
  get last(): PeerId | undefined {
    let last: PeerId | undefined
    for (const owner of this.#arrivals.keys()) if (last === undefined || owner > last) last = owner
    return last
  }

  /** What is odd about whom a peer brings. */
  troubleOf(peer: PeerId, now: number): Trouble | undefined {
    const count = this.broughtBy(peer, now)
    if (count < silentMost) return undefined
    return {
      kind: 'brings-unheard',
      text: `it brought the records of ${count} nodes within an hour of which nobody hears a word: no more are taken from it while room is short`,
    }
  }
}
