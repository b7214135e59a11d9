/**
 * Who lives: heartbeats, reports and heads in; beliefs about members and what to say about them out.
 * It holds no records and sends nothing itself; time is told to it.
 */
import type { Crypto } from '../effects.js'
import type { PeerId } from '../model.js'
import type { MemberState } from '../views.js'
import type { Heartbeat, RelayedHeartbeat } from '../wire/beat.js'
import type { ReportMessage } from '../wire/gossip.js'
import type { Head } from '../wire/head.js'
import {
  fresh_ms,
  heartbeatInterval_ms,
  memory_ms,
  reportRepeat_ms,
  reportStanding_ms,
  reportsNeeded,
  silence_ms,
} from './formulas.js'
import { type Member, type Report, judge, newMember, noteWellness } from './member.js'
import { RelayPlan, shortIdKey } from './relay.js'

/** A member that changed its state. */
export interface Transition {
  readonly peer: PeerId
  readonly from: MemberState
  readonly to: MemberState
  readonly why: string
}

/** What a look at the clock came to. */
export interface Verdict {
  readonly transitions: readonly Transition[]
  /** Silent subjects to tell everybody of. */
  readonly reports: readonly Pick<ReportMessage, 'subject' | 'generation' | 'incarnation'>[]
  /** Enough members report us: raise the incarnation. */
  readonly refute: boolean
}

/** What a heartbeat came to: `news` of a generation whose head is not held yet is a reason to fetch it. */
export type Hearing = 'heard' | 'news' | 'old'

/** Counted once a tick: everyone who lives observes everyone. The dead and the left do not slow the living down. */
interface Census {
  alive: number
  present: number
}

const strangersKept = 1024
/** More refutations than this change no bar any more. */
const marksKept = 64

export class Membership {
  readonly #self: PeerId
  readonly #hash: Crypto['hash']
  readonly #members = new Map<PeerId, Member>()
  readonly #byShortId = new Map<string, Member>()
  readonly #relays = new RelayPlan()
  /** Daemons that were heard before their first head came, with the last thing that they said. */
  readonly #strangers = new Map<PeerId, { readonly beat: Heartbeat; readonly at: number }>()
  /** Reports about ourselves. */
  readonly #accusations = new Map<PeerId, Report>()
  #ownIncarnation = 0
  #ownGeneration = 0
  #awakeSince = 0

  constructor(self: PeerId, hash: Crypto['hash']) {
    this.#self = self
    this.#hash = hash
  }

  /** Members other than ourselves. */
  get size(): number {
    return this.#members.size
  }

  member(id: PeerId): Readonly<Member> | undefined {
    return this.#members.get(id)
  }

  members(): IterableIterator<Readonly<Member>> {
    return this.#members.values()
  }

  isAlive(id: PeerId): boolean {
    return id === this.#self || this.#members.get(id)?.state === 'alive'
  }

  /** Alive, and what it says now is said by the generation whose document is held. */
  isVisible(id: PeerId): boolean {
    if (id === this.#self) return true
    const member = this.#members.get(id)
    return member !== undefined && member.state === 'alive' && member.heardGeneration <= member.generation
  }

  /** Members believed alive, ourselves included. */
  alive(): number {
    return this.#census().alive
  }

  #census(): Census {
    const census = { alive: 1, present: 1 }
    for (const { state } of this.#members.values()) {
      if (state === 'alive') census.alive += 1
      if (state !== 'dead' && state !== 'left') census.present += 1
    }
    return census
  }

  /** Members whose reports against `id` stand. */
  reporters(id: PeerId, now: number): PeerId[] {
    const member = this.#members.get(id)
    return member === undefined ? [] : this.#standing(member.reports, member, now)
  }

  /** Our own head as it is now: what reports about us must name to count. */
  setSelf(generation: number, incarnation: number): void {
    if (generation !== this.#ownGeneration) this.#accusations.clear()
    this.#ownGeneration = generation
    this.#ownIncarnation = incarnation
  }

  /** A head of another daemon is now held. */
  follow(head: Head, now: number): Transition | undefined {
    const member = this.#members.get(head.owner)
    if (member === undefined) return this.#add(head, now)
    const transition = head.generation > member.generation ? this.#beginGeneration(member, head, now) : undefined
    noteIncarnation(member, head.incarnation, now)
    member.left = head.left !== undefined
    return member.left && member.state !== 'left' ? this.#judge(member, this.#census(), now) : transition
  }

  #add(head: Head, now: number): undefined {
    const shortId = this.#hash(new TextEncoder().encode(head.owner)).slice(0, 8)
    const member = newMember(head.owner, shortId, head, now)
    this.#members.set(head.owner, member)
    this.#byShortId.set(shortIdKey(shortId), member)
    const earlier = this.#strangers.get(head.owner)
    this.#strangers.delete(head.owner)
    if (earlier !== undefined && now - earlier.at < fresh_ms) this.hear(head.owner, earlier.beat, earlier.at)
  }

  /** What was heard and reported of an earlier generation is void; what it said of itself in this one counts. */
  #beginGeneration(member: Member, head: Head, now: number): Transition | undefined {
    member.generation = head.generation
    member.incarnation = head.incarnation
    member.reports.clear()
    member.reportDue = undefined
    if (member.heardGeneration >= head.generation) return undefined
    member.directAt = undefined
    member.heardAt = undefined
    member.sequence = 0
    member.refused = false
    if (member.state !== 'alive') return undefined
    member.state = 'unknown'
    member.since = now
    member.why = 'started again, not heard yet'
    return { peer: member.id, from: 'alive', to: 'unknown', why: member.why }
  }

  /** The daemon is forgotten. */
  forget(id: PeerId): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    this.#byShortId.delete(shortIdKey(member.shortId))
    this.#relays.forget(id)
  }

  /** A heartbeat on our own stream with its sender. */
  hear(from: PeerId, beat: Heartbeat, now: number): Hearing {
    for (const relayed of beat.relayed) this.#hearOf(relayed, now)
    const member = this.#members.get(from)
    if (member === undefined) {
      this.#remember(from, beat, now)
      return 'news'
    }
    if (beat.generation < Math.max(member.generation, member.heardGeneration)) return 'old'
    if (beat.generation > member.heardGeneration) {
      member.heardGeneration = beat.generation
      member.sequence = 0
    }
    if (beat.generation === member.generation) noteIncarnation(member, beat.incarnation, now)
    member.sequence = beat.sequence // whatever hearsay claimed
    member.load = beat.load
    member.directAt = now
    member.heardAt = now
    member.refused = false
    return beat.generation > member.generation ? 'news' : 'heard'
  }

  /** Its head is on the way; the longest silent stranger makes room. */
  #remember(stranger: PeerId, beat: Heartbeat, now: number): void {
    this.#strangers.delete(stranger)
    this.#strangers.set(stranger, { beat, at: now })
    const [oldest] = this.#strangers.keys()
    if (this.#strangers.size > strangersKept && oldest !== undefined) this.#strangers.delete(oldest)
  }

  /** Hearsay: it refreshes a known generation and proves nothing else. */
  #hearOf(relayed: RelayedHeartbeat, now: number): void {
    const member = this.#byShortId.get(shortIdKey(relayed.shortId))
    if (member === undefined || relayed.generation !== member.generation) return
    if (member.heardGeneration > member.generation) return
    if (member.heardGeneration === relayed.generation && relayed.sequence <= member.sequence) return
    member.heardGeneration = relayed.generation
    member.sequence = relayed.sequence
    member.load = relayed.load
    member.heardAt = Math.max(member.heardAt ?? Number.NEGATIVE_INFINITY, now - relayed.age_ms)
  }

  /** It is no observer of ours any more; what it was told is not worth keeping. */
  disconnected(peer: PeerId): void {
    this.#relays.forgetObserver(peer)
  }

  /** A dial was refused everywhere: it crashed. */
  refuse(peer: PeerId): void {
    const member = this.#members.get(peer)
    if (member !== undefined) member.refused = true
  }

  /** @returns whether the report is new and about a generation that is known */
  report(author: PeerId, report: ReportMessage, now: number): boolean {
    if (!this.#members.has(author)) return false
    const subject = this.#members.get(report.subject)
    const reports = report.subject === this.#self ? this.#accusations : subject?.reports
    if (reports === undefined) return false
    if (report.subject === this.#self && report.incarnation > this.#ownIncarnation) return false // nobody can know that
    const known = reports.get(author)
    if (known !== undefined && !isLater(report, known)) return false
    const { authorGeneration, sequence, generation, incarnation } = report
    reports.set(author, { authorGeneration, sequence, generation, incarnation, until: now + reportStanding_ms })
    return true
  }

  /** We were asleep until now: what we missed meanwhile says nothing about others. */
  awoke(now: number): void {
    this.#awakeSince = now
  }

  /** Looks at the clock. */
  tick(now: number): Verdict {
    const census = this.#census()
    const transitions: Transition[] = []
    const reports: Verdict['reports'][number][] = []
    const doubtful = this.#doubtsItself(now)
    for (const member of this.#members.values()) {
      forgetOldMarks(member, now)
      if (this.#reportsNow(member, now, doubtful)) {
        reports.push({ subject: member.id, generation: member.generation, incarnation: member.incarnation })
      }
      const transition = this.#judge(member, census, now)
      if (transition !== undefined) transitions.push(transition)
    }
    return { transitions, reports, refute: this.#mustRefute(census, now) }
  }

  #judge(member: Member, census: Census, now: number): Transition | undefined {
    const circumstances = {
      now,
      awakeSince: this.#awakeSince,
      members: census.present,
      reports: this.#standing(member.reports, member, now).length,
      needed: reportsNeeded(census.alive - (member.state === 'alive' ? 1 : 0), member.refutations.length),
    }
    noteWellness(member, circumstances)
    const judgement = judge(member, circumstances)
    if (judgement === undefined) return undefined
    const transition = { peer: member.id, from: member.state, to: judgement.state, why: judgement.why }
    if (judgement.state === 'hidden') member.hidings.push(now)
    member.state = judgement.state
    member.since = now
    member.why = judgement.why
    return transition
  }

  /** Whether to report this member now, for the first time or again. */
  #reportsNow(member: Member, now: number, doubtful: boolean): boolean {
    const observed = !member.left && member.state !== 'dead' && member.state !== 'unknown'
    if (!observed || !this.#isSilent(member, now, doubtful)) {
      member.reportDue = undefined
      member.reports.delete(this.#self)
      return false
    }
    if (member.reportDue !== undefined && now < member.reportDue) return false
    member.reportDue = now + reportRepeat_ms
    member.reports.set(this.#self, {
      authorGeneration: this.#ownGeneration,
      sequence: 0,
      generation: member.generation,
      incarnation: member.incarnation,
      until: now + reportStanding_ms,
    })
    return true
  }

  #isSilent(member: Member, now: number, doubtful: boolean): boolean {
    if (member.refused) return true
    if (member.directAt === undefined) return false
    const patience_ms = doubtful ? silence_ms + heartbeatInterval_ms : silence_ms
    if (now - Math.max(member.directAt, this.#awakeSince) <= patience_ms) return false
    const heardByOthers = member.heardAt !== undefined && now - member.heardAt <= silence_ms
    return !(doubtful && heardByOthers)
  }

  /**
   * At least three subjects, and more than half of all, fell silent at once: more likely it is us.
   * Refused dials are exempt: they are evidence, not silence.
   */
  #doubtsItself(now: number): boolean {
    let watched = 0
    let silent = 0
    for (const member of this.#members.values()) {
      if (member.directAt === undefined || member.refused || member.left || member.state === 'dead') continue
      watched += 1
      if (now - member.directAt > silence_ms) silent += 1
    }
    return silent >= 3 && silent > watched / 2
  }

  #mustRefute({ alive }: Census, now: number): boolean {
    const self = { generation: this.#ownGeneration, incarnation: this.#ownIncarnation }
    const needed = reportsNeeded(alive - 1, 0)
    return this.#accusations.size > 0 && this.#standing(this.#accusations, self, now).length >= needed
  }

  #standing(
    reports: ReadonlyMap<PeerId, Report>,
    subject: { readonly generation: number; readonly incarnation: number },
    now: number,
  ): PeerId[] {
    const authors: PeerId[] = []
    for (const [author, report] of reports) {
      const current = report.generation === subject.generation && report.incarnation >= subject.incarnation
      if (current && now < report.until && this.isAlive(author)) authors.push(author)
    }
    return authors
  }

  /** What a heartbeat to `observer` passes on. */
  relaysFor(observer: PeerId, now: number): RelayedHeartbeat[] {
    return this.#relays.take(observer, this.#members.values(), now)
  }
}

function noteIncarnation(member: Member, incarnation: number, now: number): void {
  if (incarnation <= member.incarnation) return
  member.incarnation = incarnation
  member.refutations.push(now)
  if (member.refutations.length > marksKept) member.refutations.shift()
}

function isLater(report: ReportMessage, known: Report): boolean {
  if (report.authorGeneration !== known.authorGeneration) return report.authorGeneration > known.authorGeneration
  return report.sequence > known.sequence
}

function forgetOldMarks(member: Member, now: number): void {
  const recent = (at: number): boolean => now - at < memory_ms
  if (member.hidings.length > 0) member.hidings = member.hidings.filter(recent)
  if (member.refutations.length > 0) member.refutations = member.refutations.filter(recent)
}
