/**
 * What peers are asked for: routes what is missing here into questions. What comes of them is the business of replication.
 */
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import { nothingOf } from './wire/sync.js'

/** A neighbour out of step is synced with at most this often. */
const syncPause_ms = 2000

export class Asking {
  readonly #state: RegistryState
  readonly #out: Outbox

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  /** Compares all heads with everybody that is connected. */
  syncAll(): void {
    for (const peer of this.#state.liveness.peers.ids()) this.sync(peer)
  }

  /**
   * Compares all heads with a peer, once it is its turn; at once it may have to say that it lives, and whoever joins has to hear of itself
   * from all.
   */
  sync(peer: PeerId): void {
    const { commits, requests, comparisons, liveness, joining, self, at, isStale } = this.#state
    if (isStale) return this.#compare(peer)
    comparisons.add(peer)
    this.compareNext()
    this.#out.emitAll(liveness.askUnheard(peer))
    if (joining?.asksForItself !== true || comparisons.isAsked(peer)) return
    this.#out.emit(requests.own(peer, commits.holding ?? nothingOf(self), at.now))
  }

  /** Asks a peer for nothing but what it knows of our past. */
  askOfUs(peer: PeerId): void {
    this.#out.emit(this.#state.requests.witness(peer, this.#state.at.now))
  }

  /** Whose turn it is to be compared with. */
  compareNext(): void {
    const { comparisons, arrivals, at } = this.#state
    const peer = comparisons.next(at.now, !arrivals.isEmpty)
    if (peer !== undefined) this.#compare(peer)
  }

  #compare(peer: PeerId): void {
    const { commits, replica, requests, quiet, phase, at, isStale } = this.#state
    // Whoever was off for too long is given its own document whole: its copy of others may have to go, and its own with them.
    const held = (phase.name === 'muted' ? quiet.brought : undefined) ?? commits.holding
    const own = isStale ? undefined : held
    const holdings = replica.holdings()
    if (own !== undefined) holdings.push(own)
    this.#out.emit(requests.sync(peer, holdings, isStale, at.now))
  }

  /** A neighbour has shown again and again that it does not hold what we hold. */
  reconcile(id: PeerId): void {
    const { requests, liveness, at } = this.#state
    const { now } = at
    const peer = liveness.peers.get(id)
    if (peer === undefined || now - peer.reconciledAt < syncPause_ms || requests.isSyncing(id, now)) return
    peer.reconciledAt = now
    this.sync(id)
  }

  /** Fetches one owner's document from its owner, or else from whoever told of it. */
  pull(owner: PeerId, via: PeerId, isWhole = false): void {
    const { replica, requests, postponed, leaving, liveness, at } = this.#state
    if (requests.isPulling(owner, at.now) || postponed.isResting(owner, at.now)) return
    const isBusy = replica.loadingOwner === owner || leaving.has(owner)
    if (isBusy) return postponed.note(owner, via, at.now, isWhole) // once that is read, or taken back
    const { peers } = liveness
    const from = [owner, via, ...peers.ids()].find((candidate) => peers.has(candidate))
    if (from === undefined) return
    // Of what was declined all is asked for: a difference does not say what it comes to.
    this.#out.emit(requests.pull(owner, from, isWhole ? undefined : replica.giveable(owner)?.holding, at.now))
  }

  /** What was not to be pulled yet. */
  pullPostponed(): void {
    const { postponed, at } = this.#state
    for (const { owner, via, isWhole } of postponed.due(at.now)) this.pull(owner, via, isWhole)
  }
}
