/**
 * The documents of all other owners: which head is preferred, which content is refused, what to give to whom. It checks before
 * it takes. What the entries mean is the union's business, when to ask for more the exchange's.
 */
import type { Crypto, StoreOp } from '../effects.js'
import type { Change, EntryMaps } from '../document/entries.js'
import { Compaction, compactionFloor } from '../document/compaction.js'
import { type Giveable, NodeDocument } from '../document/document.js'
import type { PeerId } from '../model.js'
import { isContinuedBy, shownOf } from '../records/lineage.js'
import { type Head, type Origin, type Signatures, type SignedHead, compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding, Parcel } from '../wire/sync.js'
import { Budget, costOf, costOfContent, structsSaid } from './budget.js'
import { type Bringing, type Declination, Declined } from './declined.js'
import { Marks } from './marks.js'
import { type Cause, Work, workLimits } from './work.js'

export type Outcome =
  /** Taken: the head is held now. `op` is what to write to disk. */
  | { readonly type: 'taken'; readonly changes: readonly Change[]; readonly op: StoreOp }
  /** Nothing newer than what is held. */
  | { readonly type: 'old' }
  /** Its owner was forgotten up to this generation. */
  | { readonly type: 'fenced' }
  /** It does not start from what is held. */
  | { readonly type: 'gap' }
  /** It is of a start that did not know what is held here, by all that it says: give that back to its owner. */
  | { readonly type: 'behind' }
  /** There is no room for it: its head is known now, what was held of it before stays, and is not current. */
  | { readonly type: 'declined' }
  /** Its owner, or whoever brought it, has caused too much work lately: it is to be pulled, after so long. */
  | { readonly type: 'later'; readonly after_ms: number }
  /** It is not what its signature or digest says, or one document too many. */
  | { readonly type: 'refused'; readonly reason: string }

interface Held {
  readonly document: NodeDocument
  readonly compaction: Compaction
}

/** An entry has about so many on its way, where what the content says of itself is not to be trusted. */
const entry_bytes = 400

const noEntries: EntryMaps = { of: () => new Map() }

export class Replica {
  readonly #crypto: Crypto
  readonly #signatures: Signatures
  readonly #held = new Map<PeerId, Held>()
  readonly #declined = new Declined()
  readonly #budget: Budget
  readonly #work = new Work()
  /** The newest head of each owner, whether its content is held or not. */
  readonly #marks: Marks

  /** @param limit_bytes of heap that all copies may take */
  constructor(crypto: Crypto, signatures: Signatures, limit_bytes = Number.POSITIVE_INFINITY) {
    this.#crypto = crypto
    this.#signatures = signatures
    this.#marks = new Marks(crypto)
    this.#budget = new Budget(limit_bytes)
  }

  /** Of whom a head is known. */
  owners(): IterableIterator<PeerId> {
    return this.#marks.owners()
  }

  /** Of how many owners a head is known. */
  get size(): number {
    return this.#marks.size
  }

  /** Of no more owners anything is taken. */
  get isFull(): boolean {
    return this.size >= wireLimits.documents
  }

  /** What is held of an owner, current or not. */
  document(owner: PeerId): NodeDocument | undefined {
    return this.#held.get(owner)?.document
  }

  /** The newest head that is known, with content or without. */
  signed(owner: PeerId): SignedHead | undefined {
    return this.#marks.of(owner)
  }

  /** Whether what is held continues such a head. */
  continues(owner: PeerId, head: Origin): boolean {
    const held = this.#held.get(owner)?.document
    return held !== undefined && isContinuedBy(head, held)
  }

  head(owner: PeerId): Head | undefined {
    return this.signed(owner)?.head
  }

  /** What can be given to others: only the newest that is known. */
  giveable(owner: PeerId): NodeDocument | undefined {
    return this.isDeclined(owner) ? undefined : this.document(owner)
  }

  /** What is to be ended with an owner: of what was declined nobody here knows what is in it. */
  endable(owner: PeerId): { readonly signed: SignedHead; readonly entries: EntryMaps } | undefined {
    const signed = this.signed(owner)
    return signed && { signed, entries: this.document(owner)?.entries ?? noEntries }
  }

  /** The head alone of what was declined, for whoever holds less. */
  declinedParcel(owner: PeerId, theirs: Holding | undefined): Parcel | undefined {
    const signed = this.#declined.of(owner)?.signed
    const isNews = signed !== undefined && (theirs === undefined || compareHeads(signed.head, theirs) > 0)
    return isNews ? headAlone(signed) : undefined
  }

  /** What this replica says that it needs no more of. Of what was declined nothing can start from there. */
  holding(owner: PeerId): Holding | undefined {
    const declined = this.#declined.of(owner)
    if (declined === undefined) return this.document(owner)?.holding
    const { generation, version, boot } = declined.signed.head
    return { owner, generation, version, boot, epoch: 0, clock: 0 }
  }

  // ---- what there is no room for

  isDeclined(owner: PeerId): boolean {
    return this.#declined.of(owner) !== undefined
  }

  /** Whether its owner gives what it has not signed. */
  isWrong(owner: PeerId): boolean {
    return this.#declined.of(owner)?.isWrong === true
  }

  /** Why what an owner says is not shown, for people. */
  troubleOf(owner: PeerId): string | undefined {
    return this.#declined.troubleOf(owner)
  }

  get sizes(): { readonly documents: number; readonly declined: number; readonly copies_bytes: number } {
    return {
      documents: this.#held.size,
      declined: this.#declined.size,
      copies_bytes: this.#budget.used_bytes,
    }
  }

  /** Owners of whom no word was heard: those of whom one has come by now count like all others. */
  noteWords(hasWord: (owner: PeerId) => boolean): void {
    for (const owner of this.#budget.unheard) if (hasWord(owner)) this.#budget.heardOf(owner)
  }

  /** One to be asked for again: there is room by now, or there may be. */
  takeDueDeclined(hasWord: (owner: PeerId) => boolean, now: number): Declination | undefined {
    if (this.#declined.size === 0) return undefined
    const hasRoom = (owner: PeerId, cost_bytes: number): boolean => this.#budget.fits(owner, cost_bytes, hasWord(owner))
    return this.#declined.takeDue({ hasRoom, hasWord }, now)
  }

  /** @returns a sentence for people, where anything was declined lately */
  takeNews(nameOf: (owner: PeerId) => string, now: number): string | undefined {
    return this.#declined.takeNews(nameOf, now)
  }

  // ---- taking

  /**
   * Looks at a document, or at a step of one, and takes it where it is right and newer.
   * @param fencedUpTo the generation up to which its owner was forgotten: nobody takes what is of that one or an earlier one
   * @param from who brought it, and whether any word of its owner was ever heard
   */
  offer(parcel: Parcel, fencedUpTo: number, now: number, from: Bringing = { hasWord: true }): Outcome {
    const { signed } = parcel
    const { head } = signed
    const held = this.#held.get(head.owner)
    const known = this.head(head.owner)
    if (head.generation <= fencedUpTo) return { type: 'fenced' }
    if (known !== undefined && compareHeads(head, known) <= (this.isDeclined(head.owner) ? -1 : 0))
      return { type: 'old' }
    if (known === undefined && this.isFull) return { type: 'refused', reason: 'too many documents' }
    if (!this.#signatures.isGenuine(signed)) return { type: 'refused', reason: 'bad signature' }
    if (isHeadAlone(parcel) && isShownBehind(head, held)) return { type: 'behind' }
    const isResting = parcel.content.type === 'step' && this.#declined.isResting(head.owner, now)
    if (isHeadAlone(parcel) || isResting || !this.#hasRoom(parcel, held, from.hasWord))
      return this.#decline(parcel, from, now)
    const outcome = this.#atItsPace(parcel, held, from, now)
    if (outcome.type === 'taken') this.#noteTaken(signed, from.hasWord, now)
    return isOwnersFault(outcome, parcel, from) ? this.#declineWrong(signed, from, now) : outcome
  }

  /** What it is to take such a parcel, in units of `workLimits`; small steps are none. */
  unitsOf(parcel: Parcel): number {
    return workOf(parcel, this.#held.get(parcel.signed.head.owner))
  }

  /** Where it is work for all entries of a document, not more often than its owner may cause it; our own disk may at any time. */
  #atItsPace({ signed, content }: Parcel, held: Held | undefined, from: Bringing, now: number): Outcome {
    const take = (): Outcome =>
      content.type === 'full' ? this.#takeFull(signed, content.bytes, held) : this.#takeStep(signed, content, held)
    const { via, hasWord } = from
    const units = workOf({ signed, content }, held)
    if (via === undefined || units === 0) return take()
    const cause: Cause = { owner: signed.head.owner, via, hasWord }
    const after_ms = this.#work.wait_ms(cause, now)
    if (after_ms > 0) return { type: 'later', after_ms }
    const outcome = take()
    this.#work.take(cause, units, outcome.type !== 'refused', now)
    return outcome
  }

  #noteTaken(signed: SignedHead, hasWord: boolean, now: number): void {
    const { owner } = signed.head
    const { entries, structs } = this.document(owner) as NodeDocument
    this.#budget.take(owner, costOf({ entries: entries.size, bytes: entries.bytes, structs }), hasWord)
    this.#declined.delete(owner)
    this.#marks.note(signed, now)
  }

  /** Looked at before anybody reads the content: reading costs as much again. */
  #hasRoom({ signed, content }: Parcel, held: Held | undefined, hasWord: boolean): boolean {
    const { owner } = signed.head
    if (content.type === 'full') return this.#budget.fits(owner, costOfContent(content.bytes), hasWord)
    const { epoch, version } = held?.document.signed.head ?? {}
    if (content.fromEpoch === epoch && content.fromVersion === version)
      return this.#budget.mayGrow(costOfContent(content.bytes), hasWord)
    // Where it is a gap, all of it would have to come.
    const declined = this.#declined.of(owner)
    return declined === undefined || this.#budget.fits(owner, declined.cost_bytes, hasWord)
  }

  #decline({ signed, content }: Parcel, from: Bringing, now: number): Outcome {
    const { owner } = signed.head
    if (content.type === 'full') this.#declined.note(signed, costOfContent(content.bytes), from, now)
    else this.#declined.note(signed, this.#grownBy(owner, content.bytes), from, now)
    const known = this.signed(owner)
    if (known === undefined || compareHeads(signed.head, known.head) > 0) this.#marks.note(signed, now)
    return { type: 'declined' }
  }

  /** Nobody can take it, and nobody is to be out of step for that. */
  #declineWrong(signed: SignedHead, from: Bringing, now: number): Outcome {
    this.#declined.noteWrong(signed, from, now)
    this.#marks.note(signed, now)
    return { type: 'declined' }
  }

  /** What a document would cost with this step; undefined where that is not known. */
  #grownBy(owner: PeerId, step: Uint8Array): number | undefined {
    const held = this.#held.get(owner)
    if (held === undefined || this.isDeclined(owner)) return undefined
    return this.#budget.costOf(owner) + costOfContent(step)
  }

  #takeFull(signed: SignedHead, bytes: Uint8Array, held: Held | undefined): Outcome {
    if (bytes.length > wireLimits.contentBytes) return { type: 'refused', reason: 'content too large' }
    const document = NodeDocument.load(this.#crypto.hash, signed, bytes)
    if (document === undefined) return { type: 'refused', reason: 'content is not what its head says' }
    if (held !== undefined && !isContinuedBy(held.document.signed.head, document)) return { type: 'behind' }
    const op: StoreOp = { type: 'snapshot', owner: signed.head.owner, head: signed.bytes, content: bytes.slice() }
    if (held === undefined) {
      this.#hold(document, bytes.length)
      const changes = [...document.entries.sorted()].map(({ map, key, value }) => ({ map, key, after: value }))
      return { type: 'taken', changes, op }
    }
    const changes = held.document.replaceBy(document)
    held.compaction.compacted(bytes.length)
    return { type: 'taken', changes, op }
  }

  #takeStep(signed: SignedHead, step: Parcel['content'] & { type: 'step' }, held: Held | undefined): Outcome {
    if (held === undefined) return { type: 'gap' }
    const shown = shownOf(signed.head, held.document.signed.head)
    // What it continues is told in the document itself, where its head does not show it: that is pulled in full.
    if (shown !== 'continued') return { type: shown === 'behind' ? 'behind' : 'gap' }
    const outcome = held.document.take(signed, step)
    if (outcome.type === 'gap') return { type: 'gap' }
    if (outcome.type === 'wrong') return { type: 'refused', reason: 'update is not what its head says' }
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

  #hold(document: NodeDocument, snapshotBytes: number): void {
    const compaction = new Compaction(compactionFloor.copy, snapshotBytes)
    this.#held.set(document.signed.head.owner, { document, compaction })
  }

  /** A copy could not be written: what comes next is written whole. */
  distrustDisk(): void {
    for (const { compaction } of this.#held.values()) compaction.distrust()
  }

  /** @returns the entries that go with it, as changes */
  drop(owner: PeerId): readonly Change[] {
    const held = this.#held.get(owner)
    this.#held.delete(owner)
    this.#marks.forget(owner)
    this.#declined.delete(owner)
    this.#budget.free(owner)
    if (held === undefined) return []
    return [...held.document.entries.sorted()].map(({ map, key, value }) => ({ map, key, before: value }))
  }

  holdings(): Holding[] {
    return [...this.owners()].flatMap((owner) => this.holding(owner) ?? [])
  }

  /** See `Marks.digest`. */
  settledDigest(now: number, settled_ms: number): Uint8Array {
    return this.#marks.digest(now, settled_ms)
  }
}

/** Whether the whole content that an owner gave itself is not what it has signed; of what others bring nobody knows whose fault it is. */
function isOwnersFault(outcome: Outcome, { signed, content }: Parcel, { via }: Bringing): boolean {
  return outcome.type === 'refused' && content.type === 'full' && via === signed.head.owner
}

/** A head whose content its bringer does not hold either, or could not send along: whoever has no room for it knows of it all the same. */
export function headAlone(signed: SignedHead): Parcel {
  return { signed, content: { type: 'step', fromEpoch: 0, fromVersion: 0, bytes: new Uint8Array() } }
}

export function isHeadAlone({ content }: Parcel): boolean {
  return content.type === 'step' && content.fromEpoch === 0 && content.bytes.length === 0
}

/**
 * The work for all entries of a document that a parcel means. A new epoch without a change means it too: its content is built once
 * anybody asks for it, or the next step comes.
 */
function workOf({ signed, content }: Parcel, held: Held | undefined): number {
  if (content.type === 'full')
    return workLimits.read * Math.max(1, structsSaid(content.bytes), content.bytes.length / entry_bytes)
  return held?.document.isRebasedBy(signed, content) === true ? workLimits.build * held.document.entries.size : 0
}

/** Whether a head alone shows that its start did not know what is held. */
function isShownBehind(head: Head, held: Held | undefined): boolean {
  return held !== undefined && shownOf(head, held.document.signed.head) === 'behind'
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
