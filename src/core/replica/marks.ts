/**
 * The heads that are known of others, as far as the registry digest goes: each counts once it has rested. Whether the content of a
 * head is held here is nothing to it, so that nodes of different memory agree.
 */
import type { Crypto } from '../effects.js'
import type { PeerId } from '../model/model.js'
import { joinMark, markOf } from '../wire/digest.js'
import type { SignedHead } from '../wire/head.js'

interface Marked {
  readonly signed: SignedHead
  readonly changedAt: number
  /** First 8 bytes of the hash of the signed head, once that has settled. */
  mark: Uint8Array | undefined
}

export class Marks {
  readonly #crypto: Crypto
  readonly #known = new Map<PeerId, Marked>()
  /** The marks of all that has settled, joined; what has not waits in the order of its last change. */
  readonly #settled = new Uint8Array(8)
  readonly #unsettled = new Set<Marked>()

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  get size(): number {
    return this.#known.size
  }

  owners(): IterableIterator<PeerId> {
    return this.#known.keys()
  }

  of(owner: PeerId): SignedHead | undefined {
    return this.#known.get(owner)?.signed
  }

  /** The newest head of its owner is this one now. */
  note(signed: SignedHead, now: number): void {
    this.#unsettle(this.#known.get(signed.head.owner))
    const marked = { signed, changedAt: now, mark: undefined }
    this.#known.set(signed.head.owner, marked)
    this.#unsettled.add(marked)
  }

  forget(owner: PeerId): void {
    this.#unsettle(this.#known.get(owner))
    this.#known.delete(owner)
  }

  #unsettle(marked: Marked | undefined): void {
    if (marked === undefined) return
    this.#unsettled.delete(marked)
    if (marked.mark !== undefined) joinMark(this.#settled, marked.mark)
  }

  /**
   * The marks of all heads that have not changed for `settled_ms`, joined into 8 bytes; equal sets, equal digests.
   * Asked at each tick: it looks at what has changed lately alone. `settled_ms` is always the same.
   */
  digest(now: number, settled_ms: number): Uint8Array {
    for (const marked of this.#unsettled) {
      if (now - marked.changedAt < settled_ms) break
      this.#unsettled.delete(marked)
      marked.mark = markOf(marked.signed, this.#crypto)
      joinMark(this.#settled, marked.mark)
    }
    return this.#settled.slice()
  }
}
