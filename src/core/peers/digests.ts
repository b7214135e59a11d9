/**
 * The registry digests that heartbeats carry: ours of the last seconds, by which it is told who holds what we hold.
 */
import type { Crypto } from '../effects.js'
import { hex } from '../model/model.js'
import { joinMark, markOf } from '../wire/digest.js'
import type { SignedHead } from '../wire/head.js'

/** Heads that changed more recently are left out of the digest: they are still on their way to others. */
export const settled_ms = 2000
/** A neighbour is in step where its digest is one of ours of this long. */
const digestMemory_ms = 5000

export class Digests {
  readonly #crypto: Crypto
  /** Newest last. */
  readonly #recent: { readonly digest: string; at: number }[] = []
  #ownHeadAt = Number.NEGATIVE_INFINITY
  /** Asked for at each tick: not hashed anew while our head stays. */
  #ownMark: { readonly of: SignedHead; readonly mark: Uint8Array } | undefined

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  ownHeadChanged(now: number): void {
    this.#ownHeadAt = now
  }

  /**
   * Over all heads, our own included, that have not changed for a while.
   * @param ofOthers the same without our own
   */
  digest(ofOthers: Uint8Array, own: SignedHead | undefined, now: number): Uint8Array {
    const digest = ofOthers.slice()
    if (own !== undefined && now - this.#ownHeadAt >= settled_ms) {
      if (this.#ownMark?.of !== own) this.#ownMark = { of: own, mark: markOf(own, this.#crypto) }
      joinMark(digest, this.#ownMark.mark)
    }
    return digest
  }

  note(digest: Uint8Array, now: number): void {
    const text = hex(digest)
    const newest = this.#recent.at(-1)
    if (newest?.digest === text) newest.at = now
    else this.#recent.push({ digest: text, at: now })
    while (now - (this.#recent[0]?.at ?? now) > digestMemory_ms) this.#recent.shift()
  }

  isKnown(digest: Uint8Array, now: number): boolean {
    const text = hex(digest)
    return this.#recent.some((known) => known.digest === text && now - known.at <= digestMemory_ms)
  }
}
