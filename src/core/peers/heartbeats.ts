/**
 * Heartbeats: which peer gets one, which gets a farewell, which is asked for those that should come. What silence means is the
 * membership's business.
 */
import { sinceThen_ms } from '../basics/since-then.js'
import type { Effect } from '../effects.js'
import type { PeerId } from '../model/model.js'
import type { ExchangeView } from '../views.js'
import { type BeatFrame, type RelayedHeartbeat, type Vitals, encodeBeat, heartbeatInterval_ms } from '../wire/beat.js'
import { type About, type ReportMessage, encodeGossip } from '../wire/gossip.js'
import { wireLimits } from '../wire/limits.js'
import type { Expected, Peer, Standing } from './peers.js'
import { VitalsBoard } from './vitals.js'

/** An observer that expects heartbeats and hears none for this long asks for them, or mends the connection. */
const expectation_ms = 5000
/** A neighbour is out of step, and synced with, after so many heartbeats in a row with a digest that is none of ours. */
const mismatchesTolerated = 3
/** Vitals go with every so many heartbeats. */
const beatsPerVitals = 2
/** A farewell is said so often, since frames get lost; and again every so often, since who lost them all waits for us. */
const farewells = 3
const farewellInterval_ms = 10_000
/** Who asked for heartbeats gets them for so long, whatever our rings say. */
const answerFor_ms = 30_000

/** What a heartbeat says of its sender. */
export interface Saying {
  readonly generation: number
  readonly incarnation: number
  readonly digest: Uint8Array
  readonly relayed: readonly RelayedHeartbeat[]
}

/** The last heartbeat of a member, by whatever way it came. */
export interface LastWord {
  readonly generation: number
  readonly sequence: number
  readonly heardAt: number | undefined
}

export class Heartbeats {
  readonly #self: PeerId
  readonly #vitals: VitalsBoard
  #sequence = 0
  #reports = 0
  #beatAt = Number.NEGATIVE_INFINITY
  #load: number | undefined
  #ownVitals: string | undefined

  constructor(self: PeerId) {
    this.#self = self
    this.#vitals = new VitalsBoard(self)
  }

  /** Percent of this machine's CPU. */
  get load(): number | undefined {
    return this.#load
  }

  /** Of the last heartbeat. */
  get sequence(): number {
    return this.#sequence
  }

  // ---- sending

  isDue(now: number): boolean {
    return now >= this.#beatAt + heartbeatInterval_ms
  }

  /** The next round is not waited for. */
  hasten(): void {
    this.#beatAt = Number.NEGATIVE_INFINITY
  }

  /** Begins the next round. @returns whether vitals go with it */
  beginRound(now: number): boolean {
    // Numbers tell the time: whoever stood still skips those that it missed, and nobody takes its next word for one of before.
    const missed = Math.floor((now - this.#beatAt) / heartbeatInterval_ms)
    this.#sequence += Number.isFinite(missed) ? Math.max(1, missed) : 1
    this.#beatAt = now
    return this.#sequence % beatsPerVitals === 0
  }

  /** Our observers get heartbeats; so do those who asked, and whoever may not know yet that we live. */
  isToBeServed({ answeredUntil }: Peer, { isObserver, state }: Standing, now: number): boolean {
    return isObserver || (state !== 'alive' && state !== 'left') || now < answeredUntil
  }

  beat(to: Peer, saying: Saying): Effect {
    to.isServed = true
    return frame(to.id, { type: 'heartbeat', ...saying, sequence: this.#sequence, load: this.#load ?? 0 })
  }

  bidFarewell(to: Peer, { isNeeded: needed }: Standing, now: number): Effect[] {
    if (to.isServed || to.saidNeeded !== needed) to.farewellsDue = farewells
    to.isServed = false
    if (to.farewellsDue === 0 && now - to.farewellAt < farewellInterval_ms) return []
    to.farewellsDue = Math.max(0, to.farewellsDue - 1)
    to.farewellAt = now
    to.saidNeeded = needed
    return [frame(to.id, { type: 'farewell', needed })]
  }

  /** Tells everybody who fell silent, or is heard again: all in one message, since each goes over every connection. */
  report(about: readonly About[], authorGeneration: number): Effect[] {
    const messages = this.#reportsOf(about, authorGeneration)
    return messages.map((message) => ({ type: 'broadcast', bytes: encodeGossip(message) }))
  }

  /** Tells one peer what we report. */
  tellReports(to: PeerId, about: readonly About[], authorGeneration: number): Effect[] {
    return this.#reportsOf(about, authorGeneration).map((message) => frame(to, message))
  }

  /** Tells one peer that we answer when we are asked whether we live. */
  tellAble(to: PeerId): Effect[] {
    return [frame(to, { type: 'able' })]
  }

  /** Tells one peer that we pass on what it asks of others. */
  tellPassing(to: Peer): Effect[] {
    to.passingTold += 1
    return [frame(to.id, { type: 'passing' })]
  }

  #reportsOf(about: readonly About[], authorGeneration: number): ReportMessage[] {
    const messages: ReportMessage[] = []
    for (let i = 0; i < about.length; i += wireLimits.reportsAtOnce) {
      const sequence = (this.#reports += 1)
      messages.push({ type: 'report', authorGeneration, sequence, about: about.slice(i, i + wireLimits.reportsAtOnce) })
    }
    return messages
  }

  // ---- hearing

  /** @returns whether the peer holds what we hold, or may soon */
  hear(from: Peer, isKnownDigest: boolean, now: number): boolean {
    from.heartbeats += 1
    from.heartbeatAt = now
    from.isAsked = false
    from.isNeeded = true
    from.mismatches = isKnownDigest ? 0 : from.mismatches + 1
    if (isKnownDigest) from.agreedAt = now
    return from.mismatches < mismatchesTolerated
  }

  /** Asks a peer for a word at once. */
  ask(peer: PeerId): Effect {
    return frame(peer, { type: 'ask' })
  }

  /** It expects heartbeats and gets none. @returns whether it is to have one at once */
  asked(by: Peer, now: number): boolean {
    const isNew = now >= by.answeredUntil
    by.answeredUntil = now + answerFor_ms
    return isNew
  }

  /**
   * Heartbeats that should come and do not: first we ask for them, then the connection is suspect.
   * @param member undefined for one that is not known yet
   */
  expect(peer: Peer, member: Expected | undefined, now: number): Effect[] {
    if (member === undefined || member.left) return []
    const { observedSince, directAt } = member
    const isWatched = directAt !== undefined && peer.heartbeatAt !== undefined
    if (observedSince === undefined && !isWatched) return []
    const since = Math.max(peer.expectedSince, peer.heartbeatAt ?? 0, observedSince ?? 0)
    if (now - since <= expectation_ms) return []
    peer.expectedSince = now
    const isSuspect = isWatched || peer.isAsked
    peer.isAsked = !isSuspect
    return [isSuspect ? { type: 'redial', peer: peer.id } : this.ask(peer.id)]
  }

  // ---- vitals

  setVitals(load: number, json: string, generation: number): void {
    this.#load = Math.min(100, Math.max(0, Math.round(load)))
    if (json.length > wireLimits.vitalsBytes) return
    this.#ownVitals = json
    this.#vitals.note({ owner: this.#self, generation, sequence: this.#sequence, json })
  }

  sendVitals(to: PeerId): Effect[] {
    const list = this.#vitals.take(to)
    return list.length > 0 ? [frame(to, { type: 'vitals', list })] : []
  }

  hearVitals(list: readonly Vitals[]): void {
    for (const vitals of list) if (vitals.owner !== this.#self) this.#vitals.note(vitals)
  }

  /** The newest of an owner, as it sent them. */
  vitalsOf(owner: PeerId): string | undefined {
    return owner === this.#self ? this.#ownVitals : this.#vitals.of(owner)
  }

  /**
   * How long ago they were taken: counted in heartbeats of their owner, so that neither the way nor anybody's clock matters.
   * @param word the owner's last one; not needed of our own
   */
  vitalsAge_ms(owner: PeerId, word: LastWord | undefined, now: number): number | undefined {
    const taken = this.#vitals.takenAt(owner)
    const { generation, sequence, heardAt } =
      owner === this.#self
        ? { generation: taken?.generation, sequence: this.#sequence, heardAt: this.#beatAt }
        : (word ?? {})
    if (taken === undefined || taken.generation !== generation || heardAt === undefined) return undefined
    const since_ms = Number.isFinite(heardAt) ? Math.max(0, now - heardAt) : 0
    return Math.round(Math.max(0, (sequence ?? 0) - taken.sequence) * heartbeatInterval_ms + since_ms)
  }

  forget(owner: PeerId): void {
    this.#vitals.forget(owner)
  }

  forgetListener(listener: PeerId): void {
    this.#vitals.forgetListener(listener)
  }
}

function frame(to: PeerId, content: BeatFrame): Effect {
  return { type: 'beat', to, bytes: encodeBeat(content) }
}

/** Whether a peer holds what we hold, or may soon; undefined where it sends us no heartbeats. */
export function isInStep({ heartbeatAt, mismatches }: Readonly<Peer>): boolean | undefined {
  return heartbeatAt === undefined ? undefined : mismatches < mismatchesTolerated
}

/** For how long a peer has held something else than we hold; 0 where it does not, or where that is not known. */
export function outOfStep_ms(peer: Readonly<Peer>, now: number): number {
  return isInStep(peer) === false ? sinceThen_ms(peer.agreedAt, now) : 0
}

/** What syncs and heartbeats with a peer have brought, since it is connected. */
export function exchangeView(peer: Readonly<Peer> | undefined, now: number): ExchangeView {
  const { heartbeats = 0, heartbeatAt, mismatches = 0, lastSyncAt, brought, took } = peer ?? {}
  return {
    heartbeats,
    ...(heartbeatAt !== undefined && { heartbeatAge_ms: sinceThen_ms(heartbeatAt, now) }),
    ...(heartbeatAt !== undefined && { inStep: mismatches < mismatchesTolerated }),
    ...(peer !== undefined && isInStep(peer) === false && { outOfStep_ms: outOfStep_ms(peer, now) }),
    ...(lastSyncAt !== undefined && { lastSyncAge_ms: sinceThen_ms(lastSyncAt, now) }),
    ...(brought !== undefined && { lastSyncBrought: brought }),
    ...(took !== undefined && { lastSyncTook: took }),
  }
}
