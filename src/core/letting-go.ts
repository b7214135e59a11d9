/**
 * Lets go of nodes whose key ended with their run: routes what still counts of theirs into the own document, their documents off the
 * disk in the same write, what others still hold of these past this daemon.
 */
import type { Fencing } from './fencing.js'
import type { PeerId } from './model/model.js'
import type { RegistryState } from './state.js'
import { compareIds } from './records/claims.js'

/** So many go by one look; the next ones by the next. */
const atOnce = 64

export class LettingGo {
  readonly #state: RegistryState
  readonly #fencing: Fencing

  constructor(state: RegistryState, fencing: Fencing) {
    this.#state = state
    this.#fencing = fencing
  }

  /**
   * Nobody waits for a node whose key is gone. Whoever holds nothing of it that counts drops it at once; what counts keeps it until the
   * first of its living observers has that in its own document.
   */
  tick(): void {
    const { letGo, phase, at } = this.#state
    if (phase.name !== 'ready' || !letGo.isLookDue(at.now)) return
    let gone = 0
    for (const owner of this.#overdue()) {
      if (gone >= atOnce) return
      if (this.#letGo(owner)) gone += 1
    }
  }

  /** In an order that is the same everywhere: of two that say one thing, all keep the same one for longer. */
  #overdue(): PeerId[] {
    const { replica, liveness, records } = this.#state
    const passing = [...replica.owners()].filter((owner) => records.union.node(owner)?.transient === true)
    return passing.filter((owner) => !liveness.peers.has(owner) || this.#isFinal(owner)).sort(compareIds)
  }

  #isFinal(owner: PeerId): boolean {
    return this.#state.replica.head(owner)?.left?.restartGrace_s === 0
  }

  #letGo(owner: PeerId): boolean {
    const { letGo, liveness, at } = this.#state
    const member = liveness.membership.member(owner)
    if (member === undefined) return false
    const overdue_ms = letGo.overdue_ms({ ...member, isFinal: this.#isFinal(owner) }, at.now)
    return overdue_ms >= 0 && this.#end(owner, overdue_ms)
  }

  /** One of whom no word has come goes for another one. @returns whether it could */
  makeRoom(owner: PeerId): boolean {
    return this.#end(owner, Number.POSITIVE_INFINITY)
  }

  #end(owner: PeerId, overdue_ms: number): boolean {
    const { replica, writes, letGo, liveness, self, at } = this.#state
    const { membership } = liveness
    const [member, document] = [membership.member(owner), replica.endable(owner)]
    if (document === undefined) return false
    const turn = member === undefined ? -1 : membership.observersOf(member).indexOf(self)
    if (!writes.isSpare(document)) {
      if (!letGo.isOursToSave(turn, overdue_ms)) return false
      writes.inheritFrom(document)
    }
    if (turn === 0) writes.used.exceedAll(owner, document.entries) // should it live nevertheless
    letGo.note(document.signed, at.now)
    this.#fencing.end(owner, document.entries)
    return true
  }

  /**
   * A peer is there. Whoever was let go of by mistake lives; and where this node is one that the other may have let go of, a newer head
   * says so to all.
   */
  connected(peer: PeerId): void {
    const { letGo, liveness, identity, own, rules, at } = this.#state
    const member = liveness.membership.member(peer)
    const wasGone = letGo.cameBack(peer)
    const mayBeGone = wasGone || (member !== undefined && letGo.mayHaveLetGo(member, at.now))
    if (own.transient === true && rules.maySign && mayBeGone) identity.demandHead()
  }
}
