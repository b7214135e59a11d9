/**
 * Room in the table of all owners: routes newcomers past it, those who have to go for them out, word of all that to people.
 * Whoever was heard of is never made to go.
 */
import type { LettingGo } from './letting-go.js'
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import type { Parcel } from './wire/sync.js'
import type { PeerId } from './model/model.js'

const look_ms = 10_000
/** So many are looked at for one newcomer: what one of them says may have to be saved first. */
const lookedAt = 16
/** People are told of refused ones at most this often. */
const tellPause_ms = 60_000

export class MakingRoom {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #lettingGo: LettingGo
  #lookedAt = Number.NEGATIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(state: RegistryState, lettingGo: LettingGo) {
    this.#state = state
    this.#out = state.out
    this.#lettingGo = lettingGo
  }

  /** Whether a document of an owner that is not known here may come in. */
  isFor({ signed }: Parcel, via: PeerId): boolean {
    const { replica, unheard, signatures, at } = this.#state
    const { owner } = signed.head
    const hasWord = this.#state.hasWord(owner)
    if (!hasWord && !unheard.mayBring(via, replica.size, at.now)) {
      this.#out.drop('too many nodes that nobody hears')
      return false
    }
    if (!replica.isFull) return true
    if (!signatures.isGenuine(signed)) return true // whoever looks next says so
    const isMade = this.#goOne(unheard.toGo(replica.size)) || (hasWord && this.#goOne(unheard.last))
    if (!isMade) this.#tellFull(owner)
    return true
  }

  /** The first one of these that can go does. */
  #goOne(owners: readonly PeerId[] | PeerId | undefined): boolean {
    const listed = typeof owners === 'string' ? [owners] : (owners ?? [])
    return listed.slice(0, lookedAt).some((owner) => this.#lettingGo.makeRoom(owner))
  }

  #tellFull(owner: PeerId): void {
    const { replica, at } = this.#state
    if (at.now - this.#toldAt < tellPause_ms) return
    this.#toldAt = at.now
    this.#out.warn(
      `no room for another node (${owner}): this one holds the records of ${replica.size} others; force-leave those that are gone`,
    )
  }

  /** The document of one that was not known before is held now. */
  taken(owner: PeerId, via: PeerId | undefined): void {
    const { unheard, at } = this.#state
    if (!this.#state.hasWord(owner)) unheard.arrived(owner, via, at.now)
  }

  tick(): void {
    const { replica, unheard, phase, at } = this.#state
    if (at.now - this.#lookedAt < look_ms || phase.name !== 'ready') return
    this.#lookedAt = at.now
    unheard.look((owner) => this.#state.hasWord(owner), at.now)
    if (!replica.isFull) for (const owner of unheard.toGo(replica.size)) this.#lettingGo.makeRoom(owner)
  }

  // ---- at the other end

  /** A peer was given our document, and has no room for it. */
  refusedBy(peer: PeerId): void {
    const { unplaced, records, at } = this.#state
    const news = unplaced.refusedBy(peer, at.now)
    if (news === undefined) return
    const name = records.union.node(peer)?.id ?? peer
    this.#out.warn(`${name} ${news}; force-leave nodes that are gone`)
  }
}
