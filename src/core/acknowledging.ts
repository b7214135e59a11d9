/**
 * Who else holds what was written here: asks peers, one question each, until as many hold it as a caller wants. It never makes a write
 * wait, nor undone.
 *
 *     written, on disk, told ──▶ some 30 ms later: do you lack anything of this version? ──▶ enough do not, or the time has passed
 *
 * The question is that of a sync of single documents, so that every earlier version understands it: its answer names those that are
 * wanted. Heartbeats would not do: their digests leave out what has changed within two seconds.
 */
import type { Moment } from './effects.js'
import type { AckCount } from './model/acks.js'
import type { PeerId } from './model/model.js'
import type { Outbox } from './outbox.js'
import type { RegistryState } from './state.js'
import type { Ended } from './sync/requests.js'
import type { Holding } from './wire/sync.js'

/** So long gossip takes as a rule: who is asked sooner says no. */
const first_ms = 30
const again_ms = 50
/** Who has not answered within so long may have fallen silent: another one is asked as well. */
const slow_ms = 200
/** Whoever lacks it so often in a row lost what was told, and is given it. */
const lacksTolerated = 4
/** Callers who wait at once; beyond it they are told what is known at once. */
const limit = 1000

interface Waiting {
  readonly number: number
  readonly ticket: number
  readonly acks: AckCount
  /** Whose document the write is in, beside ours. */
  readonly home: PeerId | undefined
  readonly until: number
  /** What is to be held; set once it can be given. */
  holdings: readonly Holding[] | undefined
  nextAt: number
  readonly holders: Set<PeerId>
  /** Not answered yet; when each was asked. */
  readonly asked: Map<PeerId, number>
  readonly lacks: Map<PeerId, number>
}

export class Acknowledging {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #waiting = new Map<number, Waiting>()
  #lastNumber = 0

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  get wakeAt(): number {
    let soonest = Number.POSITIVE_INFINITY
    for (const { nextAt, until } of this.#waiting.values()) soonest = Math.min(soonest, nextAt, until)
    return soonest
  }

  /** Settles with how many hold what is on disk here now, ourselves included. */
  ask(ticket: number, { acks, patience_ms, home }: Asking, { now }: Moment): void {
    const number = (this.#lastNumber += 1)
    const waiting: Waiting = {
      ...{ number, ticket, acks, until: now + patience_ms, nextAt: now + first_ms, holdings: undefined },
      home: home === this.#state.self ? undefined : home,
      holders: new Set(),
      asked: new Map(),
      lacks: new Map(),
    }
    if (this.#isEnough(waiting) || this.#waiting.size >= limit) return this.#settle(waiting)
    this.#waiting.set(number, waiting)
  }

  /** This node leaves: whoever waits is told what is known. Who asks after that asks for the goodbye. */
  end(): void {
    for (const waiting of this.#waiting.values()) this.#settle(waiting)
  }

  tick(): void {
    for (const waiting of this.#waiting.values()) this.#tickOne(waiting)
  }

  #tickOne(waiting: Waiting): void {
    const { now } = this.#state.at
    if (now >= waiting.until || this.#isEnough(waiting)) return this.#settle(waiting)
    if (now < waiting.nextAt) return
    waiting.nextAt = now + again_ms
    waiting.holdings ??= this.#holdings(waiting.home)
    if (waiting.holdings !== undefined) this.#askSome(waiting, waiting.holdings)
  }

  /** While a commit is on its way, none that a peer could tell a difference from. */
  #holdings(home: PeerId | undefined): readonly Holding[] | undefined {
    const { commits, replica } = this.#state
    const own = commits.giveable?.holding
    const other = home === undefined ? undefined : replica.document(home)?.holding
    return own && (other === undefined ? [own] : [own, other])
  }

  /** One more than are missing: of many neighbours not each is asked for each write. */
  #askSome(waiting: Waiting, holdings: readonly Holding[]): void {
    const { requests, at } = this.#state
    const { acks, holders, asked } = waiting
    const missing = acks === 'all' ? Number.POSITIVE_INFINITY : acks - 1 - holders.size
    let expected = [...asked.values()].filter((askedAt) => at.now - askedAt < slow_ms).length
    for (const peer of this.#connected()) {
      if (expected > missing) return
      if (holders.has(peer) || asked.has(peer)) continue
      asked.set(peer, at.now)
      expected += 1
      this.#out.emit(requests.compare(peer, waiting.number, holdings, at.now))
    }
  }

  #connected(): readonly PeerId[] {
    const { peers, membership } = this.#state.liveness
    return [...peers.ids()].filter((id) => membership.member(id)?.state === 'alive')
  }

  answered({ acknowledgement, peer, holds }: Extract<Ended, { type: 'compared' }>): void {
    const waiting = this.#waiting.get(acknowledgement)
    if (waiting === undefined) return
    waiting.asked.delete(peer)
    if (holds === true) waiting.holders.add(peer)
    if (holds === false) this.#lacks(waiting, peer)
    if (this.#isEnough(waiting)) this.#settle(waiting)
  }

  #lacks({ lacks, holdings = [] }: Waiting, peer: PeerId): void {
    const times = (lacks.get(peer) ?? 0) + 1
    lacks.set(peer, times)
    if (times === lacksTolerated)
      this.#state.answers.wait({ type: 'push', peer, owners: holdings.map(({ owner }) => owner) })
  }

  #isEnough({ acks, holders }: Waiting): boolean {
    if (acks !== 'all') return 1 + holders.size >= acks
    const { peers, membership, overlay } = this.#state.liveness
    for (const { id, state } of membership.members())
      if (state === 'alive' && !holders.has(id) && (peers.has(id) || overlay.wants(id))) return false
    return true
  }

  #settle({ number, ticket, holders }: Waiting): void {
    this.#waiting.delete(number)
    this.#out.emit({ type: 'settle', ticket, result: { ok: true, value: String(1 + holders.size) } })
  }
}

interface Asking {
  readonly acks: AckCount
  readonly patience_ms: number
  readonly home?: PeerId
}
