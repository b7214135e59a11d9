/**
 * What is given to peers: routes what they ask for, or have named, from the documents held here into messages. None is made before there
 * is room for it on the way to whoever is to read it; the answer to a question that nobody reads ends with its first pieces.
 */
import { Quota } from './basics/quota.js'
import type { Giveable } from './document/document.js'
import { Encoded } from './document/encoded.js'
import type { Effect } from './effects.js'
import type { Fencing } from './fencing.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import { headAlone, parcelFor } from './replica/parcels.js'
import type { RegistryState } from './state.js'
import { type Given, actedReply, documentsReply, emptyReply, endReply } from './sync/answers.js'
import { whole } from './sync/first-sync.js'
import { type AnswerUnderWay, type End, paceLimits } from './sync/pace.js'
import { compareHeads } from './wire/head.js'
import { wireLimits } from './wire/limits.js'
import type { Holding, Parcel, SyncRequest, Witness } from './wire/sync.js'

const nothingHeld: ReadonlyMap<PeerId, Holding> = new Map()

export class Giving {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #fencing: Fencing
  /** Bytes that are made. */
  readonly #making = new Quota(paceLimits.turnBytes)
  /** What others hold, compared. */
  readonly #comparing = new Quota(paceLimits.turnHoldings)
  /** Which of the two goes first, in turns: each may need all of one. */
  #isPushFirst = false
  /** A part of a large document was encoded in this turn. */
  #hasEncoded = false

  constructor(state: RegistryState, fencing: Fencing) {
    this.#state = state
    this.#out = state.out
    this.#fencing = fencing
  }

  // ---- what is asked

  /** A peer asks what it lacks. */
  asked(from: PeerId, request: number, question: SyncRequest & { readonly type: 'sync' }): void {
    const { answers, pace } = this.#state
    if (pace.admit(from, request, question.holdings.length))
      return answers.wait({ type: 'answer', from, request, question })
    this.#out.drop('too many questions at once')
    this.#out.emit(emptyReply(request))
  }

  /** The own document agrees with its head on disk: what waited for that begins. */
  begin(given: Given): void {
    switch (given.type) {
      case 'answer':
        return this.#beginAnswer(given.from, given.request, given.question)
      case 'removed':
        return this.#beginWithOwn(given, { type: 'removed' })
      case 'acted':
        return this.#beginWithOwn(given, { type: 'acted', value: given.value ?? '' })
      case 'push':
        return this.#state.pushes.want(given.peer, given.owners)
    }
  }

  #beginAnswer(from: PeerId, request: number, { scope, stale, holdings }: SyncRequest & { type: 'sync' }): void {
    const { pace, replica, liveness, firstSync, comparisons, rules, letGo, self, at, isStale } = this.#state
    const theirs = new Map(holdings.map((holding) => [holding.owner, holding]))
    // Of what they hold and we have let go of they are told: the goodbye may have come while they were off.
    const gone = holdings.filter((holding) => letGo.refusalOf(holding.owner, holding, at.now) !== undefined)
    const all = [self, ...replica.owners(), ...gone.map(({ owner }) => owner)]
    const listed = scope === 'all' ? all : [...theirs.keys()]
    const peer = liveness.peers.get(from)
    if (scope === 'all' && peer !== undefined) Object.assign(peer, { lastSyncAt: at.now, brought: 0, took: 0 })
    const comparable = stale || isStale ? [] : holdings
    // Now, since what has come by the end may not be among what was listed at the beginning.
    const isTold = scope === 'all' && !isStale
    const steps = isTold
      ? firstSync.stepsFor(from, rules.isJoined, comparisons.isUnderWay(at.now, firstSync.said), liveness.peers.ids())
      : whole
    const end = { type: 'compared' as const, scope, comparable, next: 0, wanted: [], steps }
    pace.begin({ from, request, owners: isStale ? [] : listed, theirs, end, next: 0 })
  }

  #beginWithOwn({ from, request, holding }: Given & { type: 'removed' | 'acted' }, end: End): void {
    const { pace, self } = this.#state
    const isAdmitted = pace.admit(from, request, 1)
    const theirs = new Map([[self, holding]])
    const answer = { from, request, owners: [self], theirs, end, next: 0 }
    if (isAdmitted) return pace.begin(answer)
    this.#out.drop('too many questions at once') // it is done all the same, and said; the document comes by itself
    this.#out.emit(this.#end(answer))
  }

  // ---- made when there is room

  /** What may be given now is, once all else of this turn is done. */
  beginTurn(): void {
    this.#making.renew()
    this.#comparing.renew()
    this.#hasEncoded = false
    this.#isPushFirst = !this.#isPushFirst
  }

  /** Only now may the own document be given, until the next write of it begins, be that in this very turn. */
  ownStored(): void {
    this.#making.renew()
  }

  /** Whatever may be made now, as far as this turn goes. */
  giveMore(): void {
    const { pace, pushes } = this.#state
    if (this.#making.left <= 0 || (pace.isIdle && pushes.isIdle)) return
    for (const bytes of this.#pieces()) {
      this.#making.take(bytes)
      if (this.#making.left <= 0) return
    }
  }

  /** One of each, again and again, as long as that brings any. Yields bytes. */
  *#pieces(): Generator<number, void> {
    let made: number
    do {
      made = 0
      for (const bytes of this.#round()) {
        made += bytes
        yield bytes
      }
    } while (made > 0)
  }

  *#round(): Generator<number, void> {
    if (this.#isPushFirst) yield* this.#pushOfEach()
    yield* this.#pieceOfEach()
    if (!this.#isPushFirst) yield* this.#pushOfEach()
  }

  *#pieceOfEach(): Generator<number, void> {
    for (const answer of this.#state.pace.turns()) yield this.#givePiece(answer)
  }

  *#pushOfEach(): Generator<number, void> {
    for (const { peer, owners } of this.#state.pushes.turns()) yield this.#pushSome(peer, owners)
  }

  /** When to be woken, whatever happens. */
  get wakeAt(): number {
    const isWhole = this.#making.isWhole && this.#comparing.isWhole && !this.#hasEncoded
    return isWhole ? Number.POSITIVE_INFINITY : this.#state.at.now
  }

  /** A piece of an answer is on its way to whoever asked. */
  gone(request: number, ok: boolean): void {
    this.#state.pace.gone(request, ok)
  }

  tick(): void {
    this.#state.encodings.tick(this.#state.at.now)
  }

  /** @returns how many bytes were made of it */
  #givePiece(answer: AnswerUnderWay): number {
    const { pace, liveness, encodings } = this.#state
    const { owners, theirs, from, end } = answer
    const { parcels, seen } = this.#gather(owners, answer.next, theirs)
    answer.next += seen
    if (parcels.length === 0 && answer.next < owners.length) return 0 // the own document waits for the disk, or a large one is being made
    const isLast = parcels.length === 0
    if (isLast && !this.#isCompared(answer)) return 0
    if (isLast && end.type === 'compared')
      for (let step = 0; step < end.steps; step += 1) this.#out.emit(documentsReply(answer.request, []))
    const reply = isLast ? this.#end(answer) : documentsReply(answer.request, parcels, encodings.messageOf(parcels))
    const peer = liveness.peers.get(from)
    if (peer !== undefined && end.type === 'compared' && end.scope === 'all')
      peer.took = (peer.took ?? 0) + parcels.length
    this.#out.emit({ ...reply, isPaced: true })
    pace.given(answer, reply.bytes.length, isLast)
    return reply.bytes.length
  }

  #end({ request, from, end }: AnswerUnderWay): Effect & { type: 'reply' } {
    switch (end.type) {
      case 'removed':
        return endReply(request, [], this.witness(from))
      case 'acted':
        return actedReply(request, { ok: true, value: end.value })
      case 'compared': {
        const reply = endReply(request, end.wanted, this.witness(from))
        return isOfHolding(end) ? { ...reply, afterWrites: true } : reply
      }
    }
  }

  /** Compares what whoever asked holds, as far as one turn goes. @returns whether that is all of it */
  #isCompared({ from, end }: AnswerUnderWay): boolean {
    if (end.type !== 'compared') return true
    const some = end.comparable.slice(end.next, end.next + Math.max(0, this.#comparing.left))
    end.next += some.length
    this.#comparing.take(some.length)
    for (const holding of some) if (this.#fencing.isFenced(holding)) this.#fencing.fenceAgain(holding.owner)
    for (const holding of some) if (this.#wants(holding, end.scope, from)) end.wanted.push(holding)
    return end.next === end.comparable.length
  }

  #pushSome(peer: PeerId, owners: PeerId[]): number {
    const { requests, pushes, liveness, at } = this.#state
    const { parcels, seen } = this.#gather(owners, 0, nothingHeld)
    owners.splice(0, seen)
    pushes.forgetDone(peer)
    if (parcels.length === 0) return 0
    const request = requests.push(peer, parcels, at.now)
    this.#out.emit(request)
    pushes.given(peer, request.id, request.bytes.length)
    const connected = liveness.peers.get(peer)
    if (connected !== undefined) connected.took = (connected.took ?? 0) + parcels.length
    return request.bytes.length
  }

  /** What goes in one message, of these owners from there on. To look at them costs something, also where nothing comes of it. */
  #gather(owners: readonly PeerId[], from: number, theirs: ReadonlyMap<PeerId, Holding>): Gathered {
    const gathered = this.#oneMessage(owners, from, theirs)
    this.#making.take(gathered.seen * paceLimits.lookBytes)
    return gathered
  }

  #oneMessage(owners: readonly PeerId[], from: number, theirs: ReadonlyMap<PeerId, Holding>): Gathered {
    const parcels: Parcel[] = []
    let room: number = Math.min(wireLimits.syncBatchBytes, this.#making.left)
    for (let at = from; at < owners.length; at += 1) {
      const owner = owners[at] as PeerId
      if (this.#isOnItsWayToDisk(owner)) return { parcels, seen: at - from }
      const parcel = this.#parcelOf(owner, theirs.get(owner))
      if (parcel === undefined) continue
      if (parcel === 'later') return { parcels, seen: at - from }
      const size = parcel.content.bytes.length + wireLimits.headBytes
      if (size > room && parcels.length > 0) return { parcels, seen: at - from }
      parcels.push(parcel)
      room -= size
      if (room <= 0) return { parcels, seen: at + 1 - from }
    }
    return { parcels, seen: owners.length - from }
  }

  #isOnItsWayToDisk(owner: PeerId): boolean {
    const { self, commits } = this.#state
    return owner === self && commits.isBusy && commits.refusal === undefined
  }

  /** What a peer that holds `theirs` lacks of an owner's document. */
  #parcelOf(owner: PeerId, theirs: Holding | undefined): Parcel | 'later' | undefined {
    const { commits, replica, letGo, self, at } = this.#state
    const document = owner === self ? commits.giveable : replica.giveable(owner)
    if (document !== undefined) return this.#parcelFor(document, theirs)
    const gone = theirs && replica.head(owner) === undefined && letGo.refusalOf(owner, theirs, at.now)
    return gone ? headAlone(gone) : replica.declinedParcel(owner, theirs)
  }

  #parcelFor(document: Giveable, theirs: Holding | undefined): Parcel | 'later' | undefined {
    const parcel = parcelFor(document, theirs, (given) => this.#encode(given))
    // To find out what has changed takes the longer the more there is, be it little.
    if (typeof parcel === 'object' && parcel.content.type === 'step') this.#making.take(document.structs)
    return parcel
  }

  /** All of a document, which a large one is made into over several turns; undefined until it is. */
  #encode(document: Giveable): Uint8Array | undefined {
    const { encodings, at } = this.#state
    const { signed } = document
    const kept = encodings.find(signed, at.now)
    if (kept !== undefined) return kept
    if (!document.isLarge) return encodings.keep(signed, new Encoded(document.encode()), at.now)
    if (this.#hasEncoded || !encodings.mayEncode(document, at.now)) return undefined
    this.#hasEncoded = true
    const encoded = document.encodeMore()
    return encoded && encodings.keep(signed, encoded, at.now)
  }

  /** What was declined is not wanted, nor what may come without; who asks of single documents is told that it is not held. */
  #wants(theirs: Holding, scope: 'all' | 'listed', from: PeerId): boolean {
    const { identity, replica, comparisons, letGo, self, at } = this.#state
    if (theirs.owner === self) return identity.isForeign(theirs)
    if (this.#fencing.isFenced(theirs) || letGo.refusalOf(theirs.owner, theirs, at.now) !== undefined) return false
    if (scope === 'all' && comparisons.mayBring(from, at.now)) return false
    const mine = scope === 'all' ? replica.holding(theirs.owner) : replica.document(theirs.owner)?.holding
    return mine === undefined || compareHeads(mine, theirs) < 0
  }

  /** What this daemon knows of a peer's past. */
  witness(id: PeerId): Witness {
    const { liveness, fences, lastHeard, at, isStale } = this.#state
    return lastHeard.witness(id, liveness.membership.member(id), { isStale, fence: fences.of(id), at })
  }
}

interface Gathered {
  readonly parcels: readonly Parcel[]
  /** So many owners are done with. */
  readonly seen: number
}

/** Whoever asks about single documents, and has some of each, counts us among those who hold them where we lack nothing. */
function isOfHolding({ scope, comparable, wanted }: End & { readonly type: 'compared' }): boolean {
  return scope === 'listed' && wanted.length === 0 && comparable.some(({ generation }) => generation > 0)
}
