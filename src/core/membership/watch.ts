/**
 * What the silence of the members that we observe means: nothing, a reason to ask, or a report to all.
 */
import { memory_ms } from '../basics/damping.js'
import type { PeerId } from '../model/model.js'
import { heartbeatInterval_ms } from '../wire/beat.js'
import {
  inheritedSilence_ms,
  mistakeMemory_ms,
  beatsWaited,
  patience_ms,
  reportRepeat_ms,
  reportStanding_ms,
  silence_ms,
} from './formulas.js'
import { type Member, isRefused } from './member.js'

/** What judging silence takes besides the member. */
export interface Watcher {
  readonly now: number
  /** Silence is not counted from before this moment. */
  readonly awakeSince: number
  readonly members: number
}

/** What we think of our own hearing. */
interface OwnHealth {
  /** We doubt ourselves now. */
  readonly doubtful: boolean
  /** How many members we lately reported wrongly. */
  readonly badLines: number
  /** So many heartbeats more than else may be missing, since we have hardly time to hear them, nor those beside us to send them. */
  readonly beats: number
}

/** A member that was heard directly within this time before we became its observer need not be heard anew. */
const stillHeard_ms = 2 * heartbeatInterval_ms

/** For so long after it doubted itself a daemon knows that it hears badly. */
const doubtMemory_ms = 10_000

export class Watch {
  readonly #subjects = new Set<Member>()
  /** Whom we reported until they were dead, when that was, and in which generation. */
  readonly #buried = new Map<Member, { readonly at: number; readonly generation: number }>()
  #doubtedAt = Number.NEGATIVE_INFINITY
  /** The share of the last second in which we had no core to work on. */
  waited = 0

  /** Those whom we observe, the hidden ones among them. */
  get subjects(): ReadonlySet<Member> {
    return this.#subjects
  }

  /** Those whom we report now. */
  reported(): Member[] {
    return [...this.#subjects].filter((member) => member.reportDue !== undefined && isObservable(member))
  }

  /**
   * Who died lately under our reports, its dials refused, and is not reported since: whoever was away then, or asleep, has not heard
   * of it. Of a later start that says nothing.
   */
  buried(now: number): Member[] {
    for (const [member, { at, generation }] of this.#buried)
      if (member.state !== 'dead' || member.generation !== generation || now - at >= memory_ms)
        this.#buried.delete(member)
    return [...this.#buried.keys()]
  }

  /** These are to be observed from now on, and no others. @returns those that were not before */
  follow(subjects: ReadonlySet<Member>, now: number): Member[] {
    for (const member of this.#subjects) if (!subjects.has(member)) this.#end(member, now)
    const begun = [...subjects].filter((member) => !this.#subjects.has(member))
    for (const member of begun) {
      this.#subjects.add(member)
      member.observedSince = now
      // What we said of it before its death has ended everywhere by now: there is nothing to take back.
      if (now - (member.reportDue ?? now) >= reportStanding_ms - reportRepeat_ms) member.reportDue = undefined
      if (member.directAt !== undefined && now - member.directAt > stillHeard_ms) member.directAt = undefined
    }
    return begun
  }

  #end(member: Member, now: number): void {
    this.#subjects.delete(member)
    member.observedSince = undefined
    // What we said of the dead may still stand where it is not dead yet: should it be heard again, that is taken back.
    if (member.state !== 'dead') member.reportDue = undefined
    // Of whom nothing is known but silence, others may have heard: we may have been cut off.
    else if (member.reportDue !== undefined && isRefused(member))
      this.#buried.set(member, { at: now, generation: member.generation })
  }

  forget(member: Member): void {
    this.#subjects.delete(member)
    this.#buried.delete(member)
  }

  /** Those to be reported now, for the first time or again, and those whose report is to be taken back. */
  look(self: PeerId, authorGeneration: number, at: Watcher): { silent: Member[]; heardAgain: Member[] } {
    const beats = beatsWaited(this.waited)
    const health = { doubtful: this.#doubtsItself(at.now), badLines: this.#countBadLines(at.now), beats }
    const silent: Member[] = []
    const heardAgain: Member[] = []
    for (const member of this.#subjects) {
      if (isObservable(member) && isSilent(member, at, health)) {
        silent.push(member)
        continue
      }
      if (member.reportDue !== undefined && isObservable(member)) {
        heardAgain.push(member)
        noteMistake(member, at.now)
      }
      member.reportDue = undefined
      member.reports.delete(self)
    }
    const due = reportsDue(silent, at.now)
    for (const member of due) {
      member.reportDue = at.now + reportRepeat_ms
      const { generation, incarnation } = member
      const until = at.now + reportStanding_ms
      member.reports.set(self, { authorGeneration, sequence: 0, generation, incarnation, until })
    }
    return { silent: due, heardAgain }
  }

  /**
   * Whether we lately doubted ourselves and heard somebody all the same, or have no time to hear: then silence says less. (Lifeguard's
   * local health again.) Who hears nobody at all is cut off, and has nothing to wait for.
   */
  isHardOfHearing(now: number): boolean {
    return now - this.#doubtedAt < doubtMemory_ms || beatsWaited(this.waited) > 0
  }

  #countBadLines(now: number): number {
    let bad = 0
    for (const { mistakes } of this.#subjects) if (mistakes.some((at) => isLate(at, now))) bad += 1
    return bad
  }

  /**
   * At least three subjects, and more than half of all, fell silent at once: more likely it is us (Lifeguard).
   * Refused dials are exempt: they are evidence, not silence.
   */
  #doubtsItself(now: number): boolean {
    let watched = 0
    let silent = 0
    for (const member of this.#subjects) {
      if (member.directAt === undefined || isRefused(member) || member.left || member.state === 'dead') continue
      if (now < member.shunnedUntil) continue
      watched += 1
      if (now - member.directAt > silence_ms) silent += 1
    }
    const doubtful = silent >= 3 && silent > watched / 2
    if (doubtful && silent < watched) this.#doubtedAt = now
    return doubtful
  }
}

/** Where one is to be reported, those whose turn comes soon are too: one message to all costs as much as another. */
function reportsDue(silent: readonly Member[], now: number): Member[] {
  const isDueBy = (moment: number) => (member: Member) => (member.reportDue ?? now) <= moment
  return silent.some(isDueBy(now)) ? silent.filter(isDueBy(now + reportRepeat_ms / 2)) : []
}

function lateMistakes({ mistakes }: Readonly<Member>, now: number): number[] {
  return mistakes.filter((at) => isLate(at, now))
}

function isLate(mistakeAt: number, now: number): boolean {
  return now - mistakeAt < mistakeMemory_ms
}

/** We reported a member that was not hidden for it, and hear it again: it was our silence, or the line's, and not its own. */
function noteMistake(member: Member, now: number): void {
  const reportedAt = (member.reportDue ?? now) - reportRepeat_ms
  if (member.state !== 'alive' || member.since > reportedAt) return
  member.mistakes = lateMistakes(member, now)
  member.mistakes.push(now)
}

/** Whether there is anything to say of a member: the dead, the gone and the unknown are silent as they should be. */
function isObservable({ state, left }: Readonly<Member>): boolean {
  return !left && (state === 'alive' || state === 'hidden')
}

/** Whether the silence of a subject is to be told to all. */
function isSilent(
  member: Readonly<Member>,
  { now, awakeSince: lastAwake, members }: Watcher,
  { doubtful, badLines, beats }: OwnHealth,
): boolean {
  if (now < member.shunnedUntil) return false
  if (isRefused(member)) return true
  const awakeSince = Math.max(lastAwake, member.shunnedUntil)
  if (member.directAt === undefined) {
    // Nobody has to have told us that it lives: we may have taken over from an observer that died with it.
    if (member.heardAt === undefined || now - Math.max(member.observedSince ?? now, awakeSince) <= silence_ms)
      return false
    return now - Math.max(member.heardAt, awakeSince) > inheritedSilence_ms(members) + heartbeatInterval_ms * beats
  }
  const wait_ms =
    patience_ms(lateMistakes(member, now).length, badLines) + heartbeatInterval_ms * (beats + (doubtful ? 1 : 0))
  if (now - Math.max(member.directAt, awakeSince) <= wait_ms) return false
  const heardByOthers = member.heardAt !== undefined && now - member.heardAt <= silence_ms
  return !(doubtful && heardByOthers)
}
