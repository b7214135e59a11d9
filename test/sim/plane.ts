// A daemon of the membership plane alone: the core's own liveness, over heads without content.
// Documents, disk and lookups are left out, so that a thousand of them fit into one test.
import type { Effect, Input, Moment } from '../../src/core/effects.js'
import type { MemberState } from '../../src/core/views.js'
import { Liveness, type OwnState, transitionEvent } from '../../src/core/liveness.js'
import { ownLateness_ms } from '../../src/core/membership/formulas.js'
import type { Verdict } from '../../src/core/membership/verdict.js'
import type { Registry } from '../../src/core/registry.js'
import { Reader, Writer, equalBytes } from '../../src/core/wire/codec.js'
import { joinMark, markOf } from '../../src/core/wire/digest.js'
import { type ReportMessage, decodeGossip, encodeGossip } from '../../src/core/wire/gossip.js'
import { type Head, type SignedHead, compareHeads, decodeHead, signHead } from '../../src/core/wire/head.js'
import { wireLimits } from '../../src/core/wire/limits.js'
import { cheapCrypto } from './crypto.js'

const tick_ms = 100
/** Out of step with a neighbour, heads are asked for at most this often. */
const syncPause_ms = 2000

export interface PlaneStart {
  readonly self: string
  readonly boot: string
  readonly generation: number
  /** The heads that it knows from before. */
  readonly known: Iterable<SignedHead>
}

/** The first head of a daemon's life, before or when it is made. */
export function firstHead(self: string, boot: string, generation: number): SignedHead {
  const head = { owner: self, generation, boot, epoch: 1, version: 1, incarnation: 0, client: 1, digest: nothing }
  return signHead(head, cheapCrypto(self))
}

/** What is made of an object that a thousand daemons share is made once. */
function once<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const made = new WeakMap<K, V>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

/** Of heads that were there before a world began, all its daemons hold the same one. */
const markOnce = once((signed: SignedHead) => markOf(signed, cheapCrypto(signed.head.owner)))
/** What goes to all is read by each. */
const readOnce = once(decodeGossip)

/** The heads that a daemon holds, in the place of documents. */
class Heads {
  readonly #byOwner = new Map<string, SignedHead>()
  readonly #digest = new Uint8Array(8)

  /** @returns whether it is news */
  take(signed: SignedHead): boolean {
    const { head } = signed
    const held = this.#byOwner.get(head.owner)
    if (held !== undefined && compareHeads(head, held.head) <= 0) return false
    if (held !== undefined) joinMark(this.#digest, markOnce(held))
    joinMark(this.#digest, markOnce(signed))
    this.#byOwner.set(head.owner, signed)
    return true
  }

  all(): SignedHead[] {
    return [...this.#byOwner.values()]
  }

  /** As a replica's, but for the time in which changes settle: there is a head or two in a scenario. */
  settledDigest(): Uint8Array {
    return this.#digest.slice()
  }
}

export class PlaneDaemon {
  readonly #start: PlaneStart
  readonly #liveness: Liveness
  readonly #heads = new Heads()
  #signed: SignedHead
  #effects: Effect[] = []
  #tickAt: number
  #lastId = 0
  #syncedAt = Number.NEGATIVE_INFINITY
  /** Whether anybody was told of our first head. */
  #isTold = false

  constructor(start: PlaneStart, { now }: Moment) {
    this.#start = start
    const { self, generation } = start
    this.#tickAt = now + tick_ms
    this.#liveness = new Liveness(self, cheapCrypto(self))
    this.#signed = firstHead(self, start.boot, generation)
    this.#liveness.membership.setSelf(generation, 0, now)
    for (const signed of start.known) {
      if (equalBytes(signed.bytes, this.signed.bytes)) this.#isTold = true
      else this.#follow(signed, true, now)
    }
    this.#liveness.digests.ownHeadChanged(now)
    this.#effects.push({ type: 'notify', event: { type: 'ready' } })
  }

  #next(change: { readonly incarnation: number; readonly left?: Head['left'] }): SignedHead {
    const { head } = this.signed
    return signHead({ ...head, ...change, version: head.version + 1 }, cheapCrypto(this.#start.self))
  }

  get signed(): SignedHead {
    return this.#signed
  }

  get generation(): number {
    return this.#start.generation
  }

  get wakeAt(): number {
    return this.#tickAt
  }

  readonly read = {
    alive: 0,
    digest: () => ({ digest: [...this.#digest()].join(), documents: [] }),
    instances: () => [],
  }

  #ownState(): OwnState {
    const { generation, incarnation } = this.#signed.head
    const othersDigest = this.#heads.settledDigest()
    return {
      generation,
      incarnation,
      signed: this.#signed,
      isSpeaking: true,
      mayReport: true,
      othersDigest,
      versioned: [],
    }
  }

  /** Of all heads, our own included. */
  #digest(): Uint8Array {
    const digest = this.#heads.settledDigest()
    joinMark(digest, markOf(this.signed, cheapCrypto(this.#start.self)))
    return digest
  }

  readiness(): { ready: boolean; reasons: string[]; degraded: boolean } {
    return { ready: true, reasons: [], degraded: false }
  }

  begin(): Effect[] {
    return this.#takeEffects()
  }

  #takeEffects(): Effect[] {
    this.read.alive = this.#liveness.membership.alive()
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  handle(input: Input, { now }: Moment): Effect[] {
    if (now - this.#tickAt > ownLateness_ms) this.#liveness.membership.awoke(now)
    this.#dispatch(input, now)
    return this.#takeEffects()
  }

  #dispatch(input: Input, now: number): void {
    switch (input.type) {
      case 'wake':
        return this.#wake(now)
      case 'connected':
        return this.#onConnected(input.peer, now)
      case 'disconnected':
        return void this.#effects.push(...this.#liveness.disconnected(input.peer, now))
      case 'refused':
        this.#liveness.membership.refuse(input.peer, input.isVacant, now)
        return this.#act(this.#liveness.membership.tick(now), now)
      case 'shunned':
        return this.#liveness.membership.shun(input.peer, now + input.for_ms)
      case 'gossip':
        return this.#onGossip(input.author, input.bytes, now)
      case 'beat':
        return this.#onBeat(input.from, input.bytes, now)
      case 'request':
        return this.#answer(input.id, input.bytes, now)
      case 'response':
        for (const signed of readHeads(input.bytes)) this.#follow(signed, false, now)
        return
      case 'command':
        if (input.command.type === 'leave') this.#leave(input.ticket, now)
        return
      default:
        return
    }
  }

  #onConnected(peer: string, now: number): void {
    this.#effects.push(...this.#liveness.connected(peer, this.#ownState(), now))
    if (this.#liveness.membership.member(peer)?.state !== 'alive') this.#ask(peer, [this.signed])
  }

  #onGossip(author: string, bytes: Uint8Array, now: number): void {
    const message = readOnce(bytes)
    if (message?.type === 'update') return this.#follow(message.signed, false, now)
    if (message?.type === 'question') return this.#liveness.hearQuestion(message, this.#ownState(), now)
    if (message?.type === 'answer') return void this.#liveness.hearAnswer(author, message, now)
    if (message !== undefined) this.#onReport(author, message, now, true)
  }

  #onReport(author: string, report: ReportMessage, now: number, isGossip: boolean): void {
    const verdict = this.#liveness.hearReport(author, report, now, isGossip)
    if (verdict !== undefined) this.#act(verdict, now)
  }

  #onBeat(from: string, bytes: Uint8Array, now: number): void {
    const { hearing, inStep, isAsking, report, passed = [] } = this.#liveness.hear(from, bytes, now)
    if (report !== undefined) this.#onReport(from, report, now, false)
    this.#effects.push(...passed)
    if (isAsking === true) this.#effects.push(...this.#liveness.answer(from, this.#ownState(), now))
    if (hearing === 'news') this.#ask(from, [this.signed])
    if (inStep === false && now - this.#syncedAt >= syncPause_ms) {
      this.#syncedAt = now
      this.#ask(from, [this.signed, ...this.#heads.all()])
    }
  }

  /** Gives some heads, and asks for all that the other one holds where these are all that we hold; else for its own. */
  #ask(to: string, heads: readonly SignedHead[]): void {
    this.#effects.push({ type: 'request', id: (this.#lastId += 1), to, bytes: writeHeads(heads), timeout_ms: 30_000 })
  }

  #answer(id: number, bytes: Uint8Array, now: number): void {
    const given = readHeads(bytes)
    for (const signed of given) this.#follow(signed, false, now)
    const heads = given.length > 1 ? [this.signed, ...this.#heads.all()] : [this.signed]
    this.#effects.push({ type: 'reply', id, bytes: writeHeads(heads), last: true })
  }

  #follow(signed: SignedHead, wasHeard: boolean, now: number): void {
    if (signed.head.owner === this.#start.self || !this.#heads.take(signed)) return
    const transition = this.#liveness.follow(signed.head, wasHeard, now)
    if (transition !== undefined) this.#effects.push(transitionEvent(transition))
  }

  #wake(now: number): void {
    if (now < this.#tickAt) return
    this.#tickAt = now + tick_ms
    if (!this.#isTold && this.#liveness.peers.size > 0) this.#tell()
    this.#act(this.#liveness.membership.tick(now), now)
    this.#effects.push(...this.#liveness.tick(this.#ownState(), true, now))
    this.#liveness.membership.takeTouched()
  }

  #act(verdict: Verdict, now: number): void {
    this.#effects.push(...this.#liveness.act(verdict, this.generation, true))
    if (!verdict.refute) return
    const incarnation = this.#signed.head.incarnation + 1
    this.#publish(this.#next({ incarnation }), now)
    this.#effects.push({ type: 'notify', event: { type: 'refuted', incarnation } })
  }

  #leave(ticket: number, now: number): void {
    this.#publish(this.#next({ incarnation: this.#signed.head.incarnation, left: { restartGrace_s: 0 } }), now)
    this.#effects.push({ type: 'settle', ticket, result: { ok: true } })
  }

  #publish(signed: SignedHead, now: number): void {
    this.#signed = signed
    this.#liveness.membership.setSelf(this.generation, signed.head.incarnation, now)
    this.#liveness.digests.ownHeadChanged(now)
    this.#tell()
  }

  #tell(): void {
    this.#isTold = true
    this.#effects.push({ type: 'broadcast', bytes: encodeGossip({ type: 'update', signed: this.signed }) })
  }

  /** What it believes of another. */
  stateOf(peer: string): MemberState | undefined {
    return this.#liveness.membership.member(peer)?.state
  }

  /** In the world it stands in the place of a whole registry: of that, the world and the scenarios use what is here. */
  asRegistry(): Registry {
    return this as unknown as Registry
  }
}

/** The digest of no content at all. */
const nothing = new Uint8Array(32)
const headsAtOnce = 10_000

function writeHeads(heads: readonly SignedHead[]): Uint8Array {
  const writer = new Writer()
  return writer.list(heads, ({ bytes }) => void writer.bytes(bytes)).done()
}

function readHeads(bytes: Uint8Array): SignedHead[] {
  const reader = new Reader(bytes)
  const heads = reader.list(headsAtOnce, () => decodeHead(reader.bytes(wireLimits.headBytes)))
  return heads.filter((head) => head !== undefined)
}
