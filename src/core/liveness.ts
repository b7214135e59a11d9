/**
 * Heartbeats on their way: routes what peers send to the membership, whose beliefs decide what peers are sent.
 * It judges nobody, and documents are nothing to it, so a simulator can run thousands of these without any.
 */
import { sinceThen_ms } from './basics/since-then.js'
import type { Crypto, Effect } from './effects.js'
import { silence_ms, slowPath_ms } from './membership/formulas.js'
import { Membership } from './membership/membership.js'
import { Overlay } from './membership/overlay.js'
import type { Hearing, Transition, Verdict } from './membership/verdict.js'
import type { PeerId } from './model/model.js'
import { LifeSigns } from './membership/life-signs.js'
import { Digests } from './peers/digests.js'
import { Heartbeats, isInStep, outOfStep_ms } from './peers/heartbeats.js'
import { isOver } from './peers/links.js'
import { type Peer, Peers, type Standing } from './peers/peers.js'
import { type Heartbeat, type PassedAnswer, type PassedQuestion, type Vitals, decodeBeat } from './wire/beat.js'
import type { LineView } from './link-views.js'
import type { AnswerMessage, QuestionMessage, ReportMessage } from './wire/gossip.js'
import type { Head, SignedHead } from './wire/head.js'
import type { CoreDropReason } from './words/drop-reasons.js'

/**
 * For so long after the beginning of a connection its other end is told what we report, though that was told to all: it may not have
 * been there, or may not have known of us yet.
 */
const newcomer_ms = 5000

/** Heartbeats come once a second: who is in step is counted no oftener than this. */
const agreement_ms = 100

/** Who answers questions whether it lives says so in each of its first rounds: who has not, and speaks, is of an earlier version. */
const ableWithin_ms = 3000
/** That is said in so many rounds to whose version knows the word: frames may be lost. */
const passingRounds = 3

/** What this daemon can say of itself. */
export interface OwnState {
  readonly generation: number
  readonly incarnation: number
  /** The newest head that is on disk. */
  readonly signed: SignedHead | undefined
  /** Whether that head is of this generation, and heartbeats may refer to it. */
  readonly isSpeaking: boolean
  /** Whether it accuses anybody. */
  readonly mayReport: boolean
  /** The registry digest over all other documents. */
  readonly othersDigest: Uint8Array
  /** Peers whose records tell which version they are of: earlier ones cannot read all that we say. Looked for once a round alone. */
  readonly versioned: Iterable<PeerId>
}

/** Of living members whose registry digests come here, and of those whose should: so many are among ours. */
export interface Agreement {
  readonly inStep: number
  readonly members: number
}

/** What a frame came to. */
export interface Heard {
  /** Present for a heartbeat. */
  readonly hearing?: Hearing
  /** Whether its sender holds what we hold; absent where that is not known. */
  readonly inStep?: boolean
  /** Its sender expects heartbeats, and gets none: see `answer`. */
  readonly isAsking?: boolean
  /** What it reports, of what it said before we were connected too. */
  readonly report?: ReportMessage
  /** What goes on to others. */
  readonly passed?: readonly Effect[]
  /** Why it was dropped. */
  readonly dropped?: CoreDropReason
}

export class Liveness {
  readonly #self: PeerId
  readonly membership: Membership
  readonly overlay: Overlay
  readonly peers = new Peers()
  readonly heartbeats: Heartbeats
  readonly digests: Digests
  readonly #lifeSigns: LifeSigns
  #agreed: { readonly at: number; readonly agreement: Agreement } | undefined

  constructor(self: PeerId, crypto: Crypto) {
    this.#self = self
    this.membership = new Membership(self, crypto.hash)
    this.overlay = new Overlay(self, crypto.hash, this.membership)
    this.heartbeats = new Heartbeats(self)
    this.digests = new Digests(crypto)
    this.#lifeSigns = new LifeSigns(self, crypto)
  }

  /** What the membership holds of a peer. */
  #standing(id: PeerId): Standing {
    return {
      state: this.membership.member(id)?.state,
      isObserver: this.membership.observers().includes(id),
      isNeeded: this.overlay.needs(id),
    }
  }

  // ---- connections

  connected(id: PeerId, own: OwnState, now: number): Effect[] {
    const peer = this.peers.connect(id, now)
    this.membership.connected(id)
    if (!own.isSpeaking) return []
    const able = this.heartbeats.tellAble(id)
    if (!this.heartbeats.isToBeServed(peer, this.#standing(id), now)) return able
    return [...able, this.#beat(peer, own, now), ...this.heartbeats.sendVitals(id)]
  }

  /**
   * One that was known before this start is asked for a word at once: as long as it holds us for gone we are none of its observers,
   * and its first one might come after our callers ask.
   */
  askUnheard(id: PeerId): Effect[] {
    return this.membership.member(id)?.state === 'unknown' ? [this.heartbeats.ask(id)] : []
  }

  /** A head of another daemon is now held. @param wasHeard whether a word of it came in an earlier run */
  follow(head: Head, wasHeard: boolean, now: number): Transition | undefined {
    const transition = this.membership.follow(head, now)
    if (wasHeard || this.peers.has(head.owner)) this.membership.meet(head.owner)
    return transition
  }

  /** A connection that breaks is a reason to look at once: a refused dial tells a crash from a broken line. */
  disconnected(id: PeerId, now: number): Effect[] {
    this.peers.disconnect(id, { at: now, wasHeard: this.#isHeard(id, now) })
    this.heartbeats.forgetListener(id)
    this.membership.unserved(id)
    const member = this.membership.member(id)
    if (member === undefined) this.heartbeats.forget(id)
    return member !== undefined && !member.left && this.overlay.needs(id) ? [{ type: 'dial', peer: id }] : []
  }

  /** Whether the heartbeats come that it has to send us; undefined where it has none to send, or none has come yet. */
  #isHeard(id: PeerId, now: number): boolean | undefined {
    const heartbeatAt = this.peers.get(id)?.heartbeatAt
    if (heartbeatAt === undefined || this.membership.member(id)?.directAt === undefined) return undefined
    return now - heartbeatAt < silence_ms
  }

  /** What there should be with a peer, and what there was. */
  line(id: PeerId, now: number): LineView {
    const ended = this.peers.ended(id)
    const heard = ended === undefined ? this.#isHeard(id, now) : ended.wasHeard
    return {
      ...(this.overlay.wants(id) && { wanted: true }),
      ...(ended !== undefined && { lost_ms: sinceThen_ms(ended.at, now) }),
      ...(heard !== undefined && { heard }),
    }
  }

  /** For how long nothing may be heard of a member that speaks: words of it are passed on from one to the next. */
  get travel_ms(): number {
    return slowPath_ms(this.membership.alive())
  }

  /** How long ago the one of these was heard of that was heard of longest ago; undefined where one never was. */
  heardAge_ms(ids: readonly PeerId[], now: number): number | undefined {
    let longest_ms = 0
    for (const id of ids) {
      if (id === this.#self) continue
      const heardAt = this.membership.member(id)?.heardAt
      if (heardAt === undefined) return undefined
      longest_ms = Math.max(longest_ms, now - heardAt)
    }
    return Math.round(longest_ms)
  }

  /** How many of those that we compare with, or should, hold what we hold; as it was a moment ago, since every lookup asks. */
  agreement(now: number): Agreement {
    if (this.#agreed === undefined || Math.abs(now - this.#agreed.at) >= agreement_ms)
      this.#agreed = { at: now, agreement: this.#countAgreement() }
    return this.#agreed.agreement
  }

  /** For how long that of our neighbours has held something else than we hold that has done so longest. */
  outOfStep_ms(now: number): number {
    let longest_ms = 0
    for (const peer of this.peers.all()) longest_ms = Math.max(longest_ms, outOfStep_ms(peer, now))
    return longest_ms
  }

  #countAgreement(): Agreement {
    let [inStep, members] = [0, 0]
    for (const peer of this.peers.all()) {
      const agrees = isInStep(peer)
      if (agrees !== undefined) members += 1
      if (agrees === true) inStep += 1
    }
    for (const { id, state } of this.membership.members())
      if (state === 'alive' && !this.peers.has(id) && this.overlay.wants(id)) members += 1
    return { inStep, members }
  }

  /** The daemon is forgotten. */
  forget(id: PeerId): void {
    this.membership.forget(id)
    this.heartbeats.forget(id)
    this.peers.forget(id)
  }

  // ---- hearing

  hear(from: PeerId, bytes: Uint8Array, now: number): Heard {
    const frame = decodeBeat(bytes)
    switch (frame?.type) {
      case 'heartbeat':
        return this.#hearHeartbeat(from, frame, now)
      case 'vitals':
        this.heartbeats.hearVitals(frame.list.filter((vitals) => this.#isWanted(vitals, from)))
        return {}
      case 'farewell': {
        this.membership.farewell(from)
        const peer = this.peers.get(from)
        this.#noteUnable(peer, now)
        if (peer !== undefined) peer.isNeeded = frame.needed
        return {}
      }
      case 'ask':
        return { isAsking: true }
      case 'able': {
        const peer = this.peers.get(from)
        if (peer !== undefined) peer.isAble = true
        this.membership.answers(from, true)
        return {}
      }
      case 'passing': {
        const peer = this.peers.get(from)
        if (peer !== undefined) peer.isPassing = true
        return {}
      }
      case 'question':
        return { passed: this.#hearPassedQuestion(from, frame, now) }
      case 'answer':
        return { passed: this.#hearPassedAnswer(from, frame, now) }
      case 'report':
        return { report: frame }
      case undefined:
        return { dropped: 'unreadable heartbeat' }
    }
  }

  #hearHeartbeat(from: PeerId, frame: Heartbeat, now: number): Heard {
    const peer = this.peers.get(from)
    const isInTurn = peer !== undefined && peer.heartbeats > 0 && !peer.isAsked
    const hearing = this.membership.hear(from, frame, now, isInTurn)
    if (peer === undefined) return { hearing }
    if (hearing !== 'old') this.#noteUnable(peer, now)
    return { hearing, inStep: this.heartbeats.hear(peer, this.digests.isKnown(frame.digest, now), now) }
  }

  /** It speaks. Of whoever has not for that long nothing is known yet, or what it said before: it may have crashed meanwhile. */
  #noteUnable(peer: Peer | undefined, now: number): void {
    if (peer !== undefined && !peer.isAble && now - peer.since >= ableWithin_ms) this.membership.answers(peer.id, false)
  }

  /** Of whoever sends them, and of members that are known: nobody fills the board with names. */
  #isWanted({ owner, generation }: Vitals, from: PeerId): boolean {
    const isOwn = owner === from && this.peers.has(from)
    return isOwn || this.membership.member(owner)?.generation === generation
  }

  /** Whoever asks for heartbeats gets one at once. */
  answer(from: PeerId, own: OwnState, now: number): Effect[] {
    const peer = this.peers.get(from)
    if (peer === undefined || !own.isSpeaking) return []
    return this.heartbeats.asked(peer, now) ? [this.#beat(peer, own, now)] : []
  }

  /** Somebody is asked whether he lives: we are, it may be. */
  hearQuestion({ to }: QuestionMessage, { generation, isSpeaking }: OwnState, now: number): void {
    for (const { subject } of to) this.membership.asked(subject, now)
    if (isSpeaking) this.#lifeSigns.asked(to, generation)
  }

  /** @returns whether it answers a question of ours */
  hearAnswer(author: PeerId, answer: AnswerMessage, now: number): boolean {
    return this.membership.prove(author, answer, now)
  }

  #hearPassedQuestion(from: PeerId, question: PassedQuestion, now: number): Effect[] {
    if (!this.peers.has(from)) return []
    const { subject, hops } = question
    const told = hops > 0 ? this.membership.member(subject)?.seconded.top?.relayer : undefined
    return this.#lifeSigns.passing.question(
      from,
      question,
      this.#isPassing(subject) ? subject : this.#passingOf([told])[0],
      now,
    )
  }

  #hearPassedAnswer(from: PeerId, answer: PassedAnswer, now: number): readonly Effect[] {
    const { isOurs, effects } = this.#lifeSigns.passing.answer(from, answer)
    if (isOurs) this.membership.prove(answer.author, answer, now)
    return effects
  }

  #isPassing(id: PeerId): boolean {
    return this.peers.get(id)?.isPassing === true
  }

  #passingOf(ids: readonly (PeerId | undefined)[]): PeerId[] {
    return ids.filter((id) => id !== undefined && this.#isPassing(id)) as PeerId[]
  }

  /** Questions whether others live, and answers that we do. */
  #askAndAnswer({ generation, isSpeaking }: OwnState, now: number): readonly Effect[] {
    const asked = this.#lifeSigns.ask(this.membership.toAsk(now), generation)
    for (const { subject, nonce } of asked.questions) this.membership.asking(subject, nonce, now)
    const unanswered = this.membership.takeUnanswered(now).flatMap(({ question, via }) => {
      const { subject } = question
      return this.#lifeSigns.passing.ask(question, this.#isPassing(subject) ? [subject] : this.#passingOf(via), now)
    })
    if (!isSpeaking) return [...asked.effects, ...unanswered]
    const { sequence } = this.heartbeats
    const answers = [
      ...this.#lifeSigns.answer(generation, sequence),
      ...this.#lifeSigns.passing.due(generation, sequence),
    ]
    return [...asked.effects, ...unanswered, ...answers]
  }

  /** @returns what follows at once; undefined for a report by or about nobody known */
  hearReport(author: PeerId, report: ReportMessage, now: number, isGossip: boolean): Verdict | undefined {
    return this.membership.report(author, report, now, isGossip) ? this.membership.weigh(now) : undefined
  }

  // ---- time

  /**
   * What follows from a verdict for others.
   * @param generation our own, by which others know what we said before
   * @param mayReport whether this daemon may accuse anybody
   */
  act({ transitions, reports, takenOver }: Verdict, generation: number, mayReport: boolean): Effect[] {
    return [
      ...transitions.map(transitionEvent),
      ...takenOver.filter((peer) => !this.peers.has(peer)).map((peer): Effect => ({ type: 'dial', peer })),
      ...(mayReport ? this.heartbeats.report(reports, generation) : []),
    ]
  }

  /** @param mayHangUp false while it is not even clear whom we know */
  tick(own: OwnState, mayHangUp: boolean, now: number): Effect[] {
    this.digests.note(this.#digest(own, now), now)
    const effects: Effect[] = []
    for (const peer of this.peers.all())
      effects.push(...this.heartbeats.expect(peer, this.membership.member(peer.id), now))
    if (this.heartbeats.isDue(now)) effects.push(...this.beatAll(own, now))
    effects.push(...this.overlay.refresh(now), ...this.#askAndAnswer(own, now))
    if (mayHangUp) effects.push(...this.#hangUp(now))
    return effects
  }

  #hangUp(now: number): Effect[] {
    const effects: Effect[] = []
    for (const peer of this.peers.all()) {
      if (!isOver(peer, this.overlay.needs(peer.id), this.#self < peer.id, now)) continue
      peer.isHungUp = true
      effects.push({ type: 'hang-up', peer: peer.id })
    }
    return effects
  }

  beatAll(own: OwnState, now: number): Effect[] {
    if (!own.isSpeaking) return []
    const withVitals = this.heartbeats.beginRound(now)
    const newcomers = [...this.peers.all()].filter((peer) => now - peer.since < newcomer_ms)
    const reports = own.mayReport && newcomers.length > 0 ? this.membership.ownReports(now) : []
    const told = newcomers.flatMap(({ id }) => this.heartbeats.tellReports(id, reports, own.generation))
    const able = newcomers.flatMap(({ id, since }) => (now - since < ableWithin_ms ? this.heartbeats.tellAble(id) : []))
    const passing = [...own.versioned].flatMap((id) => {
      const peer = this.peers.get(id)
      return peer !== undefined && peer.passingTold < passingRounds ? this.heartbeats.tellPassing(peer) : []
    })
    return [...told, ...able, ...passing, ...this.#beatEach(own, withVitals, now)]
  }

  #beatEach(own: OwnState, withVitals: boolean, now: number): Effect[] {
    return [...this.peers.all()].flatMap((peer) => {
      const standing = this.#standing(peer.id)
      if (this.heartbeats.isToBeServed(peer, standing, now)) {
        const beat = this.#beat(peer, own, now)
        return withVitals ? [beat, ...this.heartbeats.sendVitals(peer.id)] : [beat]
      }
      if (peer.isServed) this.membership.unserved(peer.id)
      return this.heartbeats.bidFarewell(peer, standing, now)
    })
  }

  #beat(to: Peer, own: OwnState, now: number): Effect {
    const { generation, incarnation } = own
    const digest = this.#digest(own, now)
    return this.heartbeats.beat(to, { generation, incarnation, digest, relayed: this.membership.relaysFor(to.id, now) })
  }

  #digest({ othersDigest, signed }: OwnState, now: number): Uint8Array {
    return this.digests.digest(othersDigest, signed, now)
  }
}

export function transitionEvent(transition: Transition): Effect {
  return { type: 'notify', event: { type: 'member', ...transition } }
}
