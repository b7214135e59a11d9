/**
 * Contents as they were given last: one encoding of each version, however many ask for it. What is asked for no more is let go.
 *
 * A large one is laid out as the answer that holds it alone, of which its content is a window: to copy it for each that asks would cost
 * more than all else that a question costs.
 */
import type { Giveable } from '../document/document.js'
import type { Encoded } from '../document/encoded.js'
import type { PeerId } from '../model/model.js'
import type { SignedHead } from '../wire/head.js'
import { type Parcel, documentHeader } from '../wire/sync.js'

/** Kept at once; one that is larger is kept alone, since it takes the longest to make. */
export const encodingBytes = 32 * 1024 * 1024
/** Those of at least this go into one message with few others, or alone. */
const largeBytes = 256 * 1024
/** One that is encoded in part, and not asked for this long, makes room for another. */
const patience_ms = 1000
/** For so long after it was last asked for. */
const age_ms = 10_000

interface Encoding {
  /** The version that it is of. */
  readonly signed: SignedHead
  readonly bytes: Uint8Array
  /** The answer that holds it alone, where it is large. */
  readonly message: Uint8Array | undefined
  usedAt: number
}

export class Encodings {
  /** In the order of their last use. */
  readonly #byOwner = new Map<PeerId, Encoding>()
  #total = 0
  /** The large one that is being encoded over several turns, and when it was last asked for. */
  #begun: { readonly document: Giveable; at: number } | undefined

  /** Whether a part of this one may be encoded: one at a time, as long as it is asked for. */
  mayEncode(document: Giveable, now: number): boolean {
    const { owner } = document.signed.head
    const begun = this.#begun
    if (begun !== undefined && begun.document.signed.head.owner !== owner) {
      if (now - begun.at < patience_ms) return false
      begun.document.dropEncoding()
    }
    this.#begun = { document, at: now }
    return true
  }

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

  /** @returns the content as it is kept */
  keep(signed: SignedHead, encoded: Encoded, now: number): Uint8Array {
    if (this.#begun?.document.signed.head.owner === signed.head.owner) this.#begun = undefined
    const { length } = encoded.bytes
    const message = length < largeBytes ? undefined : encoded.precededBy(documentHeader(signed, length))
    const bytes = message?.subarray(message.length - length) ?? encoded.bytes
    this.#drop(signed.head.owner)
    for (const owner of this.#byOwner.keys()) {
      if (this.#total + bytes.length <= encodingBytes) break
      this.#drop(owner)
    }
    this.#byOwner.set(signed.head.owner, { signed, bytes, message, usedAt: now })
    this.#total += bytes.length
    return bytes
  }

  /** The answer that holds these, where it is kept. */
  messageOf(parcels: readonly Parcel[]): Uint8Array | undefined {
    const [parcel, another] = parcels
    if (parcel === undefined || another !== undefined || parcel.content.type !== 'full') return undefined
    const kept = this.#byOwner.get(parcel.signed.head.owner)
    return kept?.bytes === parcel.content.bytes ? kept.message : undefined
  }

  tick(now: number): void {
    if (this.#begun !== undefined && now - this.#begun.at >= age_ms) {
      this.#begun.document.dropEncoding()
      this.#begun = undefined
    }
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
