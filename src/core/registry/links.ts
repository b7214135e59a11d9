/**
 * Which connections this daemon wants: to its observers, to its subjects, and to a few others by chance; and when one that
 * nobody wants any more is given up. It opens and closes nothing itself.
 *
 * Both ends must have no use for a connection before it goes, and its end means nothing: only a dial that is refused does.
 */
import type { PeerId } from '../model.js'
import type { Desk } from './desk.js'

/** Links for gossip alone: they keep the overlay in one piece where the rings have just changed. */
const chanceLinks = 4
/** Each of them is drawn anew after this long, one after the other. */
const chancePeriod_ms = 10 * 60_000
/** How many of those who are gone are dialled in turn, and for how long these: the first contact after a partition brings all others. */
const goneDialled = 16
const gonePeriod_ms = 30_000
/** A connection without use is kept for so long: views may still be changing. */
const linger_ms = 10_000
/** The greater peer id leaves the closing to the other end for so much longer. */
const otherCloses_ms = 5000
/** How often at most the network is told anew. */
const pause_ms = 1000

interface Neighbour {
  /** Whether the other end has a use for the connection, as far as it said. */
  needed: boolean
  unneededSince: number | undefined
}

export class Links {
  readonly #desk: Desk
  readonly #neighbours = new Map<PeerId, Neighbour>()
  #wanted: ReadonlySet<PeerId> = new Set()
  /** What it was drawn for: a version of the membership, and a period of trying those who are gone. */
  #drawnVersion = -1
  #drawnPeriod = -1
  /** Connections for which we have no use; worked out anew where beliefs, wishes or connections have changed. */
  #unneeded: readonly PeerId[] | undefined
  #isToBeTold = false
  #toldAt = Number.NEGATIVE_INFINITY
  #told = ''

  constructor(desk: Desk) {
    this.#desk = desk
  }

  wants(peer: PeerId): boolean {
    return this.#wanted.has(peer)
  }

  /** Whether we have a use for a connection that there is: wanted, or to somebody of whom too little is known. */
  needs(peer: PeerId): boolean {
    const state = this.#desk.membership.member(peer)?.state
    return this.#wanted.has(peer) || (state !== 'alive' && state !== 'left')
  }

  connected(peer: PeerId): void {
    this.#neighbours.set(peer, { needed: true, unneededSince: undefined })
    this.#unneeded = undefined
  }

  disconnected(peer: PeerId): void {
    this.#neighbours.delete(peer)
    this.#unneeded = undefined
  }

  /** What the other end said of its use for the connection. */
  told(peer: PeerId, needed: boolean): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined) neighbour.needed = needed
  }

  /** @param mayClose false while it is not even clear whom we know */
  tick(now: number, mayClose: boolean): void {
    this.refresh(now)
    if (!mayClose) return
    for (const peer of (this.#unneeded ??= this.#findUnneeded(now))) {
      if (!this.#isOver(peer, now)) continue
      this.disconnected(peer)
      this.#desk.emit({ type: 'hang-up', peer })
    }
  }

  #findUnneeded(now: number): PeerId[] {
    const unneeded: PeerId[] = []
    for (const [peer, neighbour] of this.#neighbours) {
      if (this.needs(peer)) neighbour.unneededSince = undefined
      else {
        neighbour.unneededSince ??= now
        unneeded.push(peer)
      }
    }
    return unneeded
  }

  #isOver(peer: PeerId, now: number): boolean {
    const { needed = true, unneededSince = now } = this.#neighbours.get(peer) ?? {}
    const patience_ms = this.#desk.self < peer ? linger_ms : linger_ms + otherCloses_ms
    return !needed && now - unneededSince >= patience_ms
  }

  /** Works out anew what is wanted, where anything has changed, and tells the network. */
  refresh(now: number): void {
    const { membership } = this.#desk
    const period = Math.floor(now / gonePeriod_ms)
    if (membership.version !== this.#drawnVersion || period !== this.#drawnPeriod) {
      this.#drawnVersion = membership.version
      this.#drawnPeriod = period
      this.#wanted = this.#draw(now)
      this.#unneeded = undefined
      this.#isToBeTold = true
    }
    if (!this.#isToBeTold || now - this.#toldAt < pause_ms) return
    this.#isToBeTold = false
    this.#toldAt = now
    const wanted = [...this.#wanted]
    // Who said goodbye is sought as strangers are: it may be back, and know of us no more than we of it.
    const sought = new Set([...this.#wanted, ...this.#inTurn('left', now)])
    const spared = [...membership.members()].map(({ id }) => id).filter((id) => !sought.has(id))
    const told = `${wanted.join()} ${spared.join()}`
    if (told === this.#told) return
    this.#told = told
    this.#desk.emit({ type: 'links', wanted, spared })
  }

  #draw(now: number): Set<PeerId> {
    const { membership, self } = this.#desk
    const wanted = new Set(membership.observers())
    for (const id of membership.rings.subjects()) wanted.add(id)
    for (const { id } of membership.subjects()) wanted.add(id)
    for (let i = 0; i < chanceLinks; i++) {
      const period = Math.floor(now / chancePeriod_ms + i / chanceLinks)
      wanted.add(membership.rings.at(this.#chance(`link ${i} ${period}`)))
    }
    for (const id of this.#inTurn('dead', now)) wanted.add(id)
    wanted.delete(self)
    return wanted
  }

  /** Some of those who are gone: one after the other each of them is tried. */
  #inTurn(state: 'dead' | 'left', now: number): PeerId[] {
    const gone = [...this.#desk.membership.members()].filter((member) => member.state === state)
    if (gone.length <= goneDialled) return gone.map(({ id }) => id)
    gone.sort((a, b) => (a.places[0] as number) - (b.places[0] as number))
    const first = this.#chance(`${state} ${Math.floor(now / gonePeriod_ms)}`) % gone.length
    return [...gone.slice(first), ...gone.slice(0, first)].slice(0, goneDialled).map(({ id }) => id)
  }

  /** A number below 2^32 that is another one for every daemon, and the same as long as `what` is. */
  #chance(what: string): number {
    const { crypto, self } = this.#desk
    const hash = crypto.hash(new TextEncoder().encode(`${self} ${what}`))
    return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0)
  }
}
