/**
 * The talk with single peers: who is asked for what and when, and what they are answered.
 * Gossip may have lost anything; whatever it lost comes in here. What a document does when it comes is the intake's business.
 */
import type { Giveable } from '../document/document.js'
import type { PeerId } from '../model.js'
import { parcelFor } from '../replica/replica.js'
import { compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import {
  type Holding,
  type Parcel,
  type SyncRequest,
  type SyncResponse,
  type Witness,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../wire/sync.js'
import type { Desk } from './desk.js'

/** A request without an answer for this long has failed; answers that keep coming extend it. */
const syncTimeout_ms = 30_000
/** How long the owner of an instance may take to confirm a removal before it is removed without it. */
const removeTimeout_ms = 500
/** How long a missing piece may be on its way before it is pulled: gossip reorders. */
const gapPatience_ms = 100
/** Steps that may wait for a missing piece, per owner. */
const waitingSteps = 16
/** Owners with a gap at a time. */
const gapsAtOnce = 1024
/** A question under way for longer keeps nobody from asking again. */
const askPatience_ms = 10_000
/** A neighbour out of step is synced with at most this often. */
const syncPause_ms = 2000

/** What the exchange needs of the rest of the registry. */
export interface ExchangeParts {
  /** A document, or a step of one, has come from `via`. */
  readonly take: (parcel: Parcel, via: PeerId, now: number) => void
  /** A peer holds a document that is fenced, and so has not heard of the fence. */
  readonly holdsFenced: (owner: PeerId) => void
  /** A peer has answered a comparison of all heads. */
  readonly compared: (peer: PeerId, witness: Witness, now: number) => void
  /** What this daemon knows of a peer's past. */
  readonly witness: (peer: PeerId) => Witness
  /** Neither gives nor wants documents. */
  readonly isStale: () => boolean
  /** Runs once the own document agrees with its head on disk: now, or after the commit on its way. */
  readonly whenSettled: (run: () => void) => void
}

interface Asked {
  readonly peer: PeerId
  readonly purpose: 'sync' | 'pull' | 'push' | 'remove'
  readonly owner?: PeerId
  /** Tells how a removal ended. */
  readonly onRemoved?: (done: boolean) => void
  readonly askedAt: number
  brought: number
  ended: boolean
}

interface Gap {
  readonly steps: { readonly parcel: Parcel; readonly via: PeerId }[]
  /** Who told of it first. */
  readonly via: PeerId
  deadline: number | undefined
}

/** What exchanges with one peer came to. */
export interface PeerExchange {
  lastSyncAt?: number
  brought?: number
  took?: number
  /** When heartbeats last made us compare. */
  reconciledAt?: number
}

export class Exchange {
  readonly #desk: Desk
  readonly #parts: ExchangeParts
  readonly #asked = new Map<number, Asked>()
  readonly #gaps = new Map<PeerId, Gap>()
  readonly #peers = new Map<PeerId, PeerExchange>()

  constructor(desk: Desk, parts: ExchangeParts) {
    this.#desk = desk
    this.#parts = parts
  }

  /** What exchanges with a peer came to since it is connected. */
  view(id: PeerId): Readonly<PeerExchange> {
    return this.#peers.get(id) ?? {}
  }

  #peer(id: PeerId): PeerExchange {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const peer = {}
    this.#peers.set(id, peer)
    return peer
  }

  // ---- asking

  /** Compares all heads with a peer and exchanges what differs, both ways. */
  sync(peer: PeerId, now: number): void {
    const holdings = this.#desk.replica.holdings()
    const own = this.#desk.journal.giveable?.holding ?? this.#desk.journal.holding
    this.#ask(
      peer,
      'sync',
      {
        type: 'sync',
        scope: 'all',
        stale: this.#parts.isStale(),
        holdings: own === undefined ? holdings : [...holdings, own],
      },
      now,
    )
  }

  /** Fetches one owner's document from its owner, or else from whoever told of it. */
  pull(owner: PeerId, via: PeerId, now: number): void {
    if (this.#isAsking('pull', now, { owner })) return
    const { connected, replica } = this.#desk
    const peer = [owner, via, ...connected].find((candidate) => connected.has(candidate))
    if (peer === undefined) return
    const nothing = { owner, generation: 0, version: 0, boot: '', epoch: 0, clock: 0 }
    const holdings = [replica.document(owner)?.holding ?? nothing]
    this.#ask(peer, 'pull', { type: 'sync', scope: 'listed', stale: false, holdings }, now, { owner })
  }

  /** Gives documents to a peer. */
  push(peer: PeerId, owners: readonly PeerId[], now: number): void {
    this.#parts.whenSettled(() => {
      const parcels = owners.map((owner) => this.#parcelOf(owner, undefined)).filter((parcel) => parcel !== undefined)
      for (const batch of batches(parcels)) this.#ask(peer, 'push', { type: 'push', parcels: batch }, now)
      const exchange = this.#peers.get(peer)
      if (exchange !== undefined) exchange.took = parcels.length
    })
  }

  /** Hands on what came from somebody else. */
  pass(peer: PeerId, parcel: Parcel, now: number): void {
    this.#ask(peer, 'push', { type: 'push', parcels: [parcel] }, now)
  }

  /** Asks the owner of an instance to drop it. */
  remove(owner: PeerId, id: string, n: number, now: number, onRemoved: (done: boolean) => void): void {
    const holding = this.#desk.replica.document(owner)?.holding
    if (holding === undefined || !this.#desk.connected.has(owner)) return onRemoved(false)
    this.#ask(owner, 'remove', { type: 'remove', id, n, holding }, now, { onRemoved }, removeTimeout_ms)
  }

  #ask(
    peer: PeerId,
    purpose: Asked['purpose'],
    request: SyncRequest,
    now: number,
    more: Partial<Asked> = {},
    timeout_ms = syncTimeout_ms,
  ): void {
    const id = this.#desk.nextId()
    this.#asked.set(id, { peer, purpose, askedAt: now, brought: 0, ended: false, ...more })
    this.#desk.emit({ type: 'request', id, to: peer, bytes: encodeSyncRequest(request), timeout_ms })
  }

  // ---- hearing the answers

  response(id: number, bytes: Uint8Array, now: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return this.#desk.drop('answer to no question')
    const response = decodeSyncResponse(bytes)
    if (response === undefined) return this.#desk.drop('unreadable answer')
    if (response.type === 'documents') {
      asked.brought += response.parcels.length
      for (const parcel of response.parcels) this.#parts.take(parcel, asked.peer, now)
    } else {
      this.#end(asked, response, now)
    }
  }

  #end(asked: Asked, { wanted, witness }: SyncResponse & { type: 'end' }, now: number): void {
    asked.ended = true
    if (asked.purpose !== 'sync') return
    if (this.#desk.connected.has(asked.peer))
      Object.assign(this.#peer(asked.peer), { lastSyncAt: now, brought: asked.brought, took: 0 })
    if (wanted.length > 0 && !this.#parts.isStale())
      this.push(
        asked.peer,
        wanted.map(({ owner }) => owner),
        now,
      )
    this.#desk.emit({ type: 'notify', event: { type: 'synced', peer: asked.peer, documents: asked.brought } })
    this.#parts.compared(asked.peer, witness, now)
  }

  closed(id: number, now: number): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (asked === undefined) return
    asked.onRemoved?.(asked.ended)
    if (asked.purpose === 'pull' && asked.owner !== undefined) this.#closeGap(asked.owner, now)
  }

  /** A peer is gone: so are our questions to it; the network closes each, this only forgets what was counted. */
  disconnected(peer: PeerId): void {
    this.#peers.delete(peer)
  }

  // ---- answering

  /** @param reply sends one message of the answer */
  answer(from: PeerId, request: SyncRequest, reply: (bytes: Uint8Array, last: boolean) => void, now: number): void {
    if (request.type === 'push') {
      for (const parcel of request.parcels) this.#parts.take(parcel, from, now)
      const peer = this.#peer(from)
      peer.brought = (peer.brought ?? 0) + request.parcels.length
      reply(this.#endMessage(from, []), true)
    } else if (request.type === 'sync') {
      this.#parts.whenSettled(() => this.#answerSync(from, request, reply, now))
    }
  }

  #answerSync(
    from: PeerId,
    request: SyncRequest & { type: 'sync' },
    reply: (bytes: Uint8Array, last: boolean) => void,
    now: number,
  ): void {
    const theirs = new Map(request.holdings.map((holding) => [holding.owner, holding]))
    const parcels: Parcel[] = []
    if (!this.#parts.isStale()) {
      const owners = request.scope === 'all' ? [this.#desk.self, ...this.#desk.replica.owners()] : [...theirs.keys()]
      for (const owner of owners) {
        const parcel = this.#parcelOf(owner, theirs.get(owner))
        if (parcel !== undefined) parcels.push(parcel)
      }
    }
    if (request.scope === 'all') Object.assign(this.#peer(from), { lastSyncAt: now, brought: 0, took: parcels.length })
    for (const batch of batches(parcels)) reply(encodeSyncResponse({ type: 'documents', parcels: batch }), false)
    const comparable = request.stale || this.#parts.isStale() ? [] : request.holdings
    for (const holding of comparable) if (this.#desk.replica.isFenced(holding)) this.#parts.holdsFenced(holding.owner)
    const wanted = comparable.filter((holding) => this.#wants(holding))
    reply(this.#endMessage(from, wanted), true)
  }

  /** Answers a removal once it is on disk, with the document that no longer has the instance. */
  answerRemoval(from: PeerId, holding: Holding, reply: (bytes: Uint8Array, last: boolean) => void): void {
    this.#parts.whenSettled(() => {
      const parcel = this.#parcelOf(this.#desk.self, holding)
      if (parcel !== undefined) reply(encodeSyncResponse({ type: 'documents', parcels: [parcel] }), false)
      reply(this.#endMessage(from, []), true)
    })
  }

  #endMessage(to: PeerId, wanted: readonly Holding[]): Uint8Array {
    return encodeSyncResponse({ type: 'end', wanted, witness: this.#parts.witness(to) })
  }

  /** What a peer that holds `theirs` lacks of an owner's document. */
  #parcelOf(owner: PeerId, theirs: Holding | undefined): Parcel | undefined {
    const { self, journal, replica } = this.#desk
    const document: Giveable | undefined = owner === self ? journal.giveable : replica.document(owner)
    if (document === undefined) return undefined
    if (theirs !== undefined && compareHeads(document.holding, theirs) <= 0) return undefined
    return parcelFor(document, theirs)
  }

  #wants(theirs: Holding): boolean {
    const { self, journal, replica } = this.#desk
    if (theirs.owner === self) return journal.isForeign(theirs)
    if (replica.isFenced(theirs)) return false
    const mine = replica.document(theirs.owner)?.holding
    return mine === undefined || compareHeads(mine, theirs) < 0
  }

  // ---- gaps

  /** A step does not start from what is held: it waits a little for the one before it, then all is pulled. */
  noteGap(parcel: Parcel, via: PeerId, now: number): void {
    const { owner } = parcel.signed.head
    if (!this.#gaps.has(owner) && this.#gaps.size >= gapsAtOnce) return this.#desk.drop('too many gaps')
    const gap: Gap = this.#gaps.get(owner) ?? { steps: [], via, deadline: now + gapPatience_ms }
    this.#gaps.set(owner, gap)
    const canWait =
      this.#desk.replica.document(owner) !== undefined && parcel.content.bytes.length <= wireLimits.gossipBytes
    if (canWait && gap.steps.length < waitingSteps) gap.steps.push({ parcel: detached(parcel), via })
  }

  /** Something of this owner was taken: what waited for it may go on. */
  filled(owner: PeerId, now: number): void {
    const gap = this.#gaps.get(owner)
    if (gap === undefined) return
    this.#gaps.delete(owner)
    gap.steps.sort((a, b) => compareHeads(a.parcel.signed.head, b.parcel.signed.head))
    for (const { parcel, via } of gap.steps) this.#parts.take(parcel, via, now)
  }

  /** A pull has ended, well or not: what still does not fit is left to the comparison of digests. */
  #closeGap(owner: PeerId, now: number): void {
    this.filled(owner, now)
    this.#gaps.delete(owner)
  }

  // ---- anti-entropy

  /** A neighbour has shown again and again that it does not hold what we hold. */
  reconcile(peer: PeerId, now: number): void {
    const exchange = this.#peer(peer)
    const isFresh = now - (exchange.reconciledAt ?? Number.NEGATIVE_INFINITY) < syncPause_ms
    if (isFresh || this.#isAsking('sync', now, { peer })) return
    exchange.reconciledAt = now
    this.sync(peer, now)
  }

  tick(now: number): void {
    this.#giveUpRemovals(now)
    for (const [owner, gap] of this.#gaps) {
      if (gap.deadline === undefined || now < gap.deadline) continue
      gap.deadline = undefined
      const via = gap.steps.at(-1)?.via ?? gap.via
      this.pull(owner, via, now)
      if (!this.#isAsking('pull', now, { owner })) this.#gaps.delete(owner) // nobody to ask: the next comparison of digests finds it
    }
  }

  /** Whatever the stream does, a caller waits no longer. */
  #giveUpRemovals(now: number): void {
    for (const [id, { purpose, askedAt, onRemoved }] of this.#asked) {
      if (purpose !== 'remove' || now - askedAt < removeTimeout_ms) continue
      this.#asked.delete(id)
      onRemoved?.(false)
    }
  }

  /** A question that has been under way for long does not keep others from being asked: its answer may trickle for ever. */
  #isAsking(
    purpose: Asked['purpose'],
    now: number,
    about: { readonly owner?: PeerId; readonly peer?: PeerId },
  ): boolean {
    for (const asked of this.#asked.values()) {
      if (asked.purpose !== purpose || now - asked.askedAt > askPatience_ms) continue
      if ((about.owner ?? asked.owner) === asked.owner && (about.peer ?? asked.peer) === asked.peer) return true
    }
    return false
  }
}

/** A copy that does not hold on to the whole message that it came in. */
function detached({ signed, content }: Parcel): Parcel {
  return { signed, content: { ...content, bytes: content.bytes.slice() } }
}

/** Parcels in groups that are no larger than one message should be; a larger parcel goes alone. */
function batches(parcels: readonly Parcel[]): Parcel[][] {
  const groups: Parcel[][] = []
  let room = 0
  for (const parcel of parcels) {
    const size = parcel.content.bytes.length + wireLimits.headBytes
    const group = groups.at(-1)
    if (group === undefined || size > room) {
      groups.push([parcel])
      room = wireLimits.syncBatchBytes - size
    } else {
      group.push(parcel)
      room -= size
    }
  }
  return groups
}
