/**
 * What of this daemon's document is on disk but not told yet: joined, paced, held back while more of it is about to come, cut down to
 * its head where it is too large.
 */
import { joinUpdates } from '../document/content.js'
import type { Effect } from '../effects.js'
import { encodeGossip } from '../wire/gossip.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'

/** Heads are published at most this often; an update may span versions. */
const publishInterval_ms = 25

/** One version: where it starts, what leads to it, its head. */
export interface Version {
  readonly from: { readonly epoch: number; readonly version: number }
  readonly update: Uint8Array
  readonly signed: SignedHead
  /** Until when it may wait for more of what it says; a moment that is over where that is all of it. */
  readonly heldUntil: number
}

export class Publication {
  /** In order; each starts where the one before it ends. */
  #versions: Version[] = []
  #publishedAt = Number.NEGATIVE_INFINITY

  add(version: Version): void {
    this.#versions.push(version)
  }

  /**
   * When to publish; never where there is nothing.
   * @param isMoreComing whether what may be waited for is still on its way
   */
  dueAt(isMoreComing: boolean): number {
    if (this.#versions.length === 0) return Number.POSITIVE_INFINITY
    const paced = this.#publishedAt + publishInterval_ms
    return isMoreComing ? Math.max(paced, Math.min(...this.#versions.map(({ heldUntil }) => heldUntil))) : paced
  }

  /** Nobody is told. */
  clear(): void {
    this.#versions = []
  }

  /** Tells everybody what there is. */
  publish(now: number): Effect[] {
    const first = this.#versions[0]
    const last = this.#versions.at(-1)
    if (first === undefined || last === undefined) return []
    const step = {
      fromEpoch: first.from.epoch,
      fromVersion: first.from.version,
      bytes: joinUpdates(this.#versions.map(({ update }) => update)),
    }
    this.#versions = []
    this.#publishedAt = now
    const { signed } = last
    const whole = encodeGossip({ type: 'update', signed, step })
    const fits = whole.length <= wireLimits.gossipBytes
    return [{ type: 'broadcast', bytes: fits ? whole : encodeGossip({ type: 'update', signed }) }]
  }
}
