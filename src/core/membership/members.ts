/**
 * All members that are known: by their ids, counted by their states, the present ones on the rings. In which state one is
 * to be is judged elsewhere; what follows from it follows here.
 */
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'
import { type Judgement, type Member, noteDeath, noteMarks, noteSight } from './member.js'
import { type Places, Rings } from './observers.js'
import type { Transition } from './verdict.js'

export class Members {
  readonly #byId = new Map<PeerId, Member>()
  readonly #byShortId = new Map<number, Member>()
  readonly #inState: Record<MemberState, number> = { unknown: 0, alive: 0, hidden: 0, dead: 0, left: 0 }
  /** Of the unknown those of whom no word has ever come. */
  #unmet = 0
  /**
   * All that are not hidden, dead or gone, ourselves included; of the unknown only those who were met. Others may be made up: whoever
   * hands us documents of a thousand owners that nobody hears would else decide who observes whom, and how long news may take.
   */
  readonly rings: Rings
  /** Those whose listing may have changed since it was last asked for. */
  readonly #touched = new Set<PeerId>()
  #version = 0

  constructor(self: PeerId, ownPlaces: Places) {
    this.rings = new Rings(self, ownPlaces)
  }

  /** Raised whenever a member comes, goes, or changes its state. */
  get version(): number {
    return this.#version
  }

  get(id: PeerId): Member | undefined {
    return this.#byId.get(id)
  }

  has(id: PeerId): boolean {
    return this.#byId.has(id)
  }

  /** Of whom a relayed heartbeat speaks. */
  ofShortId(shortId: number): Member | undefined {
    return this.#byShortId.get(shortId)
  }

  all(): IterableIterator<Member> {
    return this.#byId.values()
  }

  add(member: Member): void {
    this.#byId.set(member.id, member)
    this.#byShortId.set(member.shortId, member)
    this.#count(member, 1)
    this.#version += 1
    this.#place(member)
    this.touch(member.id)
  }

  /** It is there: a word of it has come, or it is connected with us. */
  meet(member: Member): void {
    if (member.isMet) return
    this.#count(member, -1)
    member.isMet = true
    this.#count(member, 1)
    this.#version += 1
    this.#place(member)
  }

  /** A word of a later generation has come. */
  hearGeneration(member: Member, generation: number): void {
    if (member.heardGeneration === generation) return
    member.heardGeneration = generation
    member.saidAt = undefined
    this.touch(member.id)
  }

  #count({ state, isMet }: Member, by: 1 | -1): void {
    this.#inState[state] += by
    if (state === 'unknown' && !isMet) this.#unmet += by
  }

  #place({ id, places, state, isMet }: Member): void {
    if (isMet && (state === 'alive' || state === 'unknown')) this.rings.add(id, places)
    else this.rings.remove(id)
  }

  remove(member: Member): void {
    const { id, shortId } = member
    this.#byId.delete(id)
    this.#byShortId.delete(shortId)
    this.#count(member, -1)
    this.#version += 1
    this.rings.remove(id)
    this.#touched.delete(id)
  }

  become(member: Member, { state, why, isCondemned = false }: Judgement, now: number): Transition {
    const transition = {
      peer: member.id,
      from: member.state,
      to: state,
      why,
      ...(!member.isMet && { isUnmet: true as const }),
    }
    noteMarks(member, state, now)
    noteSight(member, state, this.present(), now)
    if (isCondemned) member.isCondemned = true
    if (state === 'alive') member.graceUntil = undefined
    if (state === 'hidden' || state === 'dead') member.backAt = member.sequence + 1
    if (state === 'dead') noteDeath(member, now)
    this.#count(member, -1)
    const isOutOfSight = state === 'hidden' || state === 'dead'
    member.outOfSightSince = isOutOfSight ? (member.outOfSightSince ?? now) : undefined
    member.state = state
    this.#count(member, 1)
    this.#version += 1
    this.#place(member)
    member.since = now
    member.why = why
    this.touch(member.id)
    return transition
  }

  endGrace(member: Member): void {
    member.graceUntil = undefined
    this.touch(member.id)
  }

  /** Its listing may have changed. */
  touch(id: PeerId): void {
    this.#touched.add(id)
  }

  takeTouched(): PeerId[] {
    if (this.#touched.size === 0) return []
    const touched = [...this.#touched]
    this.#touched.clear()
    return touched
  }

  /** Those believed alive, ourselves included. */
  alive(): number {
    return this.#inState.alive + 1
  }

  /** Those that count for the time that news take; the dead and the left do not slow the living down. */
  present(): number {
    return this.#inState.unknown - this.#unmet + this.#inState.alive + this.#inState.hidden + 1
  }
}
