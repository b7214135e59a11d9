/**
 * What others pass on of a member, unsigned: when it counts. It refreshes a known generation and proves nothing else; and where
 * something speaks against the member it does not even count by itself:
 *
 *     the member is                                      a word of it that is passed on counts
 *     shown, and heard here itself                       at once
 *     shown, and two pass on what it says                at once
 *     shown, and one alone does, or, where everybody     until it was asked for a signed word and gave none
 *       observes everybody, somebody reports it
 *     not heard yet in this run, or hidden since         once two have passed on what it said since, or it has signed
 *       nobody had heard of it
 *     hidden by reports                                  once it has signed; or where two have passed on words for so long that
 *                                                        nobody can still show it who only has not heard of the verdict
 *     shown or not, and nobody listens where we met it   proofs.ts draws it
 *
 * What was hidden by signed words is shown again by signed ones, since unsigned ones go round: whoever has missed the verdict passes on
 * what a liar says, in good faith, and would be the second. So whoever has a later word of it, its own or one that is passed on, asks it
 * to sign, if nobody has a moment ago, and once for all: the answer goes to everybody, and its number tells all of them that it was spoken
 * after the hiding. To whom its numbers were made too high it is no proof, but a reason to ask for one.
 * Of whoever restarts two tell us a round after its first observers have heard it: nobody has to ask.
 *
 * So one liar keeps nobody in lookups who is dead, beyond the time for an answer and the slow path; hides nobody who lives, since no word
 * that is passed on hides; makes no true number look old. What it cannot be kept from: where gossip fails, it and one who has missed the
 * verdict are two; and whoever was asked to sign is believed for a while after that. Two who lie are two.
 *
 * Of a living member a liar may say old numbers, low ones, or nothing, play its own old frames again, and report it: that is one vote of
 * the H that formulas.ts asks for, and nobody is hidden for it. Two that lie are H among four to seven, and hide whom they report: among
 * five or more its refutation, which asks for one more, shows it again within a second, and for good; among four they are the majority of
 * its observers, against which there is no appeal.
 */
import type { PeerId } from '../model/model.js'
import type { RelayedHeartbeat } from '../wire/beat.js'
import type { AnswerMessage as Answer, Question } from '../wire/gossip.js'
import { fresh_ms, seconded_ms, slowPath_ms } from './formulas.js'
import { type Member, noteHearsay, noteSign } from './member.js'
import type { Members } from './members.js'
import { ringCount } from './observers.js'
import { type Awake, Proofs, believe, provenUntil } from './proofs.js'
import { isInProportion } from './proportion.js'
import { anyStands } from './reports.js'
import { seconded } from './seconding.js'
import { isAfter, noteNumber } from './sighting.js'

/** How long a second voice is waited for, before one that was not heard yet is asked, or one that was lost sight of among many. */
const secondVoice_ms = 1000

/** When words come. */
export interface Hour extends Awake {
  /** When a word was sent that comes now, at the earliest. */
  readonly sentAt: number
}

export class Hearsay {
  readonly #members: Members
  readonly #proofs = new Proofs()

  constructor(members: Members) {
    this.#members = members
  }

  /** @returns the member, where there is something to judge */
  hear(word: RelayedHeartbeat, relayer: PeerId, hour: Hour): Member | undefined {
    const member = this.#members.ofShortId(word.shortId)
    if (member === undefined || word.generation !== member.generation) return undefined
    if (member.heardGeneration > member.generation) return undefined
    const { now } = hour
    const members = this.#members.present()
    const { sequence } = word
    member.seconded = seconded(member.seconded, { relayer, sequence, at: now }, fresh_ms(members))
    if (member.seconded.at === now) member.backedAt = now
    const isFirst = member.heardGeneration !== word.generation
    if (!isFirst && sequence <= member.sequence) return undefined
    if (!isFirst && !isInProportion({ relayer, sequence, at: now }, member, members)) return undefined
    if (!this.#counts(word, relayer, member, hour)) return member.proof.isDoubted ? member : undefined
    this.#believe(member, isFirst ? firstOf(member, word) : word, hour)
    return member
  }

  #believe(member: Member, word: RelayedHeartbeat, { now, sentAt }: Hour): void {
    if (member.heardGeneration !== word.generation) this.#members.hearGeneration(member, word.generation)
    noteNumber(member, word.sequence, sentAt - word.age_ms, true)
    member.ahead = []
    member.load = word.load
    member.heardAt = Math.max(member.heardAt ?? Number.NEGATIVE_INFINITY, now - word.age_ms)
    this.#members.meet(member)
    noteHearsay(member, word)
  }

  #counts(word: RelayedHeartbeat, relayer: PeerId, member: Member, hour: Hour): boolean {
    const isShown = member.state === 'alive' || member.state === 'left'
    if (member.vacated !== undefined && isAfter(member.vacated, word))
      return this.#proofs.counts(member, relayer, isShown, hour, 0)
    if (this.#isBacked(member, word, hour)) {
      this.#proofs.acquit(member)
      return true
    }
    if (member.isCondemned && member.proof.isAble !== false) {
      if (member.lostSight === undefined || isAfter(member.lostSight, word)) this.#proofs.askForAll(member, hour.now)
      return false
    }
    const isAlone = isShown || (member.lostSight !== undefined && this.#isSmall())
    return this.#proofs.counts(member, relayer, isShown, hour, isAlone ? 0 : secondVoice_ms)
  }

  /** Everybody observes everybody. */
  #isSmall(): boolean {
    return this.#members.present() <= ringCount + 1
  }

  /** Whether not only this one word speaks for it. */
  #isBacked(member: Member, { generation }: RelayedHeartbeat, { now, awakeSince }: Hour): boolean {
    const { state, lostSight, isCondemned } = member
    const members = this.#members.present()
    if (state === 'left') return true
    if (state === 'alive') {
      if (this.#isSmall() && anyStands(member.reports, now)) return false
      return now - Math.max(member.backedAt, awakeSince) <= seconded_ms(members)
    }
    const { sequence, at, since } = member.seconded
    if (at === undefined || since === undefined || now - at > fresh_ms(members)) return false
    if (lostSight === undefined) return true
    if (!isAfter(lostSight, { generation, sequence })) return false
    return !isCondemned || now - Math.max(since, lostSight.at) > 2 * slowPath_ms(members)
  }

  /** It speaks to us, and was hidden by reports: among many others not everybody hears that. */
  heardAgain(member: Member, now: number): void {
    if (!this.#isSmall()) this.#proofs.askForAll(member, now)
  }

  /** Whether it answers when it is asked whether it lives, as its own words tell. */
  answers(id: PeerId, isAble: boolean): void {
    const member = this.#members.get(id)
    if (member !== undefined) member.proof = { ...member.proof, isAble }
  }

  /** Those to be asked whether they live. */
  toAsk(now: number): Pick<Member, 'id' | 'generation'>[] {
    return this.#proofs.due(now)
  }

  /** It is asked so. */
  asking(id: PeerId, nonce: string, now: number): void {
    this.#proofs.asking(id, nonce, now)
    this.asked(id, now)
  }

  /** Questions that gossip brought no answer to, and who passed on words of their subjects. */
  takeUnanswered(now: number): { readonly question: Question; readonly via: readonly PeerId[] }[] {
    return this.#proofs.takeUnanswered(now).flatMap(({ id, nonce }) => {
      const member = this.#members.get(id)
      if (member === undefined) return []
      const via = new Set(member.proof.asked?.by)
      if (member.seconded.top !== undefined) via.add(member.seconded.top.relayer)
      return [{ question: { subject: id, generation: member.generation, nonce }, via: [...via] }]
    })
  }

  /** Somebody asks it: the answer goes to all. */
  asked(id: PeerId, now: number): void {
    const member = this.#members.get(id)
    if (member !== undefined) this.#proofs.asked(member, now)
  }

  /** A member has signed that it lives. @returns it, where that says anything: it answers us, or spoke after it was hidden */
  prove(id: PeerId, { generation, sequence, nonces }: Answer, now: number): Member | undefined {
    const member = this.#members.get(id)
    if (member?.generation !== generation || member.heardGeneration > generation) return undefined
    const askedAt = this.#proofs.answered(id, nonces, now)
    const { lostSight } = member
    if (askedAt === undefined && (lostSight === undefined || !isAfter(lostSight, { generation, sequence }))) {
      // It seems to live, and here its numbers were made too high: it is to answer us.
      if (member.isCondemned) this.#proofs.ask(member, now)
      return undefined
    }
    this.#members.hearGeneration(member, generation)
    believe(member, provenUntil(now))
    const at = askedAt ?? now
    noteNumber(member, sequence, at, false) // whatever hearsay claimed
    member.ahead = []
    member.heardAt = Math.max(member.heardAt ?? at, at)
    member.backedAt = now
    this.#members.meet(member)
    noteSign(member, askedAt)
    return member
  }

  forget(member: Member): void {
    this.#proofs.forget(member)
  }
}

/** Of a generation of which nothing was heard yet no number is out of proportion: what two have reached is taken for it. */
function firstOf({ seconded: { sequence } }: Member, word: RelayedHeartbeat): RelayedHeartbeat {
  return sequence >= 0 ? { ...word, sequence: Math.min(sequence, word.sequence) } : word
}
