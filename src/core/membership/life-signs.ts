/**
 * How it is asked whether somebody lives, how it is answered: many questions go in one message, many answers in another. Whom to ask is
 * not decided here.
 */
import type { Crypto, Effect } from '../effects.js'
import { type PeerId, hex } from '../model/model.js'
import { Writer } from '../wire/codec.js'
import { type Question, encodeGossip, nonceBytes } from '../wire/gossip.js'
import { wireLimits } from '../wire/limits.js'
import { Passing } from './passing.js'

/** What is signed for a nonce is signed for nothing else. */
const domain = new TextEncoder().encode('rollcall question\n')

export class LifeSigns {
  readonly #self: PeerId
  readonly #crypto: Pick<Crypto, 'sign'>
  /** Where gossip brings no answer. */
  readonly passing: Passing
  #asked = 0
  /** Questions to us that wait for the answer: others are asked again. */
  readonly #owed = new Set<string>()

  constructor(self: PeerId, crypto: Pick<Crypto, 'sign' | 'verify'>) {
    this.#self = self
    this.#crypto = crypto
    this.passing = new Passing(self, crypto)
  }

  /** Asks these. @param ownGeneration raised by each start, so that no nonce comes twice */
  ask(
    subjects: readonly { readonly id: PeerId; readonly generation: number }[],
    ownGeneration: number,
  ): { readonly questions: readonly Question[]; readonly effects: readonly Effect[] } {
    const chosen = subjects.slice(0, wireLimits.questionsAtOnce)
    const questions = chosen.map(({ id, generation }) => ({
      subject: id,
      generation,
      nonce: this.#nonce(ownGeneration),
    }))
    if (questions.length === 0) return { questions, effects: [] }
    return { questions, effects: [{ type: 'broadcast', bytes: encodeGossip({ type: 'question', to: questions }) }] }
  }

  /** Nobody can know it before: else a liar could ask the living in time for the answers that he gives for the dead. */
  #nonce(ownGeneration: number): string {
    this.#asked += 1
    const writer = new Writer().raw(domain).uint(ownGeneration).uint(this.#asked)
    return hex(this.#crypto.sign(writer.done()).subarray(0, nonceBytes))
  }

  /** Others are asked, we among them perhaps. */
  asked(to: readonly Question[], ownGeneration: number): void {
    for (const { subject, generation, nonce } of to) {
      if (subject !== this.#self || generation !== ownGeneration) continue
      if (this.#owed.size < wireLimits.questionsAtOnce) this.#owed.add(nonce)
    }
  }

  /** Answers all who asked since the last time. */
  answer(generation: number, sequence: number): Effect[] {
    if (this.#owed.size === 0) return []
    const nonces = [...this.#owed]
    this.#owed.clear()
    return [{ type: 'broadcast', bytes: encodeGossip({ type: 'answer', generation, sequence, nonces }) }]
  }
}
