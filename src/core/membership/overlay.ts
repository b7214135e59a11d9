/**
 * Whom this daemon wants to be connected with: its observers, its subjects, a few others by chance; of those who are gone, or were
 * never heard, a few at a time. It opens no connection itself.
 */
import type { Crypto, Effect } from '../effects.js'
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'
import type { Member } from './member.js'
import type { Membership } from './membership.js'

/** Links for gossip alone: they keep the overlay in one piece where the rings have just changed. */
const chanceLinks = 4
/** Each of them is drawn anew after this long, one after the other. */
const chancePeriod_ms = 10 * 60_000
/** How many of those who are gone, or were never heard, are dialled in turn, and for how long these: the first contact after a partition brings all others. */
const goneDialled = 16
const gonePeriod_ms = 30_000
/** How often at most the network is told anew. */
const pause_ms = 1000

export class Overlay {
  readonly #self: PeerId
  readonly #hash: Crypto['hash']
  readonly #membership: Membership
  #wanted: ReadonlySet<PeerId> = new Set()
  /** What it was drawn for: a version of the membership, and a period of trying those who are gone. */
  #drawnVersion = -1
  #drawnPeriod = -1
  #isToBeTold = false
  #toldAt = Number.NEGATIVE_INFINITY
  #told = ''

  constructor(self: PeerId, hash: Crypto['hash'], membership: Membership) {
    this.#self = self
    this.#hash = hash
    this.#membership = membership
  }

  wants(peer: PeerId): boolean {
    return this.#wanted.has(peer)
  }

  /** Whether we have a use for a connection that there is: wanted, or to somebody of whom too little is known. */
  needs(peer: PeerId): boolean {
    const state = this.#membership.member(peer)?.state
    return this.#wanted.has(peer) || (state !== 'alive' && state !== 'left')
  }

  /** Works out anew what is wanted, where anything has changed. @returns what to tell the network */
  refresh(now: number): Effect[] {
    const period = Math.floor(now / gonePeriod_ms)
    if (this.#membership.version !== this.#drawnVersion || period !== this.#drawnPeriod) {
      this.#drawnVersion = this.#membership.version
      this.#drawnPeriod = period
      this.#wanted = this.#draw(now)
      this.#isToBeTold = true
    }
    if (!this.#isToBeTold || now - this.#toldAt < pause_ms) return []
    this.#isToBeTold = false
    this.#toldAt = now
    return this.#tell(now)
  }

  #tell(now: number): Effect[] {
    const wanted = [...this.#wanted]
    // Who said goodbye is sought as strangers are: it may be back, and know of us no more than we of it.
    const sought = new Set([...this.#wanted, ...this.#inTurn('left', now)])
    const spared = [...this.#membership.members()].map(({ id }) => id).filter((id) => !sought.has(id))
    const told = `${wanted.join()} ${spared.join()}`
    if (told === this.#told) return []
    this.#told = told
    return [{ type: 'links', wanted, spared }]
  }

  #draw(now: number): Set<PeerId> {
    const { rings } = this.#membership
    const wanted = new Set(this.#membership.observers())
    for (const id of rings.subjects()) wanted.add(id)
    for (const { id } of this.#membership.subjects()) wanted.add(id)
    for (let i = 0; i < chanceLinks; i++) {
      const period = Math.floor(now / chancePeriod_ms + i / chanceLinks)
      wanted.add(rings.at(this.#chance(`link ${i} ${period}`)))
    }
    for (const id of this.#inTurn('dead', now)) wanted.add(id)
    for (const id of this.#inTurn('unmet', now)) wanted.add(id)
    wanted.delete(this.#self)
    return wanted
  }

  /** Some of those who are gone, or who may never have been there: one after the other each of them is tried. */
  #inTurn(what: 'dead' | 'left' | 'unmet', now: number): PeerId[] {
    const turn = this.#chance(`${what} ${Math.floor(now / gonePeriod_ms)}`)
    // Those next to that place on a ring, each in its order: whoever is gone may be one of thousands, which are not sorted for that.
    const next: { readonly id: PeerId; readonly away: number }[] = []
    for (const member of this.#membership.members()) {
      if (kindOf(member) !== what) continue
      const away = ((member.places[0] as number) - turn) >>> 0
      if (next.length === goneDialled && away >= (next.at(-1)?.away ?? 0)) continue
      const at = next.findIndex((one) => away < one.away)
      next.splice(at < 0 ? next.length : at, 0, { id: member.id, away })
      if (next.length > goneDialled) next.pop()
    }
    return next.map(({ id }) => id)
  }

  /** A number below 2^32 that is another one for every daemon, and the same as long as `what` is. */
  #chance(what: string): number {
    const hash = this.#hash(new TextEncoder().encode(`${this.#self} ${what}`))
    return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0)
  }
}

/** Those of whom no word ever came keep nobody waiting who was there, however many they are. */
function kindOf({ state, isMet }: Readonly<Member>): MemberState | 'unmet' {
  return isMet || state === 'left' ? state : 'unmet'
}
