/**
 * How long this daemon works for one that sends: for all of its connections, streams, messages together, so that whoever has many of them
 * has no more. It takes no turns, it counts.
 *
 *     not known yet ── of its place ──▶ known ── of that member, over all that it has open
 *                                             └─ of its heartbeats, beside that
 */
import type { MessageStream } from '@libp2p/interface'
import { BoundedMap } from '../../core/basics/bounded-map.js'
import type { PeerId } from '../../core/model/model.js'

/** In ms: of each second, and what may be saved of that. No more is owed than a second brings. */
export interface Share {
  readonly ms: number
  readonly saved_ms: number
}

/** As much as an honest member takes that writes twenty times a second. Where it heals, joins, writes more it takes more, which is beyond its own. */
const memberShare: Share = { ms: 40, saved_ms: 3000 }
/** What each is given that is new, as much as a join takes; and what there is of that for all who are. */
const first_ms = 50
const firstShare: Share = { ms: 100, saved_ms: 2000 }
/** What its heartbeats take at their rate, once they are out of its sockets. */
const beatShare: Share = { ms: 5, saved_ms: 200 }
/** So many are told apart: of places, of members. As many as there may be in a cluster. */
const limits = { places: 1024, members: 4096 } as const

/** Nor is more than that owed: one long piece, or a moment in which this machine did something else, keeps nobody waiting for seconds. */
const owed_ms = 50

/** Time that may be taken, some of it saved; what was taken beyond it is owed. */
export class Allowance {
  /** It is not known whose it is. */
  readonly isOfStrangers: boolean
  readonly #perMs: number
  readonly #most_ms: number
  #left_ms: number
  #at = performance.now()

  constructor(share: Share = memberShare, left_ms = 0, isOfStrangers = false) {
    this.isOfStrangers = isOfStrangers
    this.#perMs = share.ms / 1000
    this.#most_ms = share.saved_ms
    this.#left_ms = left_ms
  }

  isLeft(): boolean {
    const now = performance.now()
    this.#left_ms = Math.min(this.#most_ms, this.#left_ms + (now - this.#at) * this.#perMs)
    this.#at = now
    return this.#left_ms > 0
  }

  pay(time_ms: number): void {
    this.#left_ms = Math.max(this.#left_ms - time_ms, -Math.min(owed_ms, this.#perMs * 1000))
  }
}

/** Those of one daemon. Whoever was away for a while has its own again, with what it owes. */
export class Allowances {
  readonly #byPlace = new BoundedMap<string, Allowance>(limits.places)
  readonly #byMember = new BoundedMap<PeerId, Allowance>(limits.members)
  readonly #ofNewcomers = new Allowance(firstShare, firstShare.saved_ms)
  readonly #ofBeats = new BoundedMap<PeerId, Allowance>(limits.members)
  readonly #known = new WeakMap<MessageStream, Allowance>()

  /** One for all that come from one place, as long as it is not known who they are: each of them is new, and would have its own. */
  ofPlace(place: string): Allowance {
    return found(this.#byPlace, place, () => new Allowance(memberShare, 0, true))
  }

  ofMember(peer: PeerId): Allowance {
    return found(this.#byMember, peer, () => new Allowance(memberShare, this.#takeFirst()))
  }

  ofBeats(peer: PeerId): Allowance {
    return found(this.#ofBeats, peer, () => new Allowance(beatShare))
  }

  #takeFirst(): number {
    if (!this.#ofNewcomers.isLeft()) return 0
    this.#ofNewcomers.pay(first_ms)
    return first_ms
  }

  /** That peer has proven that it is at the other end. */
  know(connection: MessageStream, peer: PeerId): void {
    this.#known.set(connection, this.ofMember(peer))
  }

  /** @returns one that nobody else has where nobody has proven anything */
  of(connection: MessageStream): Allowance {
    return this.#known.get(connection) ?? new Allowance()
  }
}

function found(all: BoundedMap<string, Allowance>, whose: string, make: () => Allowance): Allowance {
  const allowance = all.get(whose) ?? make()
  all.set(whose, allowance)
  return allowance
}
