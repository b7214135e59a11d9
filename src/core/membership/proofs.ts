/**
 * A sign of life in a member's own hand, asked for where only words speak for it that others pass on, unsigned, while something speaks
 * against it: say that nobody listens any more at any place where we met it; hearsay.ts says what else. One liar could keep it in every
 * lookup for ever. So it is asked:
 *
 *     believed ──refused everywhere, yet words of it are passed on──▶ asked
 *        ▲  ▲                                                          │ │
 *        │  └───────────── it answers, signed: believed for a while ◀──┘ │ such words go on for `answer_ms`, and no answer
 *        │                                                               ▼
 *        └──────────────── it answers, or speaks to us itself ◀────── doubted
 *
 * Of one that is doubted no passed on word counts, those since the question are taken back, and whoever passes on such words is not waited
 * for with a report. Who is shown stays so until it is doubted; who is hidden stays so until it has answered. The question goes to all, as
 * the answer does, which the network signs: so each honest daemon carries both, of whatever version. Where gossip brings no answer it goes
 * back the way that the words came (passing.ts), over daemons of a version that knows this. So neither a stale address nor a firewall that
 * refuses hides anybody who lives, unless gossip fails as well and nobody of such a version is between.
 * Whoever never said that it answers such questions, as earlier versions do not, is believed as it was before.
 *
 * The time for the answer begins with the first word after the question: who passes words on is awake then, and the question with it.
 */
import type { PeerId } from '../model/model.js'

/** How long an answer may take: half a second more than a daemon may stand still without being reported. */
const answer_ms = 2800
/** How long after an answer words that are passed on are believed: others have to be asked too. */
const provenFor_ms = 30_000
/** How often it is asked, and how often once it is doubted. */
const again_ms = { asked: 1000, doubted: 5000 } as const
/** How long an answer to a question counts: a liar may keep one back. */
const questionCounts_ms = 5000
/** How long gossip may take to bring an answer: then the question goes over connections as well. */
const byGossip_ms = 300

/** What is known of a member by its own hand. */
export interface Proof {
  /** Whether it said, in this generation, that it answers; absent where it was not connected with us for long enough to say so. */
  readonly isAble: boolean | undefined
  readonly isDoubted: boolean
  readonly provenUntil: number
  /** When anybody asked it, last. */
  readonly questionAt: number
  readonly asked: Asked | undefined
}

interface Asked {
  readonly at: number
  /** When it is to be asked again, if its words go on. */
  readonly againAt: number
  /** Absent before the first word after the question. */
  readonly answerBy: number | undefined
  /** Who has passed on words of it since. */
  readonly by: Set<PeerId>
  /** What was known of it before. */
  readonly before: Pick<Subject, 'heardAt' | 'sequence' | 'saidAt'>
}

/** The time, since when we are awake. */
export interface Awake {
  readonly now: number
  readonly awakeSince: number
}

/** What of a member this reads and changes. */
export interface Subject {
  readonly id: PeerId
  readonly generation: number
  proof: Proof
  heardAt: number | undefined
  sequence: number
  saidAt: number | undefined
  isVouchedFor: boolean
}

/** Nothing was asked. */
export const unasked: Proof = {
  isAble: undefined,
  isDoubted: false,
  provenUntil: Number.NEGATIVE_INFINITY,
  questionAt: Number.NEGATIVE_INFINITY,
  asked: undefined,
}

export class Proofs {
  /** Of whom words came that no answer stands for: they are to be asked. */
  readonly #wanted = new Set<Subject>()
  /** Those who are to be asked for all. */
  readonly #wantedByOthers = new Set<Subject>()
  /** When whom was asked, by nonce. */
  readonly #questions = new Map<string, { readonly id: PeerId; readonly at: number }>()
  /** Those of them that gossip has brought no answer to, so far. */
  readonly #open = new Set<string>()

  /**
   * A word of a member that is to be proven, passed on by another.
   * @param relayer who passed it on
   * @param isShown whether lookups show it now
   * @param wait_ms how long it is not asked yet
   * @returns whether it counts
   */
  counts(subject: Subject, relayer: PeerId, isShown: boolean, { now, awakeSince }: Awake, wait_ms: number): boolean {
    const { proof } = subject
    if (proof.isAble === false || now < proof.provenUntil) {
      this.acquit(subject)
      return true
    }
    this.#wanted.add(subject)
    const { asked } = proof
    if (asked === undefined || asked.at < awakeSince) begin(subject, now, wait_ms)
    else if (asked.answerBy === undefined) {
      if (now > asked.at) subject.proof = { ...proof, asked: { ...asked, answerBy: now + answer_ms } }
    } else if (now >= asked.answerBy && !proof.isDoubted) doubt(subject, asked)
    subject.proof.asked?.by.add(relayer)
    return isShown && !subject.proof.isDoubted
  }

  /** Those to be asked now. */
  due(now: number): Subject[] {
    const due = [...this.#wantedByOthers]
    this.#wantedByOthers.clear()
    for (const subject of this.#wanted) {
      const { asked, isDoubted } = subject.proof
      if (asked !== undefined && now < asked.againAt) continue
      this.#wanted.delete(subject)
      if (asked === undefined) continue
      const againAt = now + (isDoubted ? again_ms.doubted : again_ms.asked)
      subject.proof = { ...subject.proof, asked: { ...asked, againAt } }
      due.push(subject)
    }
    return due
  }

  /** Nothing is to be proven. */
  acquit(subject: Subject): void {
    const { isDoubted, asked } = subject.proof
    if (!isDoubted && asked === undefined) return
    this.#wanted.delete(subject)
    subject.proof = { ...subject.proof, isDoubted: false, asked: undefined }
  }

  /** Whether it lives or not, it is asked. */
  ask(subject: Subject, now: number): void {
    if (subject.proof.asked === undefined) begin(subject, now, 0)
    this.#wanted.add(subject)
  }

  /** There is news of it; if nobody has asked it a moment ago we do, for all who do not. */
  askForAll(subject: Subject, now: number): void {
    if (subject.proof.isAble !== false && now - subject.proof.questionAt > again_ms.asked)
      this.#wantedByOthers.add(subject)
  }

  /** Somebody asks it. */
  asked(subject: Subject, now: number): void {
    this.#wantedByOthers.delete(subject)
    subject.proof = { ...subject.proof, questionAt: now }
  }

  /** It is asked so. */
  asking(id: PeerId, nonce: string, now: number): void {
    for (const [known, { at }] of this.#questions) if (now - at >= questionCounts_ms) this.#questions.delete(known)
    this.#questions.set(nonce, { id, at: now })
    this.#open.add(nonce)
  }

  /** Questions that gossip brought no answer to in time; each once. */
  takeUnanswered(now: number): { readonly id: PeerId; readonly nonce: string }[] {
    const unanswered: { readonly id: PeerId; readonly nonce: string }[] = []
    for (const nonce of this.#open) {
      const question = this.#questions.get(nonce)
      if (question !== undefined && now - question.at < byGossip_ms) continue
      this.#open.delete(nonce)
      if (question !== undefined) unanswered.push({ id: question.id, nonce })
    }
    return unanswered
  }

  /** It has answered these. @returns when it was asked, last; undefined where it was not, or long ago */
  answered(id: PeerId, nonces: readonly string[], now: number): number | undefined {
    let askedAt: number | undefined
    for (const nonce of nonces) {
      const question = this.#questions.get(nonce)
      if (question === undefined || question.id !== id || now - question.at >= questionCounts_ms) continue
      this.#questions.delete(nonce)
      this.#open.delete(nonce)
      askedAt = Math.max(askedAt ?? question.at, question.at)
    }
    return askedAt
  }

  forget(subject: Subject): void {
    this.#wanted.delete(subject)
    this.#wantedByOthers.delete(subject)
  }
}

/** Whether it says of one that is doubted that it lives: then nobody waits for its report. */
export function vouchesInVain(id: PeerId, { isDoubted, asked }: Proof): boolean {
  return isDoubted && asked?.by.has(id) === true
}

function begin(subject: Subject, now: number, wait_ms: number): void {
  const { proof, heardAt, sequence, saidAt } = subject
  const before = proof.asked?.before ?? { heardAt, sequence, saidAt }
  const asked = { at: now, againAt: now + wait_ms, answerBy: undefined, by: new Set<PeerId>(), before }
  subject.proof = { ...proof, asked }
}

function doubt(subject: Subject, { before }: Asked): void {
  subject.proof = { ...subject.proof, isDoubted: true }
  subject.heardAt = before.heardAt
  subject.sequence = before.sequence
  subject.saidAt = before.saidAt
  subject.isVouchedFor = false
}

/** It has shown that it lives. @param until when words that are passed on are believed without another answer */
export function believe(subject: Subject, until: number): void {
  subject.proof = { ...subject.proof, isDoubted: false, provenUntil: until, asked: undefined }
}

/** Until when, once it has answered. */
export function provenUntil(now: number): number {
  return now + provenFor_ms
}
