/**
 * How the forgotten stay forgotten: routes fences between the documents that bring them, the notes that keep them, the document
 * that they end, or this daemon itself where it is meant. A document stays on disk until what is saved of it is there too:
 *
 *     disk of b    document of a ─── fence (a, 7) of c, in c's document ─── [what c had not known, in b's own · a's document goes]
 *                                                                     │     one write
 *     kill here ──────────────────────────────────────────────────────┘     a's document is read once more, and saved then
 */
import type { Change, EntryMaps } from './document/entries.js'
import type { StoreOp } from './effects.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import type { Head, SignedHead } from './wire/head.js'

/** Fences of one document that outlive it; checking their signatures must not take long. */
const fencesKept = 512

export class Fencing {
  readonly #state: RegistryState
  readonly #out: Outbox
  /** Whose documents go from the disk with the next commit, in which is what is saved of them. */
  readonly #ended = new Map<PeerId, EntryMaps>()

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  // ---- fences of others, and what becomes of their documents

  /** The fences of these owners have changed: their documents go, and we ourselves begin anew where we are meant. */
  applyFences(owners: Iterable<PeerId>): void {
    const { replica, unsaved, fences, self } = this.#state
    for (const owner of owners) {
      fences.noteSoon(owner)
      const held = replica.document(owner)
      const ended = held ?? replica.endable(owner)
      if (owner === self) this.surviveFence(fences.of(owner))
      else if (ended !== undefined && this.isFenced(ended.signed.head)) {
        this.#drop(owner)
        unsaved.push({ owner, entries: ended.entries })
      }
    }
    this.saveUnsaved()
  }

  /** Whether documents of this owner have ended up to this generation: nobody takes them, or wants them. */
  isFenced({ owner, generation }: Pick<Head, 'owner' | 'generation'>): boolean {
    return generation <= this.#state.fences.upTo(owner)
  }

  /**
   * A fencer has saved what he knew of a document, and may have known less than we do. Before our first head, and while we are mute, it
   * has to wait; what was about to be written when we went mute is saved once more.
   */
  saveUnsaved(): void {
    const { writes, unsaved, rules } = this.#state
    if (!rules.maySign) return
    for (const { owner, entries } of unsaved.splice(0)) this.#ended.set(owner, entries)
    for (const entries of this.#ended.values()) writes.save(entries)
  }

  /** What an earlier run had no time to save: documents on disk that are fenced by what stands beside them. */
  endRestored(): void {
    const { replica } = this.#state
    this.applyFences(
      [...replica.owners()].filter((owner) => {
        const head = (replica.document(owner)?.signed ?? replica.signed(owner))?.head
        return head !== undefined && this.isFenced(head)
      }),
    )
  }

  /** Goes to disk in one write with what is saved of them; whoever has come back meanwhile has replaced it. */
  takeEnded(): StoreOp[] {
    if (this.#ended.size === 0 || !this.#state.rules.maySign) return []
    const owners = [...this.#ended.keys()].filter((owner) => this.#state.replica.head(owner) === undefined)
    this.#ended.clear()
    return this.#endings(owners)
  }

  /** What they had fenced is noted before they go. */
  #endings(owners: readonly PeerId[]): StoreOp[] {
    if (owners.length === 0) return []
    const noted = this.#state.fences.tick(this.#state.lastHeard.uptime_ms)
    return [...noted, ...owners.map((owner) => ({ type: 'forget', owner }) as const)]
  }

  /**
   * Somebody holds what is fenced. Where no document says so any more, whose writer was itself forgotten by one who had
   * not seen that fence, ours says it from now on: else each would offer for ever what the other refuses.
   */
  fenceAgain(owner: PeerId): void {
    const { writes, fences, self, rules } = this.#state
    const fence = owner === self ? undefined : fences.byNoteAlone(owner)
    if (fence !== undefined && rules.maySign) writes.fenceUpTo(fence)
  }

  /** Whether it ends this generation of ours. Peers tell of it again and again: its signature is looked at only where it does. */
  isFencedBy(fence: SignedHead | undefined, generation: number): fence is SignedHead {
    if (fence === undefined || fence.head.owner !== this.#state.self || fence.head.generation < generation) return false
    return this.#state.signatures.isGenuine(fence)
  }

  /** Wrongly forgotten: what others have taken over or removed goes, the rest is published again, checked anew. */
  surviveFence(fence: SignedHead | undefined): void {
    const { outlived, identity, checks, at, rules } = this.#state
    if (!rules.maySign || !this.isFencedBy(fence, identity.generation)) return
    outlived.dropTakenOver()
    this.#out.emitAll(checks.startOver(at.now))
    identity.raiseGeneration(fence.head.generation + 1)
    this.#state.tellGeneration('this node was forgotten by the cluster while it lived')
  }

  /** Forgets an owner together with the next commit, which holds what is saved of it. */
  end(owner: PeerId, entries: EntryMaps): void {
    this.#drop(owner)
    this.#ended.set(owner, entries)
  }

  /** Forgets an owner with all that it wrote, except its fences. */
  forget(owner: PeerId): void {
    this.#drop(owner)
    this.#out.storeSoon(this.#endings([owner]))
  }

  /** None of it is worth saving. */
  forgetAll(): void {
    const { replica, unsaved } = this.#state
    const dropped = unsaved.splice(0).map(({ owner }) => owner)
    this.#out.storeSoon(this.#endings(dropped))
    for (const owner of [...replica.owners()]) this.forget(owner)
  }

  #drop(owner: PeerId): void {
    const { stamps, replica, disputes, liveness, visibility, abandoned, fences, unheard, lastHeard } = this.#state
    const held = replica.document(owner)?.entries
    for (const fenced of [...(held?.of('fences').keys() ?? [])].slice(0, fencesKept))
      fences.note(fenced, lastHeard.uptime_ms)
    this.#takeBack(owner, this.#state.leaving.begin(owner, replica.drop(owner)))
    liveness.forget(owner)
    visibility.forget(owner)
    disputes.forget(owner)
    abandoned.forget(owner)
    stamps.forget(owner)
    unheard.forget(owner)
  }

  /** Whoever is dropped may come back with the same numbers. */
  #takeBack(owner: PeerId, changes: readonly Change[]): void {
    const { records, writes } = this.#state
    writes.used.noteAll(owner, changes)
    records.follow(owner, changes)
  }

  // ---- time

  /** A part of what is on its way out. */
  takeBackMore(most: number): void {
    const left = this.#state.leaving.take(most)
    if (left !== undefined) this.#takeBack(left.owner, left.changes)
  }

  /**
   * Brings the notes on disk up to date, and lets go of what has outlived its time. Not before the first head is on disk: whoever loses
   * power while it goes blank would be up to date by its notes, with all that it was about to drop.
   */
  keepNotes(isLast: boolean): void {
    const { writes, replica, commits, liveness, fences, lastHeard, lastUp, at, rules } = this.#state
    if (!commits.hasBegun) return
    this.#out.storeSoon(fences.tick(lastHeard.uptime_ms))
    if (!lastUp.takeSet() && !isLast && !lastHeard.isNoteDue(at.now)) return
    const heard = lastHeard.note(liveness.membership.members(), new Set(replica.owners()), at)
    this.#out.storeSoon([...heard, fences.asNote()])
    this.#out.emit(lastHeard.up(at))
    fences.dropExpired(lastHeard.uptime_ms)
    if (rules.maySign) writes.dropExpired()
  }

  tickForgetting(): void {
    const { records, writes, replica, liveness, forgetting, self, at } = this.#state
    if (!forgetting.isDue(at.now)) return
    const { now } = at
    const { membership } = liveness
    forgetting.count(membership.members(), now)
    if (forgetting.isNoteDue(now)) this.#out.storeSoon([forgetting.note(now)])
    if (this.#state.phase.name !== 'ready') return
    for (const owner of forgetting.candidates()) {
      const member = membership.member(owner)
      const document = replica.endable(owner)
      if (member === undefined || document === undefined) continue
      if (!forgetting.isOurs(owner, membership.observersOf(member).indexOf(self))) continue
      forgetting.forget(owner)
      const name = records.union.node(owner)?.id ?? owner
      writes.fence(document)
      return this.#out.warn(
        `forgot node ${name}: nobody has heard of it for 72 hours; if it comes back it registers anew`,
      )
    }
  }
}
