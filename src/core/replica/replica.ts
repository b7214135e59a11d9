/**
 * The documents of all other owners: which head is preferred, which content is refused, what to give to whom. It checks before
 * it takes. What the entries mean is the union's business, when to ask for more the exchange's.
 */
import type { Crypto, StoreOp } from '../effects.js'
import { type Change, type EntryMaps, type MapName, comparisons, differences } from '../document/entries.js'
import { Compaction, compactionFloor } from '../document/compaction.js'
import { NodeDocument, stepLimits } from '../document/document.js'
import { assert } from '../model/errors.js'
import type { Trouble } from '../words/causes.js'
import type { PeerId } from '../model/model.js'
import { isContinuedBy, shownOf } from '../records/lineage.js'
import { type Head, type Origin, type Signatures, type SignedHead, compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding, Parcel } from '../wire/sync.js'
import { Budget, costOf, costOfContent } from './budget.js'
import { type Bringing, type Declination, Declined } from './declined.js'
import { Loading, type Slice } from './loading.js'
import { Marks } from './marks.js'
import { type Outcome, isOwnersFault } from './outcome.js'
import { entriesIn, headAlone, isHeadAlone, isLargeContent, isOverlongStep, snapshotOp, workOf } from './parcels.js'
import { type Cause, Work, workLimits } from './work.js'

/** What a part of the work came to, and in the end what became of all of it. */
export interface Progress extends Slice {
  readonly outcome?: Outcome
}

/** What is being taken across turns. */
export type Underway = Pick<Loading, 'parcel' | 'from'>

interface Held {
  readonly document: NodeDocument
  readonly compaction: Compaction
}

/** What a slice of reading, or of building, is in units of `workLimits`. */
const sliceUnits = 250

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
  #loading: Loading | undefined
  /** Large documents whose steps on disk outweigh them. */
  readonly #outgrown = new Set<PeerId>()

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

  /** What this replica says that it needs no more of. Of what was declined, or is being taken, nothing can start from there. */
  holding(owner: PeerId): Holding | undefined {
    const awaited = this.#declined.of(owner)?.signed ?? this.#loadingOf(owner)?.parcel.signed
    if (awaited === undefined) return this.document(owner)?.holding
    const { generation, version, boot } = awaited.head
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
  troubleOf(owner: PeerId): Trouble | undefined {
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
    return this.#concluded(this.#atItsPace(parcel, held, from, now), parcel, from, now)
  }

  // ---- taking across turns

  /** Whether such a parcel is too much for one turn. */
  isLong({ signed, content }: Parcel): boolean {
    const held = this.document(signed.head.owner)
    // What is held is compared with it, and all that it lacks is taken back.
    if (content.type === 'full') return isLargeContent(content.bytes) || held?.isLarge === true
    return !isOverlongStep(content.bytes) && held?.isLong(signed, content) === true
  }

  /** What is being taken across turns: one at a time. */
  get loading(): Underway | undefined {
    return this.#loading
  }

  /** Whose document that is. */
  get loadingOwner(): PeerId | undefined {
    return this.#loading?.parcel.signed.head.owner
  }

  #loadingOf(owner: PeerId): Loading | undefined {
    return this.loadingOwner === owner ? this.#loading : undefined
  }

  #begin(parcel: Parcel, held: Held | undefined, from: Bringing, units: number): Outcome {
    assert(this.#loading === undefined, 'large documents are taken one at a time')
    const { signed, content } = parcel
    if (content.type === 'full' && content.bytes.length > wireLimits.contentBytes)
      return { type: 'refused', reason: 'content too large' }
    const reading =
      content.type === 'full'
        ? NodeDocument.read(this.#crypto.hash, signed, content.bytes)
        : (held as Held).document.preparing(signed, content)
    this.#loading = new Loading(parcel, from, units, reading)
    return { type: 'begun' }
  }

  /**
   * A part of what is being taken across turns.
   * @param isWanted not where its owner was forgotten, or let go, meanwhile
   */
  goOn(isWanted: boolean, now: number): Progress {
    const loading = this.#loading
    assert(loading !== undefined, 'something is being taken')
    const { owner } = loading.parcel.signed.head
    if (!isWanted) return { units: 1, changes: this.#undone(owner), outcome: this.#end({ type: 'old' }, now) }
    const slice = loading.isFollowed ? loading.next() : { units: sliceUnits, changes: [] }
    if (slice === undefined) return { units: 1, changes: [], outcome: this.#end(this.#heldNow(loading), now) }
    if (loading.isFollowed) return slice
    const read = loading.read()
    if (read === undefined) return slice
    const outcome = this.#judge(loading, read === 'wrong' ? undefined : read)
    return outcome === undefined ? slice : { ...slice, outcome: this.#end(outcome, now) }
  }

  /** All of it is read. @returns undefined where its changes are to be followed first */
  #judge({ parcel }: Loading, document: NodeDocument | undefined): Outcome | undefined {
    const { signed, content } = parcel
    const held = this.#held.get(signed.head.owner)
    if (content.type === 'step') return this.#takeStep(signed, content, held, stepLimits.structs)
    if (document === undefined) return { type: 'refused', reason: 'content is not what its head says' }
    if (held !== undefined && !isContinuedBy(held.document.signed.head, document)) return { type: 'behind' }
    this.#loading?.follow(held?.document.entries ?? noEntries, document)
    return undefined
  }

  /** Its changes are followed: it is held. */
  #heldNow({ parcel, document }: Loading): Outcome {
    const { signed, content } = parcel
    const { owner } = signed.head
    assert(document !== undefined, 'what is followed was read')
    const held = this.#held.get(owner)
    if (held === undefined) this.#hold(document, content.bytes.length)
    else {
      held.document.become(document)
      held.compaction.compacted(content.bytes.length)
    }
    return { type: 'taken', changes: [], op: snapshotOp(signed, content.bytes) }
  }

  #end(outcome: Outcome, now: number): Outcome {
    const { parcel, from, units } = this.#loading as Loading
    const { via, hasWord } = from
    const { owner } = parcel.signed.head
    this.#loading = undefined
    if (via !== undefined) this.#work.take({ owner, via, hasWord }, units, outcome.type !== 'refused', now)
    return this.#concluded(outcome, parcel, from, now)
  }

  /** What a parcel came to, noted. */
  #concluded(outcome: Outcome, parcel: Parcel, from: Bringing, now: number): Outcome {
    if (outcome.type === 'taken') this.#noteTaken(parcel.signed, from.hasWord, now)
    return isOwnersFault(outcome, parcel, from) ? this.#declineWrong(parcel.signed, from, now) : outcome
  }

  /** What takes back all that was handed out of what is not to be held. */
  #undone(owner: PeerId): Change[] {
    const loading = this.#loadingOf(owner)
    if (loading?.isFollowed !== true) return []
    return [...comparisons(loading.document?.entries ?? noEntries, this.document(owner)?.entries ?? noEntries)].filter(
      (change) => change !== undefined,
    )
  }

  /** The keys of what is held of an owner, and of what was handed out of what it becomes. */
  *keys(owner: PeerId, map: MapName): Generator<string> {
    yield* this.document(owner)?.entries.of(map).keys() ?? []
    const loading = this.#loadingOf(owner)
    if (loading?.isFollowed === true) yield* loading.document?.entries.of(map).keys() ?? []
  }

  /** Whether any large document is to be written whole, part by part: see `writeMore`. */
  get isWriting(): boolean {
    return this.#outgrown.size > 0
  }

  /** A part of the work of writing a large document whole, in place of the steps that outweigh it. */
  writeMore(): StoreOp | undefined {
    const [owner] = this.#outgrown
    if (owner === undefined) return undefined
    const held = this.#held.get(owner)
    const encoded = held?.document.encodeMore()
    if (held !== undefined && encoded === undefined) return undefined
    this.#outgrown.delete(owner)
    if (held === undefined || encoded === undefined) return undefined
    held.compaction.compacted(encoded.bytes.length)
    return { type: 'snapshot', owner, head: held.document.signed.bytes, content: encoded.bytes }
  }

  /** What it is to take such a parcel in one turn, in units of `workLimits`. */
  unitsOf({ signed, content }: Parcel): number {
    const ofStep = content.type === 'step' ? workLimits.read * entriesIn(content.bytes) : 0
    return ofStep + workOf({ signed, content }, this.document(signed.head.owner))
  }

  /** Where it is work for all entries of a document, not more often than its owner may cause it; our own disk may at any time. */
  #atItsPace({ signed, content }: Parcel, held: Held | undefined, from: Bringing, now: number): Outcome {
    const take = (): Outcome =>
      content.type === 'full'
        ? this.#takeFull(signed, content.bytes, held)
        : this.#takeStep(signed, content, held, from.via === undefined ? undefined : stepLimits.structs)
    const { via, hasWord } = from
    if (via === undefined) return take()
    if (content.type === 'step' && isOverlongStep(content.bytes)) return { type: held === undefined ? 'gap' : 'long' }
    const units = workOf({ signed, content }, held?.document)
    const isLong = this.isLong({ signed, content })
    // What a step onto content that is not built means was counted with the epoch that left it so.
    if (units === 0) return isLong ? this.#begin({ signed, content }, held, from, 0) : take()
    const cause: Cause = { owner: signed.head.owner, via, hasWord }
    const after_ms = this.#work.wait_ms(cause, now)
    if (after_ms > 0) return { type: 'later', after_ms }
    if (isLong) return this.#begin({ signed, content }, held, from, units)
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
    const op = snapshotOp(signed, bytes)
    if (held === undefined) {
      this.#hold(document, bytes.length)
      const changes = [...document.entries.sorted()].map(({ map, key, value }) => ({ map, key, after: value }))
      return { type: 'taken', changes, op }
    }
    const changes = held.document.replaceBy(document)
    held.compaction.compacted(bytes.length)
    return { type: 'taken', changes, op }
  }

  #takeStep(
    signed: SignedHead,
    step: Parcel['content'] & { type: 'step' },
    held: Held | undefined,
    most: number | undefined,
  ): Outcome {
    if (held === undefined) return { type: 'gap' }
    const shown = shownOf(signed.head, held.document.signed.head)
    // What it continues is told in the document itself, where its head does not show it: that is pulled in full.
    if (shown !== 'continued') return { type: shown === 'behind' ? 'behind' : 'gap' }
    const outcome = held.document.take(signed, step, most)
    if (outcome.type === 'gap' || outcome.type === 'long') return outcome
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
    if (held.document.isLarge) {
      this.#outgrown.add(owner)
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
    this.#outgrown.delete(owner)
    const changes = held === undefined ? [] : differences(held.document.entries, noEntries)
    if (this.loadingOwner !== owner) return changes
    const loading = this.#loading
    this.#loading = undefined
    if (loading?.isFollowed !== true || loading.document === undefined) return changes
    return [...differences(loading.document.entries, noEntries), ...changes]
  }

  holdings(): Holding[] {
    const owners = new Set(this.owners())
    if (this.loadingOwner !== undefined) owners.add(this.loadingOwner)
    return [...owners].flatMap((owner) => this.holding(owner) ?? [])
  }

  /** See `Marks.digest`. */
  settledDigest(now: number, settled_ms: number): Uint8Array {
    return this.#marks.digest(now, settled_ms)
  }
}

/** Whether a head alone shows that its start did not know what is held. */
function isShownBehind(head: Head, held: Held | undefined): boolean {
  return held !== undefined && shownOf(head, held.document.signed.head) === 'behind'
}
