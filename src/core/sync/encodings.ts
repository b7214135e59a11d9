/**
 * Contents as they were given last: one encoding of each version, however many ask for it. What is asked for no more is let go.
 */
import type { PeerId } from '../model.js'
import type { SignedHead } from '../wire/head.js'

/** Kept at once; one that is larger is kept alone, since it takes the longest to make. */
export const encodingBytes = 32 * 1024 * 1024
/** For so long after it was last asked for. */
const age_ms = 10_000

interface Encoding {
  /** The version that it is of. */
  readonly signed: SignedHead
  readonly bytes: Uint8Array
  usedAt: number
}

export class Encodings {
  /** In the order of their last use. */
  readonly #byOwner = new Map<PeerId, Encoding>()
  #total = 0

  /** What is kept of this version. */
  find(signed: SignedHead, now: number): Uint8Array | undefined {
    const { owner } = signed.head
    const kept = this.#byOwner.get(owner)
    if (kept === undefined) return undefined
    this.#byOwner.delete(owner)
    if (kept.signed !== signed) {
      this.#total -= kept.bytes.length
      return undefined
    }
    kept.usedAt = now
    this.#byOwner.set(owner, kept)
    return kept.bytes
  }

  keep(signed: SignedHead, bytes: Uint8Array, now: number): void {
    this.#drop(signed.head.owner)
    for (const owner of this.#byOwner.keys()) {
      if (this.#total + bytes.length <= encodingBytes) break
      this.#drop(owner)
    }
    this.#byOwner.set(signed.head.owner, { signed, bytes, usedAt: now })
    this.#total += bytes.length
  }

  tick(now: number): void {
    for (const [owner, { usedAt }] of this.#byOwner) {
      if (now - usedAt < age_ms) return
      this.#drop(owner)
    }
  }

  #drop(owner: PeerId): void {
    this.#total -= this.#byOwner.get(owner)?.bytes.length ?? 0
    this.#byOwner.delete(owner)
  }
}
