/**
 * This daemon's heartbeats, and what it hears of others': beats, vitals, and the registry digests that they carry.
 * What silence means is the membership's business.
 */
import type { Effect } from '../effects.js'
import { type PeerId, hex } from '../model.js'
import { heartbeatInterval_ms } from '../membership/formulas.js'
import type { Hearing } from '../membership/membership.js'
import { joinMark, markOf } from '../replica/replica.js'
import type { ExchangeView } from '../views.js'
import { type Vitals, decodeBeat, encodeBeat } from '../wire/beat.js'
import { type ReportMessage, encodeGossip } from '../wire/gossip.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Desk } from './desk.js'
import type { PeerExchange } from './exchange.js'

/** Heads that changed more recently are left out of the digest: they are still on their way to others. */
const settled_ms = 2000
/** A neighbour is in step where its digest is one of ours of this long. */
const digestMemory_ms = 5000
/** A neighbour is out of step, and synced with, after so many heartbeats in a row with a digest that is none of ours. */
const mismatchesTolerated = 3
/** A connection over which no heartbeat came for this long is cut and dialled again. */
const stuckAfter_ms = 5000

interface Neighbour {
  heartbeats: number
  heartbeatAt?: number
  /** Heartbeats in a row with a digest that is none of ours; a change on its way explains one or two. */
  mismatches: number
  /** Since when heartbeats are expected over this connection. */
  expectedSince: number
}

export class Pulse {
  readonly #desk: Desk
  readonly #neighbours = new Map<PeerId, Neighbour>()
  readonly #vitals = new Map<PeerId, Vitals>()
  /** The registry digests of the last seconds, newest last. */
  #digests: { readonly digest: string; at: number }[] = []
  #ownHeadAt = Number.NEGATIVE_INFINITY
  /** Asked for at each tick: not hashed anew while our head stays. */
  #ownMark: { readonly of: SignedHead; readonly mark: Uint8Array } | undefined
  #sequence = 0
  #reports = 0
  #beatAt = Number.NEGATIVE_INFINITY
  #ownVitals: string | undefined
  load: number | undefined

  constructor(desk: Desk) {
    this.#desk = desk
  }

  connected(peer: PeerId, now: number): void {
    this.#neighbours.set(peer, { heartbeats: 0, mismatches: 0, expectedSince: now })
    if (!this.#hasHead) return
    this.#beat(peer, now)
    this.#sendVitals(peer)
  }

  disconnected(peer: PeerId): void {
    this.#neighbours.delete(peer)
    this.#desk.membership.disconnected(peer)
    if (this.#desk.membership.member(peer) === undefined) this.#vitals.delete(peer)
  }

  get #hasHead(): boolean {
    return this.#desk.journal.signed?.head.generation === this.#desk.journal.generation && this.#desk.journal.isOpen
  }

  // ---- sending

  tick(now: number): void {
    this.#noteDigest(now)
    this.#cutStuck(now)
    if (now >= this.#beatAt + heartbeatInterval_ms) this.beatAll(now)
  }

  beatAll(now: number): void {
    if (!this.#hasHead) return
    this.#beatAt = now
    this.#sequence += 1
    for (const peer of this.#desk.connected) this.#beat(peer, now)
  }

  #beat(to: PeerId, now: number): void {
    const { journal, membership, emit } = this.#desk
    const bytes = encodeBeat({
      type: 'heartbeat',
      generation: journal.generation,
      incarnation: journal.incarnation,
      sequence: this.#sequence,
      load: this.load ?? 0,
      digest: this.#digest(now),
      relayed: membership.relaysFor(to, now),
    })
    emit({ type: 'beat', to, bytes })
  }

  setVitals(load: number, vitals: string): void {
    this.load = Math.min(100, Math.max(0, Math.round(load)))
    this.#ownVitals = vitals.length <= wireLimits.vitalsBytes ? vitals : undefined
    if (this.#hasHead) for (const peer of this.#desk.connected) this.#sendVitals(peer)
  }

  #sendVitals(to: PeerId): void {
    const { self, journal, emit } = this.#desk
    if (this.#ownVitals === undefined) return
    const frame = { owner: self, generation: journal.generation, sequence: this.#sequence, json: this.#ownVitals }
    emit({ type: 'beat', to, bytes: encodeBeat({ type: 'vitals', ...frame }) })
  }

  report(about: Pick<ReportMessage, 'subject' | 'generation' | 'incarnation'>): Effect {
    this.#reports += 1
    const author = { authorGeneration: this.#desk.journal.generation, sequence: this.#reports }
    return { type: 'broadcast', bytes: encodeGossip({ type: 'report', ...author, ...about }) }
  }

  // ---- hearing

  /** @returns what a heartbeat came to, and whether its sender holds what we hold; undefined for any other frame */
  hear(
    from: PeerId,
    bytes: Uint8Array,
    now: number,
  ): { readonly hearing: Hearing; readonly inStep?: boolean } | undefined {
    const frame = decodeBeat(bytes)
    if (frame === undefined) {
      this.#desk.drop('unreadable heartbeat')
      return undefined
    }
    if (frame.type === 'vitals') {
      if (frame.owner === from && this.#neighbours.has(from)) this.#vitals.set(from, frame)
      return undefined
    }
    const hearing = this.#desk.membership.hear(from, frame, now)
    const neighbour = this.#neighbours.get(from)
    if (neighbour === undefined) return { hearing }
    neighbour.heartbeats += 1
    neighbour.heartbeatAt = now
    neighbour.mismatches = this.#isKnownDigest(hex(frame.digest), now) ? 0 : neighbour.mismatches + 1
    return { hearing, inStep: neighbour.mismatches < mismatchesTolerated }
  }

  vitalsOf(owner: PeerId): string | undefined {
    return owner === this.#desk.self ? this.#ownVitals : this.#vitals.get(owner)?.json
  }

  forget(owner: PeerId): void {
    this.#vitals.delete(owner)
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
    this.#digests = this.#digests.filter(({ at }) => now - at <= digestMemory_ms)
  }

  #isKnownDigest(digest: string, now: number): boolean {
    return this.#digests.some((known) => known.digest === digest && now - known.at <= digestMemory_ms)
  }

  /** A connection may look alive while nothing comes over it. */
  #cutStuck(now: number): void {
    for (const [peer, neighbour] of this.#neighbours) {
      const state = this.#desk.membership.member(peer)?.state
      const expected = state === 'alive' || state === 'hidden' || state === 'dead'
      const since = Math.max(neighbour.expectedSince, neighbour.heartbeatAt ?? neighbour.expectedSince)
      if (!expected || now - since <= stuckAfter_ms) continue
      neighbour.expectedSince = now + stuckAfter_ms
      this.#desk.emit({ type: 'redial', peer })
    }
  }
}
