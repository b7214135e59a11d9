/**
 * One member: what is known of it, from which the one table says whether it is alive, hidden for its silence, dead or gone.
 * No clock, no messages: given news, it judges.
 */
import { memory_ms, recovery_ms } from '../basics/damping.js'
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'
import type { About } from '../wire/gossip.js'
import type { Head } from '../wire/head.js'
import { deadAfter_ms, fresh_ms, lifeSign_ms, slowPath_ms } from './formulas.js'
import { type Places, placesOf } from './observers.js'
import { type Proof, believe, provenUntil, unasked } from './proofs.js'
import { type Report, expire } from './reports.js'
import { type Seconded, unseconded } from './seconding.js'
import { type Sighting, type Word, cameAfter, isAfter, sightingOf } from './sighting.js'

/** More refutations than this change no bar any more. */
const marksKept = 64

export interface Member {
  readonly id: PeerId
  /** The first 48 bits of the hash of its id, as it stands in relayed heartbeats. */
  readonly shortId: number
  /** Where it stands on the rings of observers. */
  readonly places: Places
  /** Of the head that is held. */
  generation: number
  /** The start that signed it. */
  boot: string
  /** The highest heard for that generation, from head or heartbeat. */
  incarnation: number
  left: boolean
  /** It said that it only restarts: until then its healthy instances stay listed. */
  graceUntil: number | undefined
  state: MemberState
  since: number
  /** Since when it is hidden or dead, while it is: the one becomes the other without an end between them. */
  outOfSightSince: number | undefined
  /** A word of it has come, by whatever way, in this run or an earlier one; or we were connected with it. */
  isMet: boolean
  /** Why it is in this state, for people. */
  why: string
  /** The generation that its own heartbeats carry; above `generation` while its new head is still on the way. */
  heardGeneration: number
  /** Of the last heartbeat of `heardGeneration`, direct or relayed. */
  sequence: number
  /** When that was first said, at the earliest, as it came here; absent while nothing was heard. */
  saidAt: number | undefined
  /** Words that were refused since their numbers were too high, the last of each who passed one on. */
  ahead: Ahead[]
  /** The first number that was not heard yet when it was last lost sight of. */
  backAt: number
  /**
   * What was known of it when it was hidden; absent while it is not, or once it has said anything after that. Until then it stays
   * hidden, however many reports stand, or are asked for, meanwhile.
   */
  lostSight: Sighting | undefined
  /** Since it was lost sight of enough have reported it, and gossip came through: it takes a signed word to show it again, or its own. */
  isCondemned: boolean
  /** What two have passed on of its generation. */
  seconded: Seconded
  /** When more than one voice spoke for it, last: two who pass its words on, or its own. */
  backedAt: number
  load: number | undefined
  /** The last word of it, by whatever way. */
  heardAt: number | undefined
  /** The last heartbeat on our own stream. Watching begins with the first one, and ends with a farewell. */
  directAt: number | undefined
  /** Since when we are its observer, as we see it. */
  observedSince: number | undefined
  /** The generation in which we heard it ourselves, or that we knew when a connection with it began, last; 0 for never. */
  metIn: number
  /** Until then we do not listen to it, since it kept no limit: what we do not hear says nothing of it. */
  shunnedUntil: number
  /** A dial was refused since the last word. */
  refused: boolean
  /** When that was last. */
  refusedAt: number
  /** What was known of it when nobody listened any more where we had met it; absent once it is heard directly. */
  vacated: Sighting | undefined
  /** Others passed on what it said after that, and it did not fail to prove it: it lives, and it is our line that lies. */
  isVouchedFor: boolean
  proof: Proof
  readonly reports: Map<PeerId, Report>
  /** When our own report is to be repeated; absent while we have none. */
  reportDue: number | undefined
  /** When we lately reported it wrongly. */
  mistakes: number[]
  /** When it was lately hidden, and when it lately refuted. */
  hidings: number[]
  readonly refutations: number[]
  /** Since when it looks well, and since when it does not; one of them is set while hidden or dead. */
  wellSince: number | undefined
  unwellSince: number | undefined
}

/** A word that was refused since its number was too high. */
export interface Ahead {
  readonly relayer: PeerId
  readonly sequence: number
  readonly at: number
}

/** @param hash of its peer id */
export function newMember(id: PeerId, hash: Uint8Array, head: Head, now: number): Member {
  return {
    id,
    shortId: shortIdOf(hash),
    places: placesOf(hash),
    generation: head.generation,
    boot: head.boot,
    incarnation: head.incarnation,
    left: head.left !== undefined,
    graceUntil: undefined,
    state: head.left === undefined ? 'unknown' : 'left',
    since: now,
    outOfSightSince: undefined,
    isMet: false,
    why: head.left === undefined ? 'not heard yet' : 'said goodbye',
    heardGeneration: 0,
    sequence: 0,
    saidAt: undefined,
    ahead: [],
    backAt: 0,
    lostSight: undefined,
    isCondemned: false,
    seconded: unseconded,
    backedAt: Number.NEGATIVE_INFINITY,
    load: undefined,
    heardAt: undefined,
    directAt: undefined,
    observedSince: undefined,
    metIn: 0,
    shunnedUntil: 0,
    refused: false,
    refusedAt: Number.NEGATIVE_INFINITY,
    vacated: undefined,
    isVouchedFor: false,
    proof: unasked,
    reports: new Map(),
    reportDue: undefined,
    mistakes: [],
    hidings: [],
    // Whoever came later than these refutations asks for as many reports as those who saw them.
    refutations: Array<number>(Math.min(head.incarnation, marksKept)).fill(now),
    wellSince: undefined,
    unwellSince: undefined,
  }
}

function shortIdOf(hash: Uint8Array): number {
  return hash.subarray(0, 6).reduce((value, byte) => value * 0x100 + byte, 0)
}

/** What a report says of it. */
export function aboutOf({ id, generation, incarnation }: Readonly<Member>): About {
  return { subject: id, generation, incarnation }
}

/** How we are ourselves, whomever we judge. */
export interface Situation {
  readonly now: number
  /** Silence is not counted from before this moment: we were asleep ourselves. */
  readonly awakeSince: number
  /** How many members there are. */
  readonly members: number
  /** We lately heard too little of too many at once: that nobody hears of somebody may be our own deafness. */
  readonly hardOfHearing: boolean
  /** Gossip comes through: what it says stands against what is passed on, and can be taken back by it. */
  readonly hearsGossip: boolean
}

/** What the table looks at, besides the member itself. */
export interface Circumstances extends Situation {
  /** Distinct living observers of it whose reports stand, and how many of them hide it. */
  readonly reports: number
  readonly needed: number
}

export interface Judgement {
  readonly state: MemberState
  readonly why: string
  readonly isCondemned?: boolean
}

/**
 * The table of states. `well` = freshly heard of, with too few reports against it; who was hidden, by a word that was spoken after
 * that. So nothing but news of a member undoes a verdict: not its reports ending, nor more of them being asked for.
 *
 *     state     becomes   when
 *     any       left      its head says so
 *     left      unknown   a later head does not say so any more
 *     unknown   alive     well
 *     unknown   dead      unheard of for the slow path's time
 *     alive     unknown   a later generation has begun, of which nothing was heard yet
 *     alive     hidden    enough reports, or unheard of for the slow path's time
 *     hidden    alive     well for as long as its past hidings ask
 *     hidden    dead      unwell all the while, and not heard of by any way, for the time that death takes, and then still
 *                         reported by enough, or unheard of for the slow path's time
 *     dead      alive     well for as long as its past hidings ask
 */
export function judge(member: Member, at: Circumstances): Judgement | undefined {
  if (member.left) return member.state === 'left' ? undefined : { state: 'left', why: 'said goodbye' }
  const reported = at.reports >= at.needed
  const unheard = isUnheard(member, at)
  const wellFor = member.wellSince === undefined ? -1 : at.now - member.wellSince
  switch (member.state) {
    case 'left':
      return { state: 'unknown', why: 'came back' }
    case 'unknown':
      if (wellFor >= 0) return { state: 'alive', why: 'heard' }
      return unheard ? { state: 'dead', why: 'nobody has heard of it' } : undefined
    case 'alive':
      if (member.heardGeneration < member.generation) return { state: 'unknown', why: 'started again, not heard yet' }
      if (reported) return { state: 'hidden', why: `reported silent by ${at.reports}`, isCondemned: at.hearsGossip }
      return unheard ? { state: 'hidden', why: 'nobody has heard of it' } : undefined
    case 'hidden':
    case 'dead': {
      if (wellFor >= recovery_ms(member.hidings.length)) return { state: 'alive', why: 'heard again' }
      // Whose observers have taken their reports back is not dead: in a large cluster the word that it lives is on its way for long.
      return isDying(member, at) && (reported || unheard) ? { state: 'dead', why: member.why } : undefined
    }
  }
}

/** In how long it is alive again, if it stays as well as it looks now; undefined where it is not away, or not heard of. */
export function returnsIn_ms({ state, wellSince, hidings }: Readonly<Member>, now: number): number | undefined {
  if ((state !== 'hidden' && state !== 'dead') || wellSince === undefined) return undefined
  return Math.max(0, wellSince + recovery_ms(hidings.length) - now)
}

/** No word of it by any way for the slow path's time, or for twice as long where we hear badly ourselves. */
export function isUnheard(member: Readonly<Member>, at: Situation): boolean {
  return silenceOf(member, at) > slowPath_ms(at.members) * (at.hardOfHearing ? 2 : 1)
}

/** How long there has been no word of it by any way, while we were awake to hear it. */
function silenceOf({ heardAt, since, shunnedUntil }: Readonly<Member>, { now, awakeSince }: Situation): number {
  return now - Math.max(heardAt ?? since, awakeSince, shunnedUntil)
}

/** Whether reports change anything: against whom we show, or would but for them, and against whom is to be dead. */
export function reportsMatter(member: Readonly<Member>, at: Situation): boolean {
  return member.state === 'alive' || isFresh(member, at) || isDying(member, at)
}

/** Hidden, and unwell and silent for so long that it may be dead. Who is heard of, time and again, is ill and not dead: frames get lost. */
function isDying(member: Readonly<Member>, at: Situation): boolean {
  if (member.state !== 'hidden' || member.unwellSince === undefined) return false
  const unwellFor = at.now - Math.max(member.unwellSince, member.since)
  return Math.min(unwellFor, silenceOf(member, at)) >= deadAfter_ms(at.members)
}

/** Lately heard of, and not only by what was on its way when it was hidden. Nobody is raised by what was said long before the death. */
function isFresh({ state, since, heardAt, lostSight }: Readonly<Member>, { now, members }: Situation): boolean {
  if (lostSight !== undefined || heardAt === undefined || now - heardAt > fresh_ms(members)) return false
  return state !== 'dead' || heardAt > since - lifeSign_ms(members)
}

/** Notes whether a member looks well now; the table asks for how long. */
export function noteWellness(member: Member, at: Circumstances): void {
  const well = isFresh(member, at) && at.reports < at.needed
  member.wellSince = well ? (member.wellSince ?? at.now) : undefined
  member.unwellSince = well ? undefined : (member.unwellSince ?? at.now)
  if (member.state === 'hidden' && member.lostSight !== undefined && at.reports >= at.needed && at.hearsGossip)
    member.isCondemned = true
}

export function noteIncarnation(member: Member, incarnation: number, now: number): void {
  if (incarnation <= member.incarnation) return
  member.incarnation = incarnation
  // It answers what was reported of it: that was said after the reports.
  if (member.lostSight !== undefined && incarnation > member.lostSight.incarnation) {
    seeAgain(member)
    believe(member, provenUntil(now))
  }
  member.refutations.push(now)
  if (member.refutations.length > marksKept) member.refutations.shift()
}

/**
 * What is held against a member for a while, given the state that it goes to. A goodbye takes back the hiding that
 * came before it: this silence was on purpose. Who comes back after a goodbye begins with a clean sheet, so that no
 * number of deliberate restarts keeps a node hidden; one that was killed again and again is damped as one that stalls.
 */
export function noteMarks(member: Member, to: MemberState, now: number): void {
  if (to === 'hidden') member.hidings.push(now)
  else if (to === 'left' && (member.state === 'hidden' || member.state === 'dead')) member.hidings.pop()
  else if (member.state === 'left') member.hidings = []
}

/** It has spoken since it was hidden. */
function seeAgain(member: Member): void {
  member.lostSight = undefined
  member.isCondemned = false
}

/** Notes a word that it has signed, which shows that it lives. @param askedAt when we asked for it; undefined where others did, and its number shows that it is new */
export function noteSign(member: Member, askedAt: number | undefined): void {
  member.isVouchedFor = member.vacated !== undefined
  if (member.lostSight !== undefined && (askedAt === undefined || askedAt > member.lostSight.at)) seeAgain(member)
}

/** Notes a word of it that others pass on. */
export function noteHearsay(member: Member, word: Word): void {
  const { lostSight, vacated } = member
  if (lostSight !== undefined && isAfter(lostSight, word)) seeAgain(member)
  if (vacated !== undefined && isAfter(vacated, word)) member.isVouchedFor = true
}

/** Notes a word that it sent us itself. */
export function noteDirectWord(member: Member, word: Word, now: number, awakeSince: number): void {
  const { lostSight } = member
  if (lostSight !== undefined && (isAfter(lostSight, word) || cameAfter(lostSight, now, awakeSince))) seeAgain(member)
  member.metIn = word.generation
  member.refused = false
  member.vacated = undefined
  member.isVouchedFor = false
  believe(member, Number.NEGATIVE_INFINITY)
}

/**
 * A connection with it has begun: with the generation that we know, or with a later one. When the connection ends we may have heard of
 * another one, which has begun elsewhere while it was still open at this end: of where that one is it says nothing. Nor does a dial that
 * was refused before we met it.
 */
export function noteConnection(member: Member): void {
  if (member.metIn >= member.generation) return
  member.metIn = member.generation
  member.refused = false
}

/**
 * A dial was refused everywhere.
 * @param isVacant nobody listens any more where we had met it
 */
export function noteRefusal(member: Member, isVacant: boolean, now: number): void {
  member.refused = true
  member.refusedAt = now
  if (isVacant && isRefused(member)) member.vacated ??= sightingOf(member, now)
}

/** Whether nobody listens any more where it was met in this generation. Where it was not, it may be another start, or somebody's mistake. */
export function isRefused({ refused, metIn, generation }: Readonly<Member>): boolean {
  return refused && metIn >= generation
}

/** Whether it is gone from where it was met, for all that we know: then it reports nobody, and our word of that may do. */
export function isVacated({ vacated, isVouchedFor }: Readonly<Member>): boolean {
  return vacated !== undefined && !isVouchedFor
}

/**
 * Notes what is known of it as it goes to that state. Of one that speaks between hiding and death, what came just before the
 * death raises it as little as what came before the hiding.
 */
export function noteSight(member: Member, to: MemberState, members: number, now: number): void {
  if (to === 'hidden') {
    member.lostSight = sightingOf(member, now)
    believe(member, Number.NEGATIVE_INFINITY) // what it has proven, it has proven before
  } else if (to !== 'dead') seeAgain(member)
  else if (member.state === 'hidden') member.lostSight ??= sightingOf(member, now - lifeSign_ms(members))
}

/**
 * Watching begins anew: who comes back by hearsay is not accused at once by those who do not reach it yet. What they said
 * before has had its effect and ends here: to most of them it is dead as well, and of the dead nobody takes anything back.
 */
export function noteDeath(member: Member, now: number): void {
  member.directAt = undefined
  expire(member.reports, now)
}

/** A goodbye for a restart keeps for a while what is listed; one for good does not, also where it comes second. */
export function noteGoodbye(member: Member, restartGrace_s: number, now: number): void {
  if (member.left && restartGrace_s > 0) return // said already, and the time is running
  const isListed = member.state === 'alive' || member.state === 'hidden'
  member.graceUntil = isListed && restartGrace_s > 0 ? now + restartGrace_s * 1000 : undefined
}

export function forgetOldMarks(member: Member, now: number): void {
  forgetOld(member.hidings, now)
  forgetOld(member.refutations, now)
}

function forgetOld(marks: number[], now: number): void {
  while (marks[0] !== undefined && now - marks[0] >= memory_ms) marks.shift()
}

/** A later generation of it is known. @returns whether it has started again, for all that we know */
export function beginGeneration(member: Member, head: Head): boolean {
  const isRaised = head.boot === member.boot && member.state === 'alive' && member.heardGeneration === member.generation
  member.boot = head.boot
  if (isRaised) goOn(member, head)
  else startAnew(member, head)
  return !isRaised
}

/** It was forgotten, or restored, while it ran: that it was heard in the generation before still counts. */
function goOn(member: Member, { generation, incarnation }: Head): void {
  if (member.metIn === member.generation) member.metIn = generation
  member.generation = generation
  member.heardGeneration = generation
  member.seconded = unseconded
  member.incarnation = incarnation
  member.reports.clear()
  member.reportDue = undefined
}

/** What was heard and reported of an earlier generation is void; what it said of itself in this one counts. */
function startAnew(member: Member, head: Head): void {
  member.generation = head.generation
  member.incarnation = head.incarnation
  member.reports.clear()
  member.reportDue = undefined
  member.backAt = 0
  member.ahead = []
  member.seconded = unseconded
  member.proof = { ...member.proof, isAble: undefined }
  if (member.lostSight !== undefined && head.generation > member.lostSight.generation) seeAgain(member)
  if (member.heardGeneration >= head.generation) return
  member.directAt = undefined
  member.heardAt = undefined
  member.sequence = 0
  member.saidAt = undefined
  member.refused = false
  member.vacated = undefined
  member.isVouchedFor = false
  believe(member, Number.NEGATIVE_INFINITY)
}
