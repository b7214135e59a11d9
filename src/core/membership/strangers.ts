/**
 * Daemons that were heard before their first head came, with the last thing that they said. It forgets the longest silent.
 */
import type { PeerId } from '../model/model.js'
import type { Heartbeat } from '../wire/beat.js'
import { fresh_ms } from './formulas.js'

const strangersKept = 1024

interface Word {
  readonly beat: Heartbeat
  readonly at: number
}

export class Strangers {
  readonly #words = new Map<PeerId, Word>()

  remember(stranger: PeerId, beat: Heartbeat, now: number): void {
    this.#words.delete(stranger)
    this.#words.set(stranger, { beat, at: now })
    const [oldest] = this.#words.keys()
    if (this.#words.size > strangersKept && oldest !== undefined) this.#words.delete(oldest)
  }

  /** It is a member now. @returns what it lately said */
  welcome(id: PeerId, now: number): Word | undefined {
    const word = this.#words.get(id)
    this.#words.delete(id)
    return word !== undefined && now - word.at < fresh_ms(0) ? word : undefined
  }
}
