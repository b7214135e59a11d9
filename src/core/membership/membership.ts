/**
 * Who lives: from heartbeats, reports, heads it makes beliefs about members. It holds no records and sends nothing itself; time
 * is told to it. A look at the clock costs what is going on, not the number of members: of whom there is no news is looked at
 * twice a second.
 */
import type { Crypto } from '../effects.js'
import type { PeerId } from '../model/model.js'
import type { Listing } from '../views.js'
import type { Heartbeat, RelayedHeartbeat } from '../wire/beat.js'
import type { About, AnswerMessage as Answer, Question, ReportMessage } from '../wire/gossip.js'
import type { Head } from '../wire/head.js'
import { onItsWay_ms, refusalCounts_ms, reportStanding_ms, reportsNeeded } from './formulas.js'
import { Hearsay } from './hearsay.js'
import {
  type Judgement,
  type Member,
  type Situation,
  aboutOf,
  beginGeneration,
  forgetOldMarks,
  isUnheard,
  isVacated,
  judge,
  newMember,
  noteConnection,
  noteDirectWord,
  noteGoodbye,
  noteIncarnation,
  noteRefusal,
  noteWellness,
  reportsMatter,
} from './member.js'
import { Members } from './members.js'
import { type Places, type Rings, placesOf } from './observers.js'
import { vouchesInVain } from './proofs.js'
import { Refutation } from './refutation.js'
import { Relays } from './relays.js'
import { ReportIntake, type Saying, anyStands, authorsOf } from './reports.js'
import { noteNumber } from './sighting.js'
import { Strangers } from './strangers.js'
import type { Hearing, Transition, Verdict } from './verdict.js'
import { Watch } from './watch.js'

/** How often those are looked at of whom there is no news. */
const sweep_ms = 500

export class Membership {
  readonly #self: PeerId
  readonly #ownPlaces: Places
  readonly #hash: Crypto['hash']
  readonly #members: Members
  readonly #watch = new Watch()
  readonly #relays: Relays
  /** Those to be judged at each tick: something is going on with them. */
  readonly #restless = new Set<Member>()
  /** The living of whom a report came since the last look. */
  readonly #reported = new Set<Member>()
  readonly #strangers = new Strangers()
  readonly #hearsay: Hearsay
  readonly #intake = new ReportIntake()
  /** Reports about ourselves. */
  readonly #refutation = new Refutation(this.#intake)
  /** Those of whom a dial was refused lately. */
  readonly #refused = new Set<Member>()
  /** When a report came by gossip, last. */
  #gossipAt = Number.NEGATIVE_INFINITY
  #awakeSince = 0
  /** When we were last seen awake before that; absent where we never slept. */
  #asleepSince: number | undefined
  #tickedAt = 0
  #sweptAt = Number.NEGATIVE_INFINITY
  /** What `version` was when the subjects were last worked out. */
  #watchedVersion = -1

  constructor(self: PeerId, hash: Crypto['hash']) {
    this.#self = self
    this.#hash = hash
    this.#ownPlaces = placesOf(hashOf(self, hash))
    this.#members = new Members(self, this.#ownPlaces)
    this.#relays = new Relays(self)
    this.#hearsay = new Hearsay(this.#members)
  }

  /** Raised whenever a member comes, goes, or changes its state. */
  get version(): number {
    return this.#members.version
  }

  member(id: PeerId): Readonly<Member> | undefined {
    return this.#members.get(id)
  }

  members(): IterableIterator<Readonly<Member>> {
    return this.#members.all()
  }

  isAlive(id: PeerId): boolean {
    return id === this.#self || this.#members.get(id)?.state === 'alive'
  }

  /** What of an owner is to be listed now. */
  listing(id: PeerId): Listing {
    if (id === this.#self) return 'all'
    const member = this.#members.get(id)
    if (member === undefined) return 'none'
    // Alive, and what it says now is said by the generation whose document is held.
    if (member.state === 'alive' && member.heardGeneration <= member.generation) return 'all'
    if (member.graceUntil === undefined) return 'none'
    // It is back, and has only not been heard yet: what it has not checked again stays as well.
    return member.left ? 'healthy' : 'all'
  }

  /** Owners whose listing may have changed since the last call. */
  takeTouched(): PeerId[] {
    return this.#members.takeTouched()
  }

  /** Members believed alive, ourselves included. */
  alive(): number {
    return this.#members.alive()
  }

  // ---- who observes whom

  get rings(): Rings {
    return this.#members.rings
  }

  /** Those who observe us. */
  observers(): readonly PeerId[] {
    return this.rings.observersOf(this.#self, this.#ownPlaces)
  }

  observersOf({ id, places }: Readonly<Member>): readonly PeerId[] {
    return this.rings.observersOf(id, places)
  }

  /** Those whom we observe, as of the last tick. */
  subjects(): Iterable<Readonly<Member>> {
    return this.#watch.subjects
  }

  /** Observers whose reports against `id` stand. */
  reporters(id: PeerId, now: number): PeerId[] {
    const member = this.#members.get(id)
    return member === undefined ? [] : this.#standing(member, now)
  }

  /** Our own head as it is now: what reports about us must name to count. */
  setSelf(generation: number, incarnation: number, now: number): void {
    this.#refutation.setSelf(generation, incarnation, now)
  }

  /** A head of another daemon is now held. */
  follow(head: Head, now: number): Transition | undefined {
    const member = this.#members.get(head.owner)
    if (member === undefined) return this.#add(head, now)
    this.#restless.add(member)
    this.#members.touch(member.id)
    const isNewStart = head.generation > member.generation && beginGeneration(member, head)
    noteIncarnation(member, head.incarnation, now)
    if (head.left !== undefined) noteGoodbye(member, head.left.restartGrace_s, now)
    member.left = head.left !== undefined
    // What is said on purpose, or ends what was heard before, is believed at once; the rest at the next look at the clock.
    const isAtOnce = member.left ? member.state !== 'left' : isNewStart && member.state === 'alive'
    return isAtOnce ? this.#judge(member, this.#situation(now)) : undefined
  }

  #add(head: Head, now: number): undefined {
    const member = newMember(head.owner, hashOf(head.owner, this.#hash), head, now)
    this.#members.add(member)
    this.#restless.add(member)
    const earlier = this.#strangers.welcome(head.owner, now)
    if (earlier !== undefined) this.hear(head.owner, earlier.beat, earlier.at, false)
  }

  /** The daemon is forgotten. */
  forget(id: PeerId): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.remove(member)
    this.#relays.forget(member)
    this.#intake.forget(id)
    this.#watch.forget(member)
    this.#hearsay.forget(member)
    this.#restless.delete(member)
    this.#reported.delete(member)
    this.#refused.delete(member)
  }

  // ---- hearing

  /** A heartbeat on our own stream with its sender. @param isInTurn surely of a round: who connects, or asks, gets the last one again */
  hear(from: PeerId, beat: Heartbeat, now: number, isInTurn = true): Hearing {
    const hour = { now, awakeSince: this.#awakeSince, sentAt: this.#sentAt(now) }
    for (const relayed of beat.relayed) {
      const told = this.#hearsay.hear(relayed, from, hour)
      if (told === undefined) continue
      this.#relays.add(told)
      if (told.state !== 'alive' || told.proof.isDoubted) this.#restless.add(told)
    }
    const member = this.#members.get(from)
    if (member === undefined) {
      this.#strangers.remember(from, beat, now)
      return 'news'
    }
    if (beat.generation < Math.max(member.generation, member.heardGeneration)) return 'old'
    if (beat.generation > member.heardGeneration) this.#members.hearGeneration(member, beat.generation)
    if (beat.generation === member.generation) noteIncarnation(member, beat.incarnation, now)
    noteNumber(member, beat.sequence, hour.sentAt, isInTurn) // whatever hearsay claimed
    member.load = beat.load
    member.directAt = now
    member.backedAt = now
    member.heardAt = now
    this.#members.meet(member)
    this.#relays.add(member)
    const wasCondemned = member.isCondemned
    noteDirectWord(member, beat, now, this.#awakeSince)
    if (wasCondemned && !member.isCondemned) this.#hearsay.heardAgain(member, now)
    if (member.state !== 'alive') this.#restless.add(member)
    return beat.generation > member.generation ? 'news' : 'heard'
  }

  /** Whether it answers when it is asked whether it lives, as its own words tell. */
  answers(id: PeerId, isAble: boolean): void {
    this.#hearsay.answers(id, isAble)
  }

  /** Those to be asked whether they live. */
  toAsk(now: number): Pick<Member, 'id' | 'generation'>[] {
    return this.#hearsay.toAsk(now)
  }

  /** It is asked so. */
  asking(id: PeerId, nonce: string, now: number): void {
    this.#hearsay.asking(id, nonce, now)
  }

  /** Questions that gossip brought no answer to, and who passed on words of their subjects. */
  takeUnanswered(now: number): { readonly question: Question; readonly via: readonly PeerId[] }[] {
    return this.#hearsay.takeUnanswered(now)
  }

  /** Others ask it. */
  asked(id: PeerId, now: number): void {
    this.#hearsay.asked(id, now)
  }

  /** A member has signed that it lives, for those who asked so. @returns whether that says anything here */
  prove(id: PeerId, answer: Answer, now: number): boolean {
    const member = this.#hearsay.prove(id, answer, now)
    if (member === undefined) return false
    this.#restless.add(member)
    this.#relays.add(member)
    return true
  }

  /** A word of it was heard in an earlier run, or we are connected with it: somebody is there. */
  meet(id: PeerId): void {
    const member = this.#members.get(id)
    if (member !== undefined) this.#members.meet(member)
  }

  /** It sends us no more heartbeats: its silence means nothing. */
  farewell(from: PeerId): void {
    const member = this.#members.get(from)
    if (member !== undefined) member.directAt = undefined
  }

  /** A connection with it has begun. */
  connected(id: PeerId): void {
    this.meet(id)
    const member = this.#members.get(id)
    if (member !== undefined) noteConnection(member)
  }

  /** It gets no heartbeats from us any more: what it was told is not worth keeping. */
  unserved(peer: PeerId): void {
    this.#relays.forgetListener(peer)
  }

  /**
   * A dial was refused everywhere: it crashed.
   * @param isVacant nobody listens any more at any address where it was met
   */
  refuse(peer: PeerId, isVacant: boolean, now: number): void {
    const member = this.#members.get(peer)
    if (member === undefined) return
    noteRefusal(member, isVacant, now)
    this.#refused.add(member)
  }

  /** For a reason of our own nothing is heard of it until then: our silence about it is none of its own. */
  shun(peer: PeerId, until: number): void {
    const member = this.#members.get(peer)
    if (member !== undefined) member.shunnedUntil = until
  }

  /** Whom we do not reach ourselves, whatever is believed of them: whom we report, or whose dials are refused. */
  unreached(now: number): ReadonlyMap<PeerId, 'silence' | 'refused'> {
    const unreached = new Map<PeerId, 'silence' | 'refused'>()
    for (const member of this.#watch.subjects) if (member.reportDue !== undefined) unreached.set(member.id, 'silence')
    for (const member of this.#refused) {
      // Of whom no more is asked nobody dials any more: a refusal of long ago says nothing.
      if (!member.refused || now - member.refusedAt > refusalCounts_ms) this.#refused.delete(member)
      else unreached.set(member.id, 'refused')
    }
    return unreached
  }

  /** What we report ourselves, as it stands now, or stood until that was a death. */
  ownReports(now: number): About[] {
    return [...this.#watch.reported(), ...this.#watch.buried(now)].map(aboutOf)
  }

  /**
   * @param isGossip it came to all, and not over a connection to us alone
   * @returns whether anything of it is new and about a generation that is known
   */
  report(author: PeerId, report: ReportMessage, now: number, isGossip = true): boolean {
    if (!this.#members.has(author)) return false
    if (isGossip) this.#gossipAt = now
    let isNews = false
    for (const about of report.about) if (this.#accuse(author, report, about, now)) isNews = true
    return isNews
  }

  #accuse(author: PeerId, saying: Saying, about: About, now: number): boolean {
    if (about.subject === this.#self) return this.#refutation.accuse(author, saying, about, now)
    const subject = this.#members.get(about.subject)
    if (subject === undefined || !this.#intake.take(subject.reports, author, saying, about, now)) return false
    if (subject.state !== 'hidden' || about.withdrawn === true) this.#restless.add(subject)
    if (subject.state === 'alive') this.#reported.add(subject)
    return true
  }

  // ---- time

  /** We were asleep until now: what we missed meanwhile says nothing about others. */
  awoke(now: number): void {
    this.#asleepSince = this.#tickedAt
    this.#awakeSince = now
  }

  /** Of the last second we had so much in which we could not work. */
  waited(share: number): void {
    this.#watch.waited = share
  }

  /** When a word was sent that comes now, at the earliest: on waking we find in our buffers what came while we slept. */
  #sentAt(now: number): number {
    return now - this.#awakeSince > onItsWay_ms ? now : (this.#asleepSince ?? now)
  }

  /** Looks at those whom reports may hide now, and at nobody else: when many die at once, many reports come. */
  weigh(now: number): Verdict {
    const at = this.#situation(now)
    const transitions = [...this.#reported].flatMap((member) => this.#judge(member, at) ?? [])
    this.#reported.clear()
    const refute = this.#refutation.mustRefute(this.rings.countObservers(this.#self), now)
    return { transitions, reports: [], refute, takenOver: [] }
  }

  /** Looks at the clock. */
  tick(now: number): Verdict {
    this.#tickedAt = now
    this.#reported.clear()
    const takenOver = this.#lookAround(now)
    const at = this.#situation(now)
    const { silent, heardAgain } = this.#watch.look(this.#self, this.#refutation.generation, at)
    for (const member of silent) this.#restless.add(member)
    if (now - this.#sweptAt >= sweep_ms) this.#sweep(now)
    const transitions: Transition[] = []
    for (const member of this.#restless) {
      const transition = this.#judge(member, at)
      if (transition !== undefined) transitions.push(transition)
      else if (this.#isQuiet(member, now)) this.#restless.delete(member)
    }
    const reports = [...silent.map(aboutOf), ...heardAgain.map((member) => ({ ...aboutOf(member), withdrawn: true }))]
    const refute = this.#refutation.mustRefute(this.rings.countObservers(this.#self), now)
    return { transitions, reports, refute, takenOver }
  }

  /** Works out anew whom we observe, where the rings have changed. @returns those that lived before and are new to us */
  #lookAround(now: number): PeerId[] {
    if (this.version === this.#watchedVersion) return []
    this.#watchedVersion = this.version
    const subjects = new Set(this.rings.subjects().map((id) => this.#members.get(id) as Member))
    for (const member of this.#members.all()) {
      if (member.state === 'hidden' && this.observersOf(member).includes(this.#self)) subjects.add(member)
    }
    const begun = this.#watch.follow(subjects, now)
    return begun.filter(({ state, directAt }) => state !== 'unknown' && directAt === undefined).map(({ id }) => id)
  }

  #situation(now: number): Situation {
    const hardOfHearing = this.#watch.isHardOfHearing(now)
    const hearsGossip = now - this.#gossipAt <= reportStanding_ms
    return { now, awakeSince: this.#awakeSince, members: this.#members.present(), hardOfHearing, hearsGossip }
  }

  /** The quiet ones: has anybody heard of them? Do the reports against them still stand? Are they dead? */
  #sweep(now: number): void {
    this.#sweptAt = now
    const at = this.#situation(now)
    for (const member of this.#members.all()) {
      if (member.state === 'hidden' || (member.state === 'alive' && isUnheard(member, at))) this.#restless.add(member)
    }
  }

  /** Nothing can change its state soon but news of it. */
  #isQuiet(member: Member, now: number): boolean {
    if (member.graceUntil !== undefined) return false
    if (member.state === 'hidden') return member.wellSince === undefined
    if (anyStands(member.reports, now)) return false
    if (member.state === 'dead') return member.wellSince === undefined
    return member.state === 'alive' || member.state === 'left'
  }

  #judge(member: Member, at: Situation): Transition | undefined {
    const { now, awakeSince, members, hardOfHearing, hearsGossip } = at
    forgetOldMarks(member, now)
    if (member.graceUntil !== undefined && now >= member.graceUntil) this.#members.endGrace(member)
    const needed = this.#reportsNeeded(member)
    const reports = reportsMatter(member, at) ? this.#standing(member, now, needed).length : 0
    // Spelled out: a spread takes twice as long, and this runs ten times a second for everybody in trouble.
    const circumstances = { now, awakeSince, members, hardOfHearing, hearsGossip, reports, needed }
    noteWellness(member, circumstances)
    const judgement = judge(member, circumstances)
    return judgement === undefined ? undefined : this.#become(member, judgement, now)
  }

  /**
   * As many as hide a member; all that can still come, where fewer can, of one that is gone from where it was met. When two of
   * three are killed at once there is nobody who could confirm either.
   */
  #reportsNeeded(member: Member): number {
    const needed = reportsNeeded(this.rings.countObservers(member.id), member.refutations.length)
    if (needed === 1 || !isVacated(member)) return needed
    const able = this.observersOf(member).filter((id) => this.#canReport(id) && !vouchesInVain(id, member.proof))
    return able.includes(this.#self) ? Math.min(needed, able.length) : needed
  }

  #canReport(id: PeerId): boolean {
    const member = this.#members.get(id)
    return member === undefined || (member.state === 'alive' && !isVacated(member))
  }

  #become(member: Member, judgement: Judgement, now: number): Transition {
    this.#restless.add(member)
    return this.#members.become(member, judgement, now)
  }

  /** Its living observers whose reports stand; where fewer than needed reported it, whoever they are. */
  #standing(member: Member, now: number, needed = 1): PeerId[] {
    const authors = authorsOf(member.reports, member, now)
    if (authors.length < needed) return authors
    const observers = this.observersOf(member)
    return authors.filter((author) => observers.includes(author) && this.isAlive(author))
  }

  /** What a heartbeat to `observer` passes on. */
  relaysFor(observer: PeerId, now: number): RelayedHeartbeat[] {
    return this.#relays.for(observer, this.#members.present(), now)
  }
}

const encoder = new TextEncoder()

function hashOf(id: PeerId, hash: Crypto['hash']): Uint8Array {
  return hash(encoder.encode(id))
}
