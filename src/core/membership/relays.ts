/**
 * What a heartbeat passes on: of all members the last word that we have of them, those first of whom the listener missed most.
 */
import type { PeerId } from '../model/model.js'
import type { RelayedHeartbeat } from '../wire/beat.js'
import { relaysAtOnce } from './formulas.js'
import type { Member } from './member.js'
import { Piggyback } from '../basics/piggyback.js'

export class Relays {
  readonly #piggyback: Piggyback<Member>

  constructor(self: PeerId) {
    this.#piggyback = new Piggyback(self)
  }

  /** A word of it has come: of whom none ever does there is nothing to pass on, and there may be thousands. */
  add(member: Member): void {
    this.#piggyback.add(member)
  }

  forget(member: Member): void {
    this.#piggyback.delete(member)
    this.#piggyback.forgetListener(member.id)
  }

  /** It gets no heartbeats from us any more: what it was told is not worth keeping. */
  forgetListener(listener: PeerId): void {
    this.#piggyback.forgetListener(listener)
  }

  /**
   * What to tell a listener now; counts as told.
   * @param members how many there are
   */
  for(listener: PeerId, members: number, now: number): RelayedHeartbeat[] {
    let told = 0
    const fits = (_: Member, missed: number): boolean => told++ < relaysAtOnce(members, missed)
    // Of whom we lost sight we say nothing: whoever has no verdict of his own would take that for a sign of life.
    const isWorthTelling = ({ id, heardAt, heardGeneration, generation, lostSight, left }: Member): boolean =>
      id !== listener && heardAt !== undefined && heardGeneration === generation && lostSight === undefined && !left
    const taken = this.#piggyback.take(listener, isWorthTelling, fits)
    return taken.map(({ shortId, generation, sequence, load = 0, saidAt = now }) => {
      return { shortId, generation, sequence, load, age_ms: Math.max(0, Math.round(now - saidAt)) }
    })
  }
}
