/**
 * How documents travel: routes what comes from peers to the replica, what that comes to further on, what is asked by them. Gossip may have lost anything; whatever it lost comes in here.
 */
import type { Acting } from './acting.js'
import type { Asking } from './asking.js'
import type { Change } from './document/entries.js'
import type { Fencing } from './fencing.js'
import type { Foreign } from './foreign.js'
import type { Giving } from './giving.js'
import { transitionEvent } from './liveness.js'
import { RegistryError } from './model/errors.js'
import type { PeerId } from './model/model.js'
import type { MakingRoom } from './making-room.js'
import { incomingOf } from './incoming.js'
import type { Outbox } from './outbox.js'
import type { Projection } from './projection.js'
import { leaving } from './refusals.js'
import { headAlone, isHeadAlone } from './replica/parcels.js'
import type { Outcome } from './replica/outcome.js'
import type { Underway } from './replica/replica.js'
import { Silences } from './silences.js'
import type { RegistryState } from './state.js'
import { emptyReply, endReply } from './sync/answers.js'
import { type Afterwards, arrivalLimits } from './sync/arrivals.js'
import type { Step } from './sync/gaps.js'
import type { Ended, Removal } from './sync/requests.js'
import { Quota } from './basics/quota.js'
import { WaitingList } from './basics/waiting-list.js'
import type { UpdateMessage } from './wire/gossip.js'
import { type Head, compareHeads } from './wire/head.js'
import { type Holding, type Parcel, type SyncRequest, decodeSyncRequest } from './wire/sync.js'

/** So long whoever asked for an act waits for what is missing to the version that tells of it. */
const unread_ms = 500

/** How often it is looked whether there is room for what there was none for. */
const roomLook_ms = 1000

type Acted = Extract<Ended, { type: 'acted' }>

/** The routers that this one passes on to. */
interface Beside {
  readonly fencing: Fencing
  readonly projection: Projection
  readonly acting: Acting
  readonly giving: Giving
  readonly room: MakingRoom
  readonly asking: Asking
  readonly foreign: Foreign
}

export class Replication {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #fencing: Fencing
  readonly #projection: Projection
  /** Acts that are done, and cannot be read here yet. */
  readonly #unread = new WaitingList<Acted & { readonly until: number }>()
  readonly #acting: Acting
  readonly #giving: Giving
  readonly #room: MakingRoom
  readonly #asking: Asking
  readonly #foreign: Foreign
  readonly #silences: Silences
  readonly #reading = new Quota(arrivalLimits.turnUnits)
  #roomLookedAt = Number.NEGATIVE_INFINITY

  constructor(state: RegistryState, { fencing, projection, acting, giving, room, asking, foreign }: Beside) {
    this.#state = state
    this.#out = state.out
    this.#fencing = fencing
    this.#projection = projection
    this.#acting = acting
    this.#giving = giving
    this.#room = room
    this.#asking = asking
    this.#foreign = foreign
    this.#silences = new Silences(state)
  }

  // ---- documents coming in

  /** Somebody published a version of its own document. */
  gossip({ signed, step }: UpdateMessage, author: PeerId): void {
    if (step !== undefined) return this.take({ parcel: { signed, content: { type: 'step', ...step } }, via: author })
    const held = this.#state.replica.head(signed.head.owner)
    if (held !== undefined && compareHeads(signed.head, held) <= 0) return
    if (this.#state.letGo.refusalOf(signed.head.owner, signed.head, this.#state.at.now) !== undefined) return
    if (!this.#state.signatures.isGenuine(signed)) return this.#out.drop('bad signature')
    if (this.#state.replica.isDeclined(signed.head.owner)) return this.take({ parcel: headAlone(signed), via: author })
    this.#asking.pull(signed.head.owner, author)
  }

  /** A document, or a step of one, has come. */
  take(step: Step): void {
    const { replica, signatures, self } = this.#state
    const { signed } = step.parcel
    const { owner } = signed.head
    if (owner === self || replica.loadingOwner === owner || !replica.isLong(step.parcel)) return this.#take(step)
    return signatures.isGenuine(signed) ? this.#takeLater(step) : this.#out.drop('bad signature')
  }

  /** Where nothing more may wait of whoever brought it, it is asked for again: else nobody would, as it may have filled a gap. */
  #takeLater({ parcel, via }: Step): void {
    if (this.#bring(via, [parcel], parcel.content.bytes.length)) return
    this.#state.postponed.note(parcel.signed.head.owner, via, this.#state.at.now)
  }

  /** What waited for what is here now, as much of it as this turn goes: each may change as much as a turn does. */
  #takeFilled(owner: PeerId): void {
    for (const step of this.#state.gaps.filled(owner)) {
      if (this.#reading.left > 0) this.take(step)
      else this.#takeLater(step)
    }
  }

  /** It is its turn. */
  #take(step: Step): void {
    const { replica, gaps, postponed, leaving, fences, letGo, self, at, isStale } = this.#state
    const { parcel, via } = step
    const { owner } = parcel.signed.head
    if (owner === self) return this.#foreign.take(parcel, via)
    if (replica.loadingOwner === owner) return void gaps.note(step, true, at.now)
    if (isStale) return
    if (isHeadAlone(parcel) && this.#isShown(owner)) return this.#toldOfNewer(parcel)
    if (letGo.refusalOf(owner, parcel.signed.head, at.now) !== undefined || this.#isToldGone(parcel)) return
    if (leaving.has(owner)) return postponed.note(owner, via, at.now)
    const held = replica.head(owner)
    if (held === undefined && !this.#room.isFor(parcel, via)) return
    const outcome = replica.offer(parcel, fences.upTo(owner), at.now, { via, hasWord: this.#state.hasWord(owner) })
    if (outcome.type === 'begun') return
    if (outcome.type === 'later') return postponed.note(owner, via, at.now + outcome.after_ms)
    if (outcome.type === 'taken') postponed.delete(owner)
    this.#came(step, held, outcome)
  }

  /** What was offered has come to something. */
  #came(step: Step, held: Head | undefined, outcome: Outcome): void {
    const { replica, gaps, postponed, headsAlone, at } = this.#state
    const { parcel, via } = step
    const { owner } = parcel.signed.head
    if (held !== undefined) this.#dispute(step, held, outcome.type)
    else if (outcome.type === 'taken' || outcome.type === 'declined') this.#room.taken(owner, via)
    switch (outcome.type) {
      case 'taken':
        headsAlone.forget(owner)
        this.#reading.take(outcome.changes.length) // few bytes may take back many entries
        this.#out.storeSoon([outcome.op])
        this.#follow(parcel.signed.head, outcome.changes)
        this.#followHead(parcel.signed.head)
        return this.#takeFilled(owner)
      case 'declined':
        if (parcel.content.type === 'full' && replica.isWrong(owner))
          this.#out.drop('content is not what its head says')
        gaps.close(owner)
        return this.#followHead(parcel.signed.head)
      case 'gap':
        if (!gaps.note(step, held !== undefined, at.now)) this.#out.drop('too many gaps')
        return
      case 'refused':
        this.#out.drop(outcome.reason)
        if (parcel.content.type === 'step' && outcome.reason !== 'bad signature') this.#asking.pull(owner, via)
        return
      case 'fenced':
        return this.#fencing.fenceAgain(owner)
      case 'long':
        return postponed.note(owner, via, at.now, true)
      case 'begun':
      case 'later':
      case 'old':
      case 'behind':
        return
    }
  }

  #follow(head: Head, changes: readonly Change[]): void {
    const { records, stamps, at } = this.#state
    records.follow(head.owner, changes)
    stamps.follow(head, changes, records.union, at.now)
  }

  /** A part of a large document. @returns how much it was, in units of `workLimits` */
  #takeSlice({ parcel, from }: Underway): number {
    const { replica, arrivals, letGo, fences, at } = this.#state
    const { head } = parcel.signed
    const { owner } = head
    const held = replica.head(owner)
    const isWanted = head.generation > fences.upTo(owner) && letGo.refusalOf(owner, head, at.now) === undefined
    const { units, changes, outcome } = replica.goOn(isWanted, at.now)
    if (changes.length > 0) this.#follow(head, changes)
    if (outcome === undefined) return units
    arrivals.ended()
    this.#came({ parcel, via: from.via ?? owner }, held, outcome)
    this.#takeFilled(owner) // it was held up whatever came of this one
    return units
  }

  /** A peer has let go of a node whose key is gone: so do we, where we do not see it live. */
  #isToldGone(parcel: Parcel): boolean {
    const { signed } = parcel
    const { owner } = signed.head
    const { records, replica, liveness, signatures, letGo, at } = this.#state
    const held = replica.head(owner)
    if (!isHeadAlone(parcel) || held === undefined || records.union.node(owner)?.transient !== true) return false
    if (liveness.membership.isAlive(owner) || compareHeads(signed.head, held) < 0) return false
    if (signatures.isGenuine(signed)) {
      letGo.tell(owner, at.now)
      this.#followHead(signed.head)
    }
    return true
  }

  /** Where nobody else holds it, its owner alone can show what it is. */
  #toldOfNewer({ signed }: Parcel): void {
    const { replica, headsAlone, liveness, signatures, at } = this.#state
    const { owner } = signed.head
    const held = replica.head(owner)
    if (held === undefined || compareHeads(signed.head, held) <= 0 || !signatures.isGenuine(signed)) return
    if (!headsAlone.isOverdue(owner, at.now)) return
    if (liveness.peers.has(owner)) this.#asking.pull(owner, owner)
    else this.#out.emit({ type: 'dial', peer: owner })
  }

  /** What is shown of a living owner is not hidden for a head: those who hold its content bring both. */
  #isShown(owner: PeerId): boolean {
    const { replica, liveness } = this.#state
    return replica.giveable(owner) !== undefined && liveness.membership.isAlive(owner)
  }

  #followHead(head: Head): void {
    const { liveness, lastHeard, at } = this.#state
    const transition = liveness.follow(head, lastHeard.knows(head.owner), at.now)
    if (transition !== undefined) this.#out.emit(transitionEvent(transition))
    // Also where it is only back from a goodbye: what it has not checked again is listed as before.
    this.#projection.followBeliefs()
  }

  /** Its owner is shown what came with what is held, where these do not continue each other. */
  #dispute({ parcel, via }: Step, held: Head, outcome: Outcome['type']): void {
    const { replica, disputes, requests, answers, liveness, at } = this.#state
    const { signed } = parcel
    const { owner } = signed.head
    const { peers } = liveness
    const to = peers.has(owner) ? owner : via
    const isContinued = outcome === 'old' && replica.continues(owner, signed.head)
    if (!disputes.note({ signed, held, isContinued, outcome, isTellable: peers.has(to) }, at.now)) return
    if (to !== owner && liveness.membership.member(owner)?.state === 'alive')
      this.#out.emit({ type: 'dial', peer: owner }) // neither of us may know anybody who is connected with it
    answers.wait({ type: 'push', peer: to, owners: [owner] })
    if (to === owner) this.#out.emit(requests.push(to, [parcel], at.now))
  }

  // ---- answers to what was asked

  response(id: number, bytes: Uint8Array): void {
    const answer = this.#state.requests.response(id, bytes)
    if (answer.type === 'dropped') this.#out.drop(answer.reason)
    if (answer.type === 'documents') {
      this.#state.comparisons.heard(answer.from, this.#state.at.now)
      this.#bring(answer.from, answer.parcels, bytes.length)
    }
    if (answer.type === 'given' && answer.refused.some(({ owner }) => owner === this.#state.self))
      this.#room.refusedBy(answer.peer)
    if (answer.type === 'compared') this.#state.arrivals.then(answer.peer, answer)
    this.takeMore()
  }

  /** @returns whether it will be read */
  #bring(via: PeerId, parcels: readonly Parcel[], bytes: number): boolean {
    if (this.#state.arrivals.bring(via, parcels, bytes)) return true
    this.#out.drop('too many documents at once')
    this.#state.firstSync.lost()
    return false
  }

  /** Reads what may be read of what has come. */
  beginTurn(): void {
    this.#reading.renew()
    this.#writeMore()
    this.takeMore()
  }

  /** Whatever has come and may be read now, as far as this turn goes. */
  takeMore(): void {
    const { arrivals, replica } = this.#state
    for (const underway = replica.loading; underway !== undefined && underway === replica.loading;) {
      if (this.#reading.left <= arrivalLimits.turnUnits / 2) break
      this.#reading.take(this.#takeSlice(underway))
    }
    while (this.#reading.left > 0) {
      if (replica.loading === undefined) arrivals.ended() // it was refused at once, or its owner was dropped
      const next = arrivals.take((parcel) => replica.isLong(parcel))
      if (next === undefined) return
      if (next.type !== 'parcel') this.#afterwards(next)
      else {
        const { stepUnits, documentUnits } = arrivalLimits
        const units = replica.isLong(next.parcel) ? 0 : replica.unitsOf(next.parcel)
        this.#reading.take(units + (next.parcel.content.type === 'step' ? stepUnits : documentUnits))
        this.#take(next)
      }
    }
  }

  /** When to be woken, whatever happens. */
  get wakeAt(): number {
    const { arrivals, replica, at } = this.#state
    const isIdle = this.#reading.isWhole && arrivals.isEmpty && replica.loading === undefined && !replica.isWriting
    return isIdle ? Number.POSITIVE_INFINITY : at.now
  }

  /** Copies that are written whole once their steps outweigh them. */
  #writeMore(): void {
    const op = this.#state.replica.writeMore()
    if (op !== undefined) this.#out.storeSoon([op])
  }

  #afterwards(next: Afterwards): void {
    switch (next.type) {
      case 'pushed':
        return this.#pushed(next)
      case 'compared':
        return this.#compared(next)
      case 'closed':
        return this.#closed(next.ended)
    }
  }

  #compared({ peer, question, ofAll, brought, steps, wanted, witness }: Afterwards & { type: 'compared' }): void {
    const { comparisons, firstSync, joining, quiet, at } = this.#state
    if (ofAll) this.#exchanged(peer, brought, wanted)
    // Who was off for too long gives nothing, and takes nothing.
    const isGiven = ofAll && !witness.stale && !this.#state.isStale
    if (isGiven && firstSync.compared(peer, steps, at.now)) comparisons.add(peer)
    quiet.answered(peer, witness, at.now)
    if (joining === undefined) this.#fencing.surviveFence(witness.fence)
    else joining.answered(peer, question, witness, at.now)
    if (ofAll) this.#asking.compareNext()
  }

  #exchanged(peer: PeerId, brought: number, wanted: readonly Holding[]): void {
    const { answers, comparisons, liveness, unplaced, self, at, isStale } = this.#state
    const { now } = at
    comparisons.ended(peer)
    const connected = liveness.peers.get(peer)
    if (connected !== undefined) Object.assign(connected, { lastSyncAt: now, brought, took: 0 })
    if (!wanted.some(({ owner }) => owner === self)) unplaced.forget(peer)
    if (wanted.length > 0 && !isStale) answers.wait({ type: 'push', peer, owners: wanted.map(({ owner }) => owner) })
    this.#out.notify({ type: 'synced', peer, documents: brought })
  }

  /** @returns what others have asked for */
  closed(id: number, ok: boolean): Extract<Ended, { type: 'compared' }> | undefined {
    const { requests, pushes, arrivals } = this.#state
    const peer = requests.peerOf(id) ?? ''
    const ended = requests.closed(id, ok)
    if (ended?.type === 'pushed') pushes.closed(ended.peer, id, ended.ok)
    if (ended?.type === 'compared') return ended
    if (ended !== undefined) arrivals.then(peer, { type: 'closed', ended })
    this.takeMore()
    return undefined
  }

  /** All that came in answer to a question has been read. */
  #closed(ended: Exclude<Ended, { type: 'compared' }>): void {
    const { gaps, comparisons } = this.#state
    if (ended.type === 'unanswered') comparisons.ended(ended.peer)
    if (ended.type === 'unanswered') this.#asking.compareNext()
    if (ended.type === 'removed') this.removed(ended.removal, ended.done)
    if (ended.type === 'acted') this.#acted(ended)
    if (ended.type !== 'pulled') return
    this.#takeFilled(ended.owner)
    gaps.close(ended.owner)
    this.#tellRead(this.#unread.take(({ passedOn }) => passedOn.home === ended.owner))
  }

  /** Whoever is told that it is done reads it here as well: gossip may have come between the question and the answer. */
  #acted(acted: Acted): void {
    const { gaps, at } = this.#state
    const { passedOn, end } = acted
    const isDone = typeof end === 'object' && end.ok
    const isReadable = !isDone || !gaps.has(passedOn.home)
    if (isReadable || !this.#unread.keep({ ...acted, until: at.now + unread_ms }))
      return this.#acting.ended(passedOn, end)
    this.#asking.pull(passedOn.home, passedOn.home)
  }

  #tellRead(acted: readonly Acted[]): void {
    for (const { passedOn, end } of acted) this.#acting.ended(passedOn, end)
  }

  // ---- answering peers

  request(from: PeerId, id: number, bytes: Uint8Array): void {
    const request = decodeSyncRequest(bytes)
    if (request === undefined || !this.#state.rules.maySpeak) {
      this.#out.drop(request === undefined ? 'unreadable request' : 'request before the start')
      return this.#out.emit(emptyReply(id))
    }
    switch (request.type) {
      case 'sync':
        return this.#giving.asked(from, id, request)
      case 'push':
        return this.#takePushed(from, id, request.parcels, bytes.length)
      case 'remove':
        return this.#dropAsAsked(from, id, request)
      case 'act':
        return this.#acting.asked(from, id, request)
      case 'silences':
        this.#silences.take(request.silences)
        return this.#out.emit(emptyReply(id))
    }
  }

  /** Answered once it is read: whoever gives has the next of it on its way as soon as that. */
  #takePushed(from: PeerId, request: number, parcels: readonly Parcel[], bytes: number): void {
    if (!this.#bring(from, parcels, bytes)) return this.#out.emit(emptyReply(request))
    const own = parcels.find(({ signed }) => signed.head.owner === from)?.signed.head
    this.#state.arrivals.then(from, { type: 'pushed', from, request, documents: parcels.length, ...(own && { own }) })
    this.takeMore()
  }

  #pushed({ from, request, documents, own }: Afterwards & { type: 'pushed' }): void {
    const peer = this.#state.liveness.peers.get(from)
    if (peer !== undefined) peer.brought = (peer.brought ?? 0) + documents
    this.#out.emit(endReply(request, this.#refused(from, own), this.#giving.witness(from)))
  }

  /** A peer for whose own document there is no room is told; others go by what they compare. */
  #refused(from: PeerId, own: Head | undefined): Holding[] {
    const { replica } = this.#state
    if (own === undefined || !replica.isFull || replica.head(from) !== undefined) return []
    if (this.#fencing.isFenced(own)) return []
    const { owner, generation, version, boot } = own
    return [{ owner, generation, version, boot, epoch: 0, clock: 0 }]
  }

  #dropAsAsked(from: PeerId, request: number, { id, n, holding }: SyncRequest & { type: 'remove' }): void {
    const { records, writes, commits, answers, at, rules } = this.#state
    const record = records.own('instances', id)
    if (record === undefined || record.n > n || !rules.maySign)
      return answers.wait({ type: 'removed', from, request, holding })
    writes.dropAsAsked(id, record.n, at.wall)
    commits.wait({ type: 'removal', from, request, holding })
  }

  // ---- time

  tick(): void {
    const { requests, gaps, at } = this.#state
    for (const ended of requests.overdue(at.now)) {
      if (ended.type === 'removed') this.removed(ended.removal, false)
      if (ended.type === 'acted') this.#acting.ended(ended.passedOn, ended.end)
    }
    this.#tellRead(this.#unread.takeOverdue(at.now))
    for (const { owner, via } of gaps.due(at.now)) {
      if (this.#state.replica.loadingOwner === owner) continue // what waits is taken up again after that
      this.#asking.pull(owner, via)
      if (!requests.isPulling(owner, at.now)) gaps.close(owner) // nobody to ask: the next comparison of digests finds it
    }
    this.#asking.pullPostponed()
    this.#asking.compareNext()
    this.#lookForRoom()
    this.#lookAtFirstSync()
    this.#silences.tell()
  }

  #lookAtFirstSync(): void {
    const { firstSync, comparisons, at } = this.#state
    if (firstSync.isOver) return
    firstSync.look(incomingOf(this.#state), at.now)
    for (const peer of firstSync.due(comparisons.isUnderWay(at.now), at.now)) comparisons.add(peer)
  }

  /** What was declined is asked for where there is room by now. */
  #lookForRoom(): void {
    const { replica, records, at } = this.#state
    if (at.now - this.#roomLookedAt < roomLook_ms) return
    this.#roomLookedAt = at.now
    const hasWord = (owner: PeerId): boolean => this.#state.hasWord(owner)
    replica.noteWords(hasWord)
    const due = replica.takeDueDeclined(hasWord, at.now)
    if (due !== undefined) this.#asking.pull(due.signed.head.owner, due.via ?? due.signed.head.owner)
    const news = replica.takeNews((owner) => records.union.node(owner)?.id ?? owner, at.now)
    if (news !== undefined) this.#out.warn(news)
  }

  /** @param done whether its owner has answered */
  removed({ ticket, id, n }: Removal, done: boolean): void {
    const { records, writes, identity, commits, rules } = this.#state
    const left = records.union.winner(id, 'away too')
    const isToBeWritten = !done || (left !== undefined && left.record.n <= n)
    if (isToBeWritten && identity.left !== undefined) {
      const error = new RegistryError('unavailable', leaving)
      return this.#out.emit({ type: 'settle', ticket, result: { ok: false, error } })
    }
    if (!isToBeWritten && !rules.maySign) return this.#out.emit({ type: 'settle', ticket, result: { ok: true } })
    if (isToBeWritten && rules.maySign) writes.remove(id, n)
    commits.wait({ type: 'command', ticket })
  }
}
