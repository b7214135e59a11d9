/**
 * Questions between daemons that are for people: asks a peer one of some kind, answers what peers ask. What a kind means is not known here.
 */
import { BoundedMap } from '../core/bounded-map.js'
import { Dropped } from '../core/dropped.js'
import type { PeerId } from '../core/model.js'
import {
  type Answered,
  type Question,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  isQuestion,
} from '../core/wire/questions.js'
import type { Network } from '../io/network/network.js'

/** So many questions of one peer are answered in a second; a person, or a page, asks far less. */
const perSecond = 10
/** Peers whose questions are counted; the oldest make room. */
const countedPeers = 4096
/** More than the time that is waited for an answer: the deadline below that never decides. */
const spare_ms = 1000

/** What came of a question: `old`, whoever was asked knows none of its kind; `silent` also where it did not want to, or made no sense. */
export type Asked =
  | { readonly how: 'answered'; readonly answer: Answered; readonly way_ms: number }
  | { readonly how: 'silent' | 'old' | 'unreachable' }

/** @returns the answer, plain data of at most `wireLimits.answerBytes` as JSON */
export type Answering = (question: Question, from: PeerId) => object

type Reply = (bytes: Uint8Array, last: boolean) => void

export interface QuestionsParts {
  readonly network: Pick<Network, 'request'>
  /** On a clock that never steps. */
  readonly now: () => number
}

export class Questions {
  readonly #parts: QuestionsParts
  readonly #answerings = new Map<string, Answering>()
  /** The second that is counted, what came in it. */
  readonly #asked = new BoundedMap<PeerId, { readonly second: number; readonly count: number }>(countedPeers)
  readonly #dropped = new Dropped()

  constructor(parts: QuestionsParts) {
    this.#parts = parts
  }

  /** From now on questions of that kind are answered so. */
  answer(kind: string, answering: Answering): void {
    this.#answerings.set(kind, answering)
  }

  /** What was dropped since the start, by reason. */
  dropped(): Record<string, number> {
    return this.#dropped.all()
  }

  // ---- asking

  /** Never rejects. */
  ask(to: PeerId, question: Question, timeout_ms: number): Promise<Asked> {
    return new Promise((resolve) => {
      const askedAt = this.#parts.now()
      let asked: Asked | undefined
      const timer = setTimeout(() => resolve({ how: 'silent' }), timeout_ms)
      this.#parts.network.request(to, encodeQuestion(question), {
        timeout_ms: timeout_ms + spare_ms,
        onResponse: (bytes) => (asked ??= this.#read(bytes, this.#parts.now() - askedAt)),
        onClosed: (ok) => {
          clearTimeout(timer)
          resolve(asked ?? { how: ok ? 'old' : 'unreachable' })
        },
      })
    })
  }

  #read(bytes: Uint8Array, way_ms: number): Asked {
    const answer = decodeAnswer(bytes)
    if (answer === undefined) this.#dropped.count('unreadable answer to a question')
    if (answer?.['refused'] === 'unknown') return { how: 'old' }
    if (answer === undefined || 'refused' in answer) return { how: 'silent' }
    return { how: 'answered', answer, way_ms }
  }

  // ---- answering

  /** @returns false where it is no question of this kind */
  hear(from: PeerId, bytes: Uint8Array, reply: Reply): boolean {
    if (!isQuestion(bytes)) return false
    reply(encodeAnswer(this.#answerTo(from, bytes)) ?? tooLarge, true)
    return true
  }

  #answerTo(from: PeerId, bytes: Uint8Array): object {
    if (!this.#isWithinRate(from)) return this.#refuse('too many questions')
    const question = decodeQuestion(bytes)
    if (question === undefined) return this.#refuse('unreadable question')
    const answering = this.#answerings.get(question.kind)
    return answering === undefined ? { refused: 'unknown' } : answering(question, from)
  }

  #isWithinRate(from: PeerId): boolean {
    const second = Math.floor(this.#parts.now() / 1000)
    const before = this.#asked.get(from)
    const count = before?.second === second ? before.count + 1 : 1
    this.#asked.set(from, { second, count })
    return count <= perSecond
  }

  #refuse(reason: string): object {
    this.#dropped.count(reason)
    return { refused: reason }
  }
}

const tooLarge = encodeAnswer({ refused: 'too large' }) as Uint8Array
