/**
 * From a start to the first head: routes what is on disk into the parts, the generation to disk, the answers of peers to the join;
 * then the own document opens.
 */
import type { NodeDocument } from './document/document.js'
import { differences } from './document/entries.js'
import type { StoredDocument } from './effects.js'
import { RegistryError } from './model/errors.js'
import type { PeerId } from './model/model.js'
import type { Fencing } from './fencing.js'
import type { Outbox } from './outbox.js'
import { readBaselines } from './own/baseline.js'
import { type JoinEnd, Joining } from './own/joining.js'
import type { Projection } from './projection.js'
import { horizon_ms } from './records/lifetimes.js'
import { parcelOf, parcelsOf, readOwn } from './replica/stored.js'
import { isContinuedBy } from './records/lineage.js'
import type { Asking } from './asking.js'
import type { RegistryStart, RegistryState } from './state.js'
import type { Parcel } from './wire/sync.js'

/** How long to wait before a failed write of the generation is tried again. */
const retry_ms = 1000

/** The generation up to which nothing is fenced. */
const notFenced = 0

/** What the way to the first head leads past. */
export interface Routes {
  readonly state: RegistryState
  readonly fencing: Fencing
  readonly projection: Projection
  readonly asking: Asking
}

export class Opening {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #start: RegistryStart
  readonly #fencing: Fencing
  readonly #projection: Projection
  readonly #asking: Asking
  #addresses: readonly string[] | undefined
  /** What is continued ends with a goodbye: what was about to stop then has stopped. */
  #hasStopped = false
  /** The write of this start's generation, when it is tried again. */
  #generationStoreId = 0
  #generationRetryAt = Number.POSITIVE_INFINITY

  constructor(start: RegistryStart, { state, fencing, projection, asking }: Routes) {
    this.#start = start
    this.#state = state
    this.#out = state.out
    this.#fencing = fencing
    this.#projection = projection
    this.#asking = asking
  }

  // ---- what is on disk

  /** Takes it up, and begins to join. */
  begin(): void {
    const {
      records,
      outlived,
      identity,
      commits,
      checks,
      liveness,
      degraded,
      lastHeard,
      lastUp,
      requests,
      self,
      crypto,
      signatures,
      at,
    } = this.#state
    const { now, wall } = at
    const { documents, generation, freshKey, notes } = this.#start
    this.#out.storeSoon(lastHeard.begin())
    const own = this.#restore(documents)
    identity.setGeneration(Math.max(generation + 1, Math.floor(wall / 1000)))
    if (own === undefined) identity.history.clear()
    else commits.continueFrom(own, readBaselines(notes.baseline, own.signed.head.boot))
    this.#hasStopped = own?.signed.head.left !== undefined
    outlived.note(records.ownKeys('instances'))
    this.#fencing.endRestored()
    this.#storeGeneration()
    const { membership, overlay } = liveness
    const present = [...membership.members()].filter(({ left }) => !left)
    const idsOf = (members: typeof present): PeerId[] => members.map(({ id }) => id)
    const restored = idsOf(present)
    const [met, unmet] = [present.filter(({ isMet }) => isMet), present.filter(({ isMet }) => !isMet)]
    degraded.remember(idsOf(met), idsOf(unmet), now)
    this.#out.emitAll(overlay.refresh(now))
    const wasAway = lastUp.away_ms > horizon_ms
    const joining = new Joining({
      ...{ now, hash: crypto.hash, signatures, self, freshKey },
      stale: wasAway && records.union.holdsAnything(),
      expected: restored.filter((peer) => overlay.wants(peer)),
      askedBefore: requests.last,
    })
    joining.checking(checks.asked())
    this.#out.emitAll(checks.checkAll(now))
    this.#state.enter({ name: 'starting', joining })
  }

  /** Takes what an earlier run has kept. @returns our own document, as far as it can be read */
  #restore(documents: readonly StoredDocument[]): NodeDocument | undefined {
    const { replica, self, crypto, signatures } = this.#state
    let own: NodeDocument | undefined
    for (const document of this.#inOrder(documents)) {
      const parcels = parcelsOf(document)
      if (document.owner === self) own = readOwn(crypto, signatures, parcels)
      else for (const parcel of parcels) this.#restoreOne(parcelOf(parcel, replica.head(document.owner)))
    }
    return own
  }

  /** Those first of whom a word was heard: what finds no room stays on disk, with its head alone in memory. */
  #inOrder(documents: readonly StoredDocument[]): readonly StoredDocument[] {
    const { lastHeard } = this.#state
    return [...documents].sort((a, b) => Number(lastHeard.knows(b.owner)) - Number(lastHeard.knows(a.owner)))
  }

  /** As it comes from disk it needs no writing, and what is fenced is saved first; damage is simply not there, and will be fetched again. */
  #restoreOne(parcel: Parcel): void {
    const { records, stamps, replica, unheard, lastHeard, liveness, at } = this.#state
    const { head } = parcel.signed
    const wasHeard = lastHeard.knows(head.owner)
    const outcome = replica.offer(parcel, notFenced, Number.NEGATIVE_INFINITY)
    if (outcome.type === 'declined') liveness.follow(head, wasHeard, at.now)
    if (outcome.type !== 'taken') return
    if (!wasHeard) unheard.arrived(head.owner, undefined, at.now)
    records.follow(head.owner, outcome.changes)
    stamps.follow(head, outcome.changes, records.union, at.now)
    liveness.follow(head, wasHeard, at.now)
  }

  #storeGeneration(): void {
    this.#generationRetryAt = Number.POSITIVE_INFINITY
    this.#generationStoreId = this.#out.nextStoreId()
    const ops = [{ type: 'generation', generation: this.#state.identity.generation }] as const
    this.#out.emit({ type: 'store', id: this.#generationStoreId, sync: true, ops })
  }

  /** @returns whether this write was that of the generation */
  stored(id: number, error: string | undefined): boolean {
    if (id !== this.#generationStoreId) return false
    this.#state.tellDisk('generation', error)
    if (error === undefined) this.#generationStored()
    else {
      this.#generationRetryAt = this.#state.at.now + retry_ms
      this.#refuseQueued(error)
    }
    return true
  }

  /** Whoever waits for the first head would wait for as long as the disk is full. */
  #refuseQueued(why: string): void {
    const error = new RegistryError('unavailable', `the disk refuses writes (${why})`)
    for (const { ticket } of this.#state.queue.takeAll())
      this.#out.emit({ type: 'settle', ticket, result: { ok: false, error } })
  }

  #generationStored(): void {
    if (this.#state.phase.name !== 'starting') return
    const { joining } = this.#state.phase
    this.#state.enter({ name: joining.isStale ? 'stale' : 'joining', joining })
    this.#asking.syncAll()
  }

  // ---- the join

  /** It was mute: joins once more, as a start would that finds on its disk what is held here. */
  openAgain(): void {
    const { commits, checks, comparisons, requests, crypto, signatures, self, at } = this.#state
    this.#state.foreign = undefined
    comparisons.clear()
    commits.resume()
    this.#hasStopped = commits.signed?.head.left !== undefined
    const joining = new Joining({
      ...{ now: at.now, hash: crypto.hash, signatures, self, freshKey: false, stale: false, expected: [] },
      askedBefore: requests.last,
    })
    joining.checking(checks.asked())
    this.#out.emitAll(checks.startOver(at.now))
    this.#state.enter({ name: 'joining', joining })
    this.#asking.syncAll()
  }

  /** The network listens; peers can dial these multiaddrs. */
  listening(addresses: readonly string[], url = this.#state.own.url): void {
    this.#addresses = addresses
    this.#state.own = { ...this.#state.own, url }
    if (this.#state.rules.maySign) this.#saveNode(addresses)
  }

  #saveNode(addresses: readonly string[]): void {
    this.#state.writes.saveNode({ ...this.#state.own, addresses })
  }

  /** @returns whether the own document has been opened */
  tick(): boolean {
    const { now } = this.#state.at
    if (now >= this.#generationRetryAt) this.#storeGeneration()
    if (this.#state.phase.name !== 'joining' && this.#state.phase.name !== 'stale') return false
    if (this.#addresses === undefined) return false
    const { peers } = this.#state.liveness
    // An answer that was lost is asked for again: without one this node waits for ever.
    if (this.#state.phase.name === 'stale') for (const peer of peers.ids()) this.#asking.reconcile(peer)
    const end = this.#state.phase.joining.end(new Set(peers.ids()), now)
    if (end !== undefined) this.#open(this.#state.phase.joining, end, this.#addresses)
    return end !== undefined
  }

  /** The join is over: from now on heads are signed. */
  #open(joining: Joining, { content, blank }: JoinEnd, addresses: readonly string[]): void {
    const { writes, outlived, identity, commits, checks, liveness, self } = this.#state
    const isOvertaken = content !== undefined && identity.isForeign(content.signed.head)
    if (content !== undefined) this.#continueFrom(content, joining.isStale)
    if (blank) this.#goBlank()
    else if (joining.isStale && isOvertaken) this.#dropCopies()
    checks.forget(joining.unchecked)
    this.#projection.settle()
    this.#saveNode(addresses)
    writes.used.begin()
    writes.inherit(commits.inherited)
    if (this.#hasStopped && writes.isDraining) writes.drain(false)
    const fences = [this.#state.fences.of(self), ...joining.fences]
    // Were we forgotten while we were off, what has moved or gone since is not ours. Where nobody has told us by now, numbers
    // decide: what we publish has been seen, and may have driven theirs out.
    const continued = identity.parent?.generation ?? 0
    if (fences.some((fence) => this.#fencing.isFencedBy(fence, continued))) outlived.dropTakenOver()
    const { peers, membership } = liveness
    commits.keepBaseline(peers.size === 0 || [...membership.members()].some(({ id }) => !peers.has(id)))
    commits.open()
    this.#state.enter({ name: 'opening' })
    writes.dropAllBeaten()
    this.#fencing.saveUnsaved()
    for (const fence of fences) this.#fencing.surviveFence(fence)
  }

  /**
   * What a peer has given back. Where it does not continue all that is here, the two are joined before the first head; but nothing is
   * brought in that is older than what others remember.
   */
  #continueFrom(content: NodeDocument, isStale: boolean): void {
    const { records, writes, identity, commits, checks, at } = this.#state
    const { head } = content.signed
    if (!identity.isForeign(head)) return identity.noteHeld(head)
    if (!isStale && commits.signed !== undefined && !isContinuedBy(commits.signed.head, content)) {
      this.#state.foreign = content
      return
    }
    const changes = differences(records.ownEntries(), content.entries)
    commits.continueFrom(content)
    for (const change of changes) if (change.map !== 'node') writes.take(change)
    this.#hasStopped = head.left !== undefined
    this.#state.tellGeneration('a peer knew a newer version of this node’s own records')
    this.#out.emitAll(checks.startOver(at.now))
  }

  /**
   * A backup from before the horizon, of a node that was heard after it was made: peers hold our own records as they were last, and of
   * those of others we may hold what they have forgotten the removal of.
   */
  #dropCopies(): void {
    this.#fencing.forgetAll()
    this.#out.warn(
      'this node starts from a copy of its disk that is over 30 days old: it takes its own records, and those of all others, from the cluster',
    )
  }

  /** Our content is from before the horizon: others may have forgotten why it went. */
  #goBlank(): void {
    this.#fencing.forgetAll()
    this.#state.writes.dropEverything()
    this.#out.warn('this node was off for over 30 days: it dropped its old records and takes the cluster’s')
  }
}
