/**
 * Questions between daemons that are for people: asks a peer one of some kind, answers what peers ask. What a kind means is not known here.
 */
import { BoundedMap } from '../core/basics/bounded-map.js'
import { Dropped } from '../core/basics/dropped.js'
import type { PeerId } from '../core/model/model.js'
import { Tally } from '../core/basics/tally.js'
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
import type { QuestionDropReason } from '../core/words/drop-reasons.js'

/** So many questions of one kind of one peer are answered in a second; a person, or a page, asks far less. */
const perSecond = 10
/** Peers whose questions are counted, each kind by itself; the oldest make room. */
const countedPeers = 4096
/** More than the time that is waited for an answer: the deadline below that never decides. */
const spare_ms = 1000
/** So many questions of one kind to one peer are under way at once, so many more wait for that; beyond, it is busy with ours. */
const mostUnderWay = 4
const mostWaiting = 32
/** What a peer says that was asked too often; whoever is of an earlier version takes any refusal for no answer. */
const tooMany = 'too many questions'

/**
 * What came of a question: `old`, whoever was asked knows none of its kind; `busy`, it was asked more than it answers, by us or so it says;
 * `silent` also where it did not want to, or made no sense.
 */
export type Asked =
  | { readonly how: 'answered'; readonly answer: Answered; readonly way_ms: number }
  | { readonly how: 'silent' | 'busy' | 'old' | 'unreachable' }

/** @returns the answer, plain data of at most `wireLimits.answerBytes` as JSON */
export type Answering = (question: Question, from: PeerId) => object | Promise<object>

type Reply = (bytes: Uint8Array, last: boolean) => void

/** Questions of one kind to one peer. */
interface Line {
  underWay: number
  readonly waiting: Set<(hasCome: boolean) => void>
}

export interface QuestionsParts {
  readonly network: Pick<Network, 'request'>
  /** On a clock that never steps. */
  readonly now: () => number
}

export class Questions {
  readonly #parts: QuestionsParts
  readonly #answerings = new Map<string, Answering>()
  /** The second that is counted, what came in it. */
  readonly #asked = new BoundedMap<PeerId, { readonly second: number; readonly counts: Tally<string> }>(countedPeers)
  /** What is being asked of whom, each kind by itself: who cannot answer much of one must not look busy with another. */
  readonly #lines = new Map<string, Line>()
  readonly #dropped = new Dropped<QuestionDropReason>()

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

  /**
   * Never rejects.
   * @param timeout_ms for the answer; it waits no longer than that for its turn before
   */
  async ask(to: PeerId, question: Question, timeout_ms: number): Promise<Asked> {
    const where = `${question.kind} ${to}`
    if (!(await this.#turn(where, timeout_ms))) return { how: 'busy' }
    try {
      return await this.#send(to, question, timeout_ms)
    } finally {
      this.#done(where)
    }
  }

  /** @returns whether it has come: of many questions at once, each takes the place of one that is over */
  #turn(where: string, timeout_ms: number): Promise<boolean> | boolean {
    const line = this.#lines.get(where) ?? { underWay: 0, waiting: new Set() }
    if (line.underWay < mostUnderWay) {
      line.underWay += 1
      this.#lines.set(where, line)
      return true
    }
    if (line.waiting.size >= mostWaiting) return false
    return new Promise((resolve) => {
      const comes = (hasCome: boolean): void => {
        clearTimeout(timer)
        line.waiting.delete(comes)
        resolve(hasCome)
      }
      const timer = setTimeout(() => comes(false), timeout_ms)
      line.waiting.add(comes)
    })
  }

  #done(where: string): void {
    const line = this.#lines.get(where)
    if (line === undefined) return
    const [next] = line.waiting
    if (next !== undefined) return next(true)
    line.underWay -= 1
    if (line.underWay === 0) this.#lines.delete(where)
  }

  #send(to: PeerId, question: Question, timeout_ms: number): Promise<Asked> {
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
    if (answer?.['refused'] === tooMany) return { how: 'busy' }
    if (answer === undefined || 'refused' in answer) return { how: 'silent' }
    return { how: 'answered', answer, way_ms }
  }

  // ---- answering

  /** @returns false where it is no question of this kind */
  hear(from: PeerId, bytes: Uint8Array, reply: Reply): boolean {
    if (!isQuestion(bytes)) return false
    const send = (answer: object): void => reply(encodeAnswer(answer) ?? tooLarge, true)
    const answer = this.#answerTo(from, bytes)
    if (answer instanceof Promise) void answer.catch(() => this.#refuse('question not answered')).then(send)
    else send(answer)
    return true
  }

  #answerTo(from: PeerId, bytes: Uint8Array): object | Promise<object> {
    const question = decodeQuestion(bytes)
    const answering = question && this.#answerings.get(question.kind)
    // Of one kind all others: a peer cannot make up kinds to be counted.
    if (!this.#isWithinRate(from, answering && question.kind)) return this.#refuse(tooMany)
    if (question === undefined) return this.#refuse('unreadable question')
    return answering === undefined ? { refused: 'unknown' } : answering(question, from)
  }

  #isWithinRate(from: PeerId, kind = ''): boolean {
    const second = Math.floor(this.#parts.now() / 1000)
    const before = this.#asked.get(from)
    const counts = before?.second === second ? before.counts : new Tally<string>()
    counts.add(kind, 1)
    this.#asked.set(from, { second, counts })
    return counts.of(kind) <= perSecond
  }

  #refuse(reason: QuestionDropReason): object {
    this.#dropped.count(reason)
    return { refused: reason }
  }
}

const tooLarge = encodeAnswer({ refused: 'too large' }) as Uint8Array
