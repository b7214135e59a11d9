/**
 * Contents as they were given last: one encoding of each version, however many ask for it. What is asked for no more is let go.
 *
 * A large one is laid out as the answer that holds it alone, of which its content is a window: to copy it for each that asks would cost
 * more than all else that a question costs.
 */
import type { PeerId } from '../model.js'
import type { SignedHead } from '../wire/head.js'
import { type Parcel, encodeSyncResponse } from '../wire/sync.js'

/** Kept at once; one that is larger is kept alone, since it takes the longest to make. */
export const encodingBytes = 32 * 1024 * 1024
/** Those of at least this go into one message with few others, or alone. */
const largeBytes = 256 * 1024
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
  keep(signed: SignedHead, encoded: Uint8Array, now: number): Uint8Array {
    const message =
      encoded.length < largeBytes ? undefined : alone({ signed, content: { type: 'full', bytes: encoded } })
    const bytes = message?.subarray(message.length - encoded.length) ?? encoded
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

/** Its content comes last. */
function alone(parcel: Parcel): Uint8Array {
  return encodeSyncResponse({ type: 'documents', parcels: [parcel] })
}
