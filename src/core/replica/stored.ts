/**
 * What an earlier run has left on disk of one document: a snapshot, then the updates after it, as far as they can be read.
 */
import { NodeDocument } from '../document/document.js'
import type { Crypto, StoredDocument } from '../effects.js'
import { type Head, type Signatures, type SignedHead, decodeHead } from '../wire/head.js'
import type { Parcel } from '../wire/sync.js'

export interface StoredParcel {
  readonly signed: SignedHead
  readonly content: Uint8Array
  readonly step: Uint8Array | undefined
}

export function parcelsOf({ snapshot, updates }: StoredDocument): StoredParcel[] {
  const parcels: StoredParcel[] = []
  const push = (head: Uint8Array, content: Uint8Array, step: Uint8Array | undefined): void => {
    const signed = decodeHead(head)
    if (signed !== undefined) parcels.push({ signed, content, step })
  }
  if (snapshot !== undefined) push(snapshot.head, snapshot.content, undefined)
  for (const { head, update } of updates) push(head, new Uint8Array(), update)
  return parcels
}

/** As it would come from a peer that holds what this replica held: from disk it needs no writing. @param held before it */
export function parcelOf({ signed, step, content }: StoredParcel, held: Head | undefined): Parcel {
  if (step === undefined) return { signed, content: { type: 'full', bytes: content } }
  const from = held ?? signed.head // a step of what is not held is a gap, wherever it starts
  return { signed, content: { type: 'step', fromEpoch: from.epoch, fromVersion: from.version, bytes: step } }
}

/** Our own document up to the last step that can be read. */
export function readOwn(
  { hash }: Pick<Crypto, 'hash'>,
  signatures: Signatures,
  parcels: readonly StoredParcel[],
): NodeDocument | undefined {
  const [first, ...steps] = parcels
  if (first === undefined || first.step !== undefined || !signatures.isGenuine(first.signed)) return undefined
  const document = NodeDocument.load(hash, first.signed, first.content)
  for (const { signed, step } of steps) {
    if (document === undefined || step === undefined) break
    const { epoch, version } = document.signed.head
    const outcome = document.take(signed, { fromEpoch: epoch, fromVersion: version, bytes: step })
    if (outcome.type !== 'taken') break
  }
  return document
}
