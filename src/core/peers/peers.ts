/**
 * The connections that there are: one record for each, which holds all that is known of the daemon at the other end for as long as
 * it is connected. What its silence means is not decided here.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { MemberState } from '../views.js'
import type { PeerId } from '../model/model.js'
import { wireLimits } from '../wire/limits.js'

export interface Peer {
  readonly id: PeerId
  /** When the connection began. */
  readonly since: number

  // ---- what it sends us
  heartbeats: number
  heartbeatAt: number | undefined
  /** Heartbeats in a row with a digest that is none of ours; a change on its way explains one or two. */
  mismatches: number
  /** When the digest of a heartbeat was last one of ours; before the first one, when the connection began. */
  agreedAt: number
  /** Since when heartbeats are expected over this connection. */
  expectedSince: number
  /** We asked for heartbeats that we expected, and hear none. */
  isAsked: boolean

  /** It said that it answers when it is asked whether it lives. */
  isAble: boolean
  /** It said that it passes on such questions of others. */
  isPassing: boolean
  /** In how many rounds it was told that we do. */
  passingTold: number

  // ---- what we send it
  /** It asked us: it gets heartbeats until then. */
  answeredUntil: number
  /** It gets heartbeats now. */
  isServed: boolean
  farewellsDue: number
  farewellAt: number
  /** What our last farewell said of our use for the connection. */
  saidNeeded: boolean | undefined

  // ---- the connection itself
  /** Whether the other end has a use for it, as far as it said. */
  isNeeded: boolean
  unneededSince: number | undefined
  /** It is being closed in order. */
  isHungUp: boolean

  // ---- syncs
  lastSyncAt: number | undefined
  /** Documents that the last sync brought here, or took there. */
  brought: number | undefined
  took: number | undefined
  /** When heartbeats last made us compare. */
  reconciledAt: number
  /** When it was last told how long others have been silent. */
  toldSilencesAt: number
}

/** What the membership holds of the daemon at the other end. */
export interface Standing {
  /** Undefined for one that is not known yet. */
  readonly state: MemberState | undefined
  readonly isObserver: boolean
  /** Whether we have a use for a connection with it. */
  readonly isNeeded: boolean
}

/** What decides whether heartbeats are expected of it. */
export interface Expected {
  /** Its newest head says goodbye. */
  readonly left: boolean
  /** Since when we are its observer; undefined where we are not. */
  readonly observedSince: number | undefined
  /** Its last heartbeat on our own stream, unless it said that no more will come. */
  readonly directAt: number | undefined
}

/** How a connection ended. */
export interface Ended {
  readonly at: number
  /** Whether its other end was heard until then; undefined where it had no heartbeats to send. */
  readonly wasHeard: boolean | undefined
}

export class Peers {
  readonly #peers = new Map<PeerId, Peer>()
  /** The last connection of each who has none now. */
  readonly #ended = new BoundedMap<PeerId, Ended>(wireLimits.documents)

  has(id: PeerId): boolean {
    return this.#peers.has(id)
  }

  get(id: PeerId): Peer | undefined {
    return this.#peers.get(id)
  }

  ids(): IterableIterator<PeerId> {
    return this.#peers.keys()
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values()
  }

  get size(): number {
    return this.#peers.size
  }

  connect(id: PeerId, now: number): Peer {
    const peer = newPeer(id, now)
    this.#peers.set(id, peer)
    this.#ended.delete(id)
    return peer
  }

  disconnect(id: PeerId, ended: Ended): void {
    if (this.#peers.delete(id)) this.#ended.set(id, ended)
  }

  /** Undefined where it is connected, or was not in this run. */
  ended(id: PeerId): Ended | undefined {
    return this.#ended.get(id)
  }

  forget(id: PeerId): void {
    this.#ended.delete(id)
  }
}

function newPeer(id: PeerId, now: number): Peer {
  return {
    id,
    since: now,
    heartbeats: 0,
    heartbeatAt: undefined,
    mismatches: 0,
    agreedAt: now,
    expectedSince: now,
    isAsked: false,
    isAble: false,
    isPassing: false,
    passingTold: 0,
    answeredUntil: Number.NEGATIVE_INFINITY,
    isServed: false,
    farewellsDue: 0,
    farewellAt: Number.NEGATIVE_INFINITY,
    saidNeeded: undefined,
    isNeeded: true,
    unneededSince: undefined,
    isHungUp: false,
    lastSyncAt: undefined,
    brought: undefined,
    took: undefined,
    reconciledAt: Number.NEGATIVE_INFINITY,
    toldSilencesAt: Number.NEGATIVE_INFINITY,
  }
}
