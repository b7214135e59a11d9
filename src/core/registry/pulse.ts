/**
 * This daemon's heartbeats, and what it hears of others': beats, vitals, and the registry digests that they carry.
 * What silence means is the membership's business, which connections there are the links'.
 */
import { type PeerId, hex } from '../model.js'
import { expectation_ms, heartbeatInterval_ms } from '../membership/formulas.js'
import type { Hearing } from '../membership/verdict.js'
import { joinMark, markOf } from '../replica/replica.js'
import type { ExchangeView } from '../views.js'
import { type BeatFrame, type Heartbeat, type VitalsFrame, decodeBeat, encodeBeat } from '../wire/beat.js'
import { type About, encodeGossip } from '../wire/gossip.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Desk } from './desk.js'
import type { PeerExchange } from './exchange.js'
import type { Links } from './links.js'
import { VitalsBoard } from './vitals.js'

/** Heads that changed more recently are left out of the digest: they are still on their way to others. */
const settled_ms = 2000
/** A neighbour is in step where its digest is one of ours of this long. */
const digestMemory_ms = 5000
/** A neighbour is out of step, and synced with, after so many heartbeats in a row with a digest that is none of ours. */
const mismatchesTolerated = 3
/** Vitals go with every so many heartbeats. */
const beatsPerVitals = 2
/** A farewell is said so often, since frames get lost; and again every so often, since who lost them all waits for us. */
const farewells = 3
const farewellInterval_ms = 10_000
/** Who asked for heartbeats gets them for so long, whatever our rings say. */
const answerFor_ms = 30_000

interface Neighbour {
  heartbeats: number
  heartbeatAt?: number
  /** Heartbeats in a row with a digest that is none of ours; a change on its way explains one or two. */
  mismatches: number
  /** Since when heartbeats are expected over this connection. */
  expectedSince: number
  /** We asked for heartbeats that we expected, and hear none. */
  asked: boolean
  /** It asked us: it gets heartbeats until then. */
  answeredUntil: number
  /** It gets heartbeats now. */
  served: boolean
  farewellsDue: number
  farewellAt: number
  /** What our last farewell said of our use for the connection. */
  saidNeeded: boolean | undefined
}

export class Pulse {
  readonly #desk: Desk
  readonly #links: Links
  readonly #neighbours = new Map<PeerId, Neighbour>()
  readonly #vitals: VitalsBoard
  /** The registry digests of the last seconds, newest last. */
  #digests: { readonly digest: string; at: number }[] = []
  #ownHeadAt = Number.NEGATIVE_INFINITY
  /** Asked for at each tick: not hashed anew while our head stays. */
  #ownMark: { readonly of: SignedHead; readonly mark: Uint8Array } | undefined
  #sequence = 0
  #reports = 0
  #beatAt = Number.NEGATIVE_INFINITY
  load: number | undefined
  #ownVitals: string | undefined

  constructor(desk: Desk, links: Links) {
    this.#desk = desk
    this.#links = links
    this.#vitals = new VitalsBoard(desk.self)
  }

  connected(peer: PeerId, now: number): void {
    this.#neighbours.set(peer, {
      heartbeats: 0,
      mismatches: 0,
      expectedSince: now,
      asked: false,
      answeredUntil: Number.NEGATIVE_INFINITY,
      served: false,
      farewellsDue: 0,
      farewellAt: Number.NEGATIVE_INFINITY,
      saidNeeded: undefined,
    })
    this.#links.connected(peer)
    if (!this.#hasHead || !this.#isToBeServed(peer, now)) return
    this.#beat(peer, now)
    this.#sendVitals(peer)
  }

  disconnected(peer: PeerId): void {
    this.#neighbours.delete(peer)
    this.#links.disconnected(peer)
    this.#vitals.forgetListener(peer)
    this.#desk.membership.unserved(peer)
    if (this.#desk.membership.member(peer) === undefined) this.#vitals.forget(peer)
  }

  get #hasHead(): boolean {
    return this.#desk.journal.signed?.head.generation === this.#desk.journal.generation && this.#desk.journal.isOpen
  }

  // ---- sending

  tick(now: number): void {
    this.#noteDigest(now)
    this.#expect(now)
    if (now >= this.#beatAt + heartbeatInterval_ms) this.beatAll(now)
  }

  beatAll(now: number): void {
    if (!this.#hasHead) return
    this.#beatAt = now
    this.#sequence += 1
    for (const [peer, neighbour] of this.#neighbours) {
      if (!this.#isToBeServed(peer, now)) this.#bidFarewell(peer, neighbour, now)
      else {
        this.#beat(peer, now)
        if (this.#sequence % beatsPerVitals === 0) this.#sendVitals(peer)
      }
    }
  }

  /** Our observers get heartbeats; so do those who asked, and whoever may not know yet that we live. */
  #isToBeServed(peer: PeerId, now: number): boolean {
    const { membership } = this.#desk
    if (membership.observers().includes(peer)) return true
    const state = membership.member(peer)?.state
    return (state !== 'alive' && state !== 'left') || now < (this.#neighbours.get(peer)?.answeredUntil ?? 0)
  }

  #beat(to: PeerId, now: number): void {
    const { journal, membership } = this.#desk
    const neighbour = this.#neighbours.get(to)
    if (neighbour !== undefined) neighbour.served = true
    this.#send(to, {
      type: 'heartbeat',
      generation: journal.generation,
      incarnation: journal.incarnation,
      sequence: this.#sequence,
      load: this.load ?? 0,
      digest: this.#digest(now),
      relayed: membership.relaysFor(to, now),
    })
  }

  #bidFarewell(to: PeerId, neighbour: Neighbour, now: number): void {
    const needed = this.#links.needs(to)
    if (neighbour.served) this.#desk.membership.unserved(to)
    if (neighbour.served || neighbour.saidNeeded !== needed) neighbour.farewellsDue = farewells
    neighbour.served = false
    if (neighbour.farewellsDue === 0 && now - neighbour.farewellAt < farewellInterval_ms) return
    neighbour.farewellsDue = Math.max(0, neighbour.farewellsDue - 1)
    neighbour.farewellAt = now
    neighbour.saidNeeded = needed
    this.#send(to, { type: 'farewell', needed })
  }

  setVitals(load: number, json: string): void {
    this.load = Math.min(100, Math.max(0, Math.round(load)))
    if (json.length > wireLimits.vitalsBytes) return
    this.#ownVitals = json
    const { self, journal } = this.#desk
    this.#vitals.note({ owner: self, generation: journal.generation, sequence: this.#sequence, json })
  }

  #sendVitals(to: PeerId): void {
    const list = this.#vitals.take(to)
    if (list.length > 0) this.#send(to, { type: 'vitals', list })
  }

  #send(to: PeerId, frame: BeatFrame): void {
    this.#desk.emit({ type: 'beat', to, bytes: encodeBeat(frame) })
  }

  /** Tells everybody who fell silent, or is heard again: all in one message, since each goes over every connection. */
  report(about: readonly About[]): void {
    for (let i = 0; i < about.length; i += wireLimits.reportsAtOnce) {
      this.#reports += 1
      const saying = { authorGeneration: this.#desk.journal.generation, sequence: this.#reports }
      const report = { type: 'report', ...saying, about: about.slice(i, i + wireLimits.reportsAtOnce) } as const
      this.#desk.emit({ type: 'broadcast', bytes: encodeGossip(report) })
    }
  }

  // ---- hearing

  /** @returns what a heartbeat came to, and whether its sender holds what we hold; undefined for any other frame */
  hear(
    from: PeerId,
    bytes: Uint8Array,
    now: number,
  ): { readonly hearing: Hearing; readonly inStep?: boolean } | undefined {
    const frame = decodeBeat(bytes)
    switch (frame?.type) {
      case 'heartbeat':
        return this.#hearHeartbeat(from, frame, now)
      case 'vitals':
        return this.#hearVitals(from, frame)
      case 'farewell':
        this.#desk.membership.farewell(from)
        this.#links.told(from, frame.needed)
        return undefined
      case 'ask':
        return this.#answer(from, now)
      case undefined:
        this.#desk.drop('unreadable heartbeat')
        return undefined
    }
  }

  #hearHeartbeat(from: PeerId, frame: Heartbeat, now: number): { hearing: Hearing; inStep?: boolean } {
    const hearing = this.#desk.membership.hear(from, frame, now)
    const neighbour = this.#neighbours.get(from)
    if (neighbour === undefined) return { hearing }
    neighbour.heartbeats += 1
    neighbour.heartbeatAt = now
    neighbour.asked = false
    this.#links.told(from, true)
    neighbour.mismatches = this.#isKnownDigest(hex(frame.digest), now) ? 0 : neighbour.mismatches + 1
    return { hearing, inStep: neighbour.mismatches < mismatchesTolerated }
  }

  /** Of whoever sends them, and of members that are known: nobody fills the board with names. */
  #hearVitals(from: PeerId, { list }: VitalsFrame): undefined {
    const { membership, self } = this.#desk
    for (const vitals of list) {
      const isOwn = vitals.owner === from && this.#neighbours.has(from)
      const isKnown = membership.member(vitals.owner)?.generation === vitals.generation
      if (vitals.owner !== self && (isOwn || isKnown)) this.#vitals.note(vitals)
    }
  }

  #answer(from: PeerId, now: number): undefined {
    const neighbour = this.#neighbours.get(from)
    if (neighbour === undefined || !this.#hasHead) return
    const isNew = now >= neighbour.answeredUntil
    neighbour.answeredUntil = now + answerFor_ms
    if (isNew) this.#beat(from, now)
  }

  vitalsOf(owner: PeerId): string | undefined {
    return owner === this.#desk.self ? this.#ownVitals : this.#vitals.of(owner)
  }

  forget(owner: PeerId): void {
    this.#vitals.forget(owner)
  }

  view(peer: PeerId, exchange: Readonly<PeerExchange>, now: number): ExchangeView {
    const { heartbeats = 0, heartbeatAt, mismatches = 0 } = this.#neighbours.get(peer) ?? {}
    const { lastSyncAt, brought, took } = exchange
    return {
      heartbeats,
      ...(heartbeatAt !== undefined && { heartbeatAge_ms: Math.round(now - heartbeatAt) }),
      ...(heartbeatAt !== undefined && { inStep: mismatches < mismatchesTolerated }),
      ...(lastSyncAt !== undefined && { lastSyncAge_ms: Math.round(now - lastSyncAt) }),
      ...(brought !== undefined && { lastSyncBrought: brought }),
      ...(took !== undefined && { lastSyncTook: took }),
    }
  }

  // ---- digests

  ownHeadChanged(now: number): void {
    this.#ownHeadAt = now
  }

  #digest(now: number): Uint8Array {
    const { replica, journal, crypto } = this.#desk
    const digest = replica.settledDigest(now, settled_ms)
    if (journal.signed !== undefined && now - this.#ownHeadAt >= settled_ms) {
      if (this.#ownMark?.of !== journal.signed)
        this.#ownMark = { of: journal.signed, mark: markOf(journal.signed, crypto) }
      joinMark(digest, this.#ownMark.mark)
    }
    return digest
  }

  #noteDigest(now: number): void {
    const digest = hex(this.#digest(now))
    const newest = this.#digests.at(-1)
    if (newest?.digest === digest) newest.at = now
    else this.#digests.push({ digest, at: now })
    while (now - (this.#digests[0]?.at ?? now) > digestMemory_ms) this.#digests.shift()
  }

  #isKnownDigest(digest: string, now: number): boolean {
    return this.#digests.some((known) => known.digest === digest && now - known.at <= digestMemory_ms)
  }

  // ---- expecting

  /** Heartbeats that should come and do not: first we ask for them, then the connection is suspect. */
  #expect(now: number): void {
    for (const [peer, neighbour] of this.#neighbours) {
      const member = this.#desk.membership.member(peer)
      if (member === undefined || member.left) continue
      const { observedSince, directAt } = member
      const isWatched = directAt !== undefined && neighbour.heartbeatAt !== undefined
      if (observedSince === undefined && !isWatched) continue
      const since = Math.max(neighbour.expectedSince, neighbour.heartbeatAt ?? 0, observedSince ?? 0)
      if (now - since <= expectation_ms) continue
      neighbour.expectedSince = now
      if (isWatched || neighbour.asked) {
        neighbour.asked = false
        this.#desk.emit({ type: 'redial', peer })
      } else {
        neighbour.asked = true
        this.#send(peer, { type: 'ask' })
      }
    }
  }
}
