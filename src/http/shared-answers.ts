/**
 * Answers that cost much, made once for all who ask the same within a moment. Whoever asks on and on, or a hundred times in one packet,
 * takes a part of this daemon's time and no more: none is made twice at a time.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { RegistryError } from '../core/model/errors.js'

/** An answer is kept for so many times as long as it took to make, */
const rest = 4
/** and no longer than this. */
const keptAtMost_ms = 1000
/** Questions whose answers are kept, or made: of the former the oldest goes, of the latter there are no more. */
const questions = 8

interface Shared {
  readonly text: Promise<string>
  /** Absent while it is being made. */
  until?: number
}

export class SharedAnswers {
  readonly #shared = new Map<string, Shared>()
  #last: Promise<void> = Promise.resolve()

  /**
   * @param question what is asked, word for word
   * @param make its answer; a failure is told to those who wait for it, and not kept
   * @throws RegistryError `unavailable` where too many others are being made
   */
  async answer(question: string, make: () => string | Promise<string>): Promise<string> {
    const now = performance.now()
    for (const [other, { until }] of this.#shared) if (until !== undefined && now >= until) this.#shared.delete(other)
    const known = this.#shared.get(question)
    if (known !== undefined) return known.text
    this.#makeRoom()
    const shared: Shared = { text: this.#made(make, (until) => (shared.until = until)) }
    this.#shared.set(question, shared)
    return shared.text
  }

  #makeRoom(): void {
    if (this.#shared.size < questions) return
    for (const [other, { until }] of this.#shared) if (until !== undefined) return void this.#shared.delete(other)
    throw new RegistryError(
      'unavailable',
      `${questions} other questions of this kind are being answered; ask again in a moment`,
    )
  }

  /** After the one before, and as long a rest as that took: whoever asks for many different ones keeps nobody else waiting. */
  async #made(make: () => string | Promise<string>, end: (until: number) => void): Promise<string> {
    const before = this.#last
    let free = (): void => undefined
    this.#last = new Promise((resolve) => (free = resolve))
    await before
    const begun = performance.now()
    let kept = 0
    try {
      const text = await make()
      kept = rest
      return text
    } finally {
      const now = performance.now()
      end(now + Math.min(keptAtMost_ms, kept * (now - begun)))
      void pause(Math.min(keptAtMost_ms, now - begun), undefined, { ref: false }).then(free)
    }
  }
}
