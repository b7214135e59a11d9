/**
 * What is known of one member, and the one table that says in which state it is. No clock, no messages: given news, it judges.
 */
import type { PeerId } from '../model.js'
import type { MemberState } from '../views.js'
import type { Head } from '../wire/head.js'
import { deadAfter_ms, fresh_ms, recovery_ms, slowPath_ms } from './formulas.js'

/** A report against a member, kept a while after it expired so that a replay is recognised. */
export interface Report {
  readonly authorGeneration: number
  readonly sequence: number
  readonly generation: number
  readonly incarnation: number
  readonly until: number
}

export interface Member {
  readonly id: PeerId
  /** The first 8 bytes of the hash of its id, as it stands in relayed heartbeats. */
  readonly shortId: Uint8Array
  /** Of the head that is held. */
  generation: number
  /** The highest heard for that generation, from head or heartbeat. */
  incarnation: number
  left: boolean
  state: MemberState
  since: number
  /** Why it is in this state, for people. */
  why: string
  /** The generation that its own heartbeats carry; above `generation` while its new head is still on the way. */
  heardGeneration: number
  /** Of the last heartbeat of `heardGeneration`, direct or relayed. */
  sequence: number
  load: number | undefined
  /** The last word of it, by whatever way. */
  heardAt: number | undefined
  /** The last heartbeat on our own stream; absent until the first one, and watching begins with that. */
  directAt: number | undefined
  /** A dial was refused since the last word. */
  refused: boolean
  readonly reports: Map<PeerId, Report>
  /** When our own report is to be repeated; absent while we have none. */
  reportDue: number | undefined
  /** When it was lately hidden, and when it lately refuted. */
  hidings: number[]
  refutations: number[]
  /** Since when it looks well, and since when it does not; one of them is set while hidden or dead. */
  wellSince: number | undefined
  unwellSince: number | undefined
}

export function newMember(id: PeerId, shortId: Uint8Array, head: Head, now: number): Member {
  return {
    id,
    shortId,
    generation: head.generation,
    incarnation: head.incarnation,
    left: head.left !== undefined,
    state: head.left === undefined ? 'unknown' : 'left',
    since: now,
    why: head.left === undefined ? 'not heard yet' : 'said goodbye',
    heardGeneration: 0,
    sequence: 0,
    load: undefined,
    heardAt: undefined,
    directAt: undefined,
    refused: false,
    reports: new Map(),
    reportDue: undefined,
    hidings: [],
    refutations: [],
    wellSince: undefined,
    unwellSince: undefined,
  }
}

/** What the table looks at, besides the member itself. */
export interface Circumstances {
  readonly now: number
  /** Silence is not counted from before this moment: we were asleep ourselves. */
  readonly awakeSince: number
  /** How many members there are. */
  readonly members: number
  /** Distinct living members whose reports against it stand, and how many of them hide it. */
  readonly reports: number
  readonly needed: number
}

export interface Judgement {
  readonly state: MemberState
  readonly why: string
}

/**
 * The table of states. `well` = freshly heard of, with too few reports against it.
 *
 *     state     becomes   when
 *     any       left      its head says so
 *     left      unknown   a later head does not say so any more
 *     unknown   alive     well
 *     unknown   dead      unheard of for the slow path's time
 *     alive     hidden    enough reports, or unheard of for the slow path's time
 *     hidden    alive     well for as long as its past hidings ask
 *     hidden    dead      unwell for the time that death takes
 *     dead      alive     well for as long as its past hidings ask
 */
export function judge(member: Member, at: Circumstances): Judgement | undefined {
  if (member.left) return member.state === 'left' ? undefined : { state: 'left', why: 'said goodbye' }
  const reported = at.reports >= at.needed
  const unheard = at.now - Math.max(member.heardAt ?? member.since, at.awakeSince) > slowPath_ms(at.members)
  const wellFor = member.wellSince === undefined ? -1 : at.now - member.wellSince
  switch (member.state) {
    case 'left':
      return { state: 'unknown', why: 'came back' }
    case 'unknown':
      if (wellFor >= 0) return { state: 'alive', why: 'heard' }
      return unheard ? { state: 'dead', why: 'nobody has heard of it' } : undefined
    case 'alive':
      if (reported) return { state: 'hidden', why: `reported silent by ${at.reports}` }
      return unheard ? { state: 'hidden', why: 'nobody has heard of it' } : undefined
    case 'hidden':
    case 'dead': {
      if (wellFor >= recovery_ms(member.hidings.length)) return { state: 'alive', why: 'heard again' }
      const unwellFor = member.unwellSince === undefined ? -1 : at.now - member.unwellSince
      if (member.state === 'dead' || unwellFor < deadAfter_ms(at.members)) return undefined
      return { state: 'dead', why: member.why }
    }
  }
}

/** Notes whether a member looks well now; the table asks for how long. */
export function noteWellness(member: Member, at: Circumstances): void {
  const heard = member.heardAt !== undefined && at.now - member.heardAt <= fresh_ms
  const well = heard && at.reports < at.needed
  member.wellSince = well ? (member.wellSince ?? at.now) : undefined
  member.unwellSince = well ? undefined : (member.unwellSince ?? at.now)
}
