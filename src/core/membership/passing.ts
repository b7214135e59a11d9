/**
 * Questions whether somebody lives that go over connections: for where gossip brings no answer.
 *
 *     asker ──question──▶ who passed on words of the subject ──▶ … ──▶ subject
 *           ◀───────────────── the answer, signed by the subject ──────
 *
 * A question goes back along the words that spoke for its subject, three daemons far at the most; an answer goes the way that its
 * question came, once. Who passes them on looks at neither: the asker alone does, and only at answers of those whom it asked. Only
 * daemons that said that they pass such on get any. Whom to ask is not decided here.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { Crypto, Effect } from '../effects.js'
import type { PeerId } from '../model/model.js'
import { type PassedAnswer, type PassedQuestion, answerSigned, encodeBeat } from '../wire/beat.js'
import type { Question } from '../wire/gossip.js'
import { wireLimits } from '../wire/limits.js'

/** How often a daemon asks another for the same subject. */
const pace_ms = 2000
/** What is counted as too often: less, since frames come with less between them than they went with. */
const tooOften_ms = pace_ms / 2
/** Over how many that are not connected with the subject a question goes on, after the first one. */
const hops = 2
/** Who is asked at once: one of them may keep the question to itself. */
const askedAtOnce = 4
/** Questions on their way through us, or of ours: the oldest makes room. */
const questionsKept = 512

/** A question of another. */
interface Way {
  readonly from: PeerId
  readonly to: PeerId
  readonly subject: PeerId
}

export class Passing {
  readonly #self: PeerId
  readonly #crypto: Pick<Crypto, 'sign' | 'verify'>
  /** When whom was asked for whom, and who asked us. */
  readonly #askedAt = new BoundedMap<string, number>(questionsKept)
  /** Our own, by nonce: who has not answered yet. */
  readonly #own = new BoundedMap<string, Set<PeerId>>(questionsKept)
  /** Those of others, by nonce. */
  readonly #ways = new BoundedMap<string, Way>(questionsKept)
  /** Who asked us whether we live, by nonce; who finds no room asks again. */
  readonly #owed = new Map<string, PeerId>()

  constructor(self: PeerId, crypto: Pick<Crypto, 'sign' | 'verify'>) {
    this.#self = self
    this.#crypto = crypto
  }

  /** @param via who is connected with us, and may reach the subject */
  ask(question: Question, via: readonly PeerId[], now: number): Effect[] {
    const { subject, nonce } = question
    const asked = via.slice(0, askedAtOnce).filter((to) => this.#isTime(`to ${to} ${subject}`, pace_ms, now))
    if (asked.length > 0) this.#own.set(nonce, new Set(asked))
    return asked.map((to) => frame(to, { type: 'question', ...question, hops }))
  }

  /**
   * Another asks.
   * @param next who is connected with us, and may reach the subject; undefined for nobody, or where the subject are we
   */
  question(from: PeerId, question: PassedQuestion, next: PeerId | undefined, now: number): Effect[] {
    const { subject, nonce } = question
    if (!this.#isTime(`from ${from} ${subject}`, tooOften_ms, now)) return []
    if (subject === this.#self) {
      if (this.#owed.size < wireLimits.passedAtOnce) this.#owed.set(nonce, from)
      return []
    }
    if (next === undefined || next === from || this.#ways.has(nonce) || this.#own.has(nonce)) return []
    this.#ways.set(nonce, { from, to: next, subject })
    return [frame(next, { ...question, hops: next === subject ? 0 : question.hops - 1 })]
  }

  /** Answers all who asked us since the last time, with one signature. */
  due(generation: number, sequence: number): Effect[] {
    if (this.#owed.size === 0) return []
    const said = { generation, sequence, nonces: [...this.#owed.keys()] }
    const askers = new Set(this.#owed.values())
    this.#owed.clear()
    const answer = {
      type: 'answer',
      author: this.#self,
      ...said,
      signature: this.#crypto.sign(answerSigned(said)),
    } as const
    return [...askers].map((to) => frame(to, answer))
  }

  /** An answer comes. @returns whether it is one to us, and genuine; and to whom it goes on */
  answer(from: PeerId, answer: PassedAnswer): { readonly isOurs: boolean; readonly effects: readonly Effect[] } {
    let mayBeOurs = false
    const askers = new Set<PeerId>()
    for (const nonce of answer.nonces) {
      if (this.#own.get(nonce)?.delete(from) === true) mayBeOurs = true
      const way = this.#ways.get(nonce)
      if (way === undefined || way.to !== from || way.subject !== answer.author) continue
      this.#ways.delete(nonce)
      askers.add(way.from)
    }
    const isOurs = mayBeOurs && this.#crypto.verify(answer.author, answerSigned(answer), answer.signature)
    return { isOurs, effects: [...askers].map((to) => frame(to, answer)) }
  }

  #isTime(what: string, least_ms: number, now: number): boolean {
    if (now - (this.#askedAt.get(what) ?? Number.NEGATIVE_INFINITY) < least_ms) return false
    this.#askedAt.set(what, now)
    return true
  }
}

function frame(to: PeerId, content: PassedQuestion | PassedAnswer): Effect {
  return { type: 'beat', to, bytes: encodeBeat(content) }
}
