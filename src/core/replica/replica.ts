/**
 * The documents of all other owners: which head is preferred, which content is refused, what to give to whom. It checks before
 * it takes. What the entries mean is the union's business, when to ask for more the exchange's.
 */
import type { Crypto, StoreOp } from '../effects.js'
import type { Change } from '../document/entries.js'
import { Compaction, compactionFloor } from '../document/compaction.js'
import { type Giveable, NodeDocument } from '../document/document.js'
import type { PeerId } from '../model.js'
import { joinMark, markOf } from '../wire/digest.js'
import { type Head, type Signatures, type SignedHead, compareHeads, comparePoints } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding, Parcel } from '../wire/sync.js'

export type Outcome =
  /** Taken: the head is held now. `op` is what to write to disk. */
  | { readonly type: 'taken'; readonly changes: readonly Change[]; readonly op: StoreOp }
  /** Nothing newer than what is held. */
  | { readonly type: 'old' }
  /** Its owner was forgotten up to this generation. */
  | { readonly type: 'fenced' }
  /** It does not start from what is held. */
  | { readonly type: 'gap' }
  /** It began a generation without knowing what is held here: give that back to its owner. */
  | { readonly type: 'behind' }
  /** It is not what its signature or digest says, or one document too many. */
  | { readonly type: 'refused'; readonly reason: string }

interface Held {
  readonly document: NodeDocument
  /** First 8 bytes of the hash of the signed head, once that has settled. */
  mark: Uint8Array | undefined
  changedAt: number
  readonly compaction: Compaction
}

export class Replica {
  readonly #crypto: Crypto
  readonly #signatures: Signatures
  readonly #held = new Map<PeerId, Held>()
  /** The marks of all that has settled, joined; what has not waits in the order of its last change. */
  readonly #settled = new Uint8Array(8)
  readonly #unsettled = new Set<Held>()

  constructor(crypto: Crypto, signatures: Signatures) {
    this.#crypto = crypto
    this.#signatures = signatures
  }

  owners(): IterableIterator<PeerId> {
    return this.#held.keys()
  }

  document(owner: PeerId): NodeDocument | undefined {
    return this.#held.get(owner)?.document
  }

  head(owner: PeerId): Head | undefined {
    return this.#held.get(owner)?.document.signed.head
  }

  /**
   * Looks at a document, or at a step of one, and takes it where it is right and newer.
   * @param fencedUpTo the generation up to which its owner was forgotten: nobody takes what is of that one or an earlier one
   */
  offer({ signed, content }: Parcel, fencedUpTo: number, now: number): Outcome {
    const { head } = signed
    const held = this.#held.get(head.owner)
    if (head.generation <= fencedUpTo) return { type: 'fenced' }
    if (held !== undefined && compareHeads(head, held.document.signed.head) <= 0) return { type: 'old' }
    if (held === undefined && this.#held.size >= wireLimits.documents)
      return { type: 'refused', reason: 'too many documents' }
    if (!this.#signatures.isGenuine(signed)) return { type: 'refused', reason: 'bad signature' }
    if (held !== undefined && isBehind(head, held.document.signed.head)) return { type: 'behind' }
    return content.type === 'full'
      ? this.#takeFull(signed, content.bytes, held, now)
      : this.#takeStep(signed, content, held, now)
  }

  #takeFull(signed: SignedHead, bytes: Uint8Array, held: Held | undefined, now: number): Outcome {
    if (bytes.length > wireLimits.contentBytes) return { type: 'refused', reason: 'content too large' }
    const document = NodeDocument.load(this.#crypto.hash, signed, bytes)
    if (document === undefined) return { type: 'refused', reason: 'content is not what its head says' }
    const op: StoreOp = { type: 'snapshot', owner: signed.head.owner, head: signed.bytes, content: bytes.slice() }
    if (held === undefined) {
      this.#hold(document, bytes.length, now)
      const changes = [...document.entries.sorted()].map(({ map, key, value }) => ({ map, key, after: value }))
      return { type: 'taken', changes, op }
    }
    const changes = held.document.replaceBy(document)
    this.#noteChange(held, now)
    held.compaction.compacted(bytes.length)
    return { type: 'taken', changes, op }
  }

  #takeStep(
    signed: SignedHead,
    step: Parcel['content'] & { type: 'step' },
    held: Held | undefined,
    now: number,
  ): Outcome {
    if (held === undefined) return { type: 'gap' }
    const outcome = held.document.take(signed, step)
    if (outcome.type === 'gap') return { type: 'gap' }
    if (outcome.type === 'wrong') return { type: 'refused', reason: 'update is not what its head says' }
    this.#noteChange(held, now)
    return {
      type: 'taken',
      changes: outcome.changes,
      op: this.#stepOp(held, signed, step.bytes),
    }
  }

  /** A step is appended on disk until the steps outweigh what they lead to. */
  #stepOp(held: Held, signed: SignedHead, update: Uint8Array): StoreOp {
    const { owner, version } = signed.head
    if (!held.compaction.isDue(update.length + signed.bytes.length)) {
      return { type: 'update', owner, version, head: signed.bytes, update: update.slice() }
    }
    const content = held.document.encode()
    held.compaction.compacted(content.length)
    return { type: 'snapshot', owner, head: signed.bytes, content }
  }

  #hold(document: NodeDocument, snapshotBytes: number, now: number): void {
    const compaction = new Compaction(compactionFloor.copy, snapshotBytes)
    const held: Held = { document, mark: undefined, changedAt: now, compaction }
    this.#held.set(document.signed.head.owner, held)
    this.#noteChange(held, now)
  }

  #noteChange(held: Held, now: number): void {
    this.#unsettle(held)
    held.changedAt = now
    this.#unsettled.add(held)
  }

  #unsettle(held: Held): void {
    this.#unsettled.delete(held)
    if (held.mark !== undefined) joinMark(this.#settled, held.mark)
    held.mark = undefined
  }

  /** A copy could not be written: what comes next is written whole. */
  distrustDisk(): void {
    for (const { compaction } of this.#held.values()) compaction.distrust()
  }

  /** @returns the entries that go with it, as changes */
  drop(owner: PeerId): readonly Change[] {
    const held = this.#held.get(owner)
    this.#held.delete(owner)
    if (held === undefined) return []
    this.#unsettle(held)
    return [...held.document.entries.sorted()].map(({ map, key, value }) => ({ map, key, before: value }))
  }

  holdings(): Holding[] {
    return [...this.#held.values()].map(({ document }) => document.holding)
  }

  /**
   * The marks of all documents that have not changed for `settled_ms`, joined into 8 bytes; equal sets, equal digests.
   * Asked at each tick: it looks at what has changed lately alone. `settled_ms` is always the same.
   */
  settledDigest(now: number, settled_ms: number): Uint8Array {
    for (const held of this.#unsettled) {
      if (now - held.changedAt < settled_ms) break
      this.#unsettled.delete(held)
      held.mark = markOf(held.document.signed, this.#crypto)
      joinMark(this.#settled, held.mark)
    }
    return this.#settled.slice()
  }
}

/**
 * Whether a new generation began without knowing what is held of an earlier one. A daemon knows all that it wrote
 * itself since its start, so heads of one boot never are behind each other.
 */
function isBehind(head: Head, held: Head): boolean {
  if (head.generation === held.generation || head.boot === held.boot) return false
  return head.parent === undefined || comparePoints(head.parent, held) < 0
}

/**
 * What one who holds `theirs` lacks of a document: the difference where it can be told, else all of it; undefined for nothing.
 * @param encode all of it: others may have asked for the same
 */
export function parcelFor(
  document: Giveable,
  theirs: Holding | undefined,
  encode: (document: Giveable) => Uint8Array,
): Parcel | undefined {
  const { signed, holding } = document
  if (theirs !== undefined && compareHeads(holding, theirs) <= 0) return undefined
  const difference = theirs !== undefined && theirs.boot === holding.boot && theirs.epoch === holding.epoch
  if (difference && holding.epoch > 0 && theirs.clock <= holding.clock) {
    const bytes = document.encodeSince(theirs.clock)
    if (bytes !== undefined && bytes.length <= wireLimits.contentBytes) {
      return { signed, content: { type: 'step', fromEpoch: theirs.epoch, fromVersion: theirs.version, bytes } }
    }
  }
  const bytes = encode(document)
  if (bytes.length > wireLimits.contentBytes) return undefined
  return { signed, content: { type: 'full', bytes } }
}
