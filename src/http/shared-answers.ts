/**
 * Answers that cost much, made once for all who ask the same within a moment. Whoever asks on and on, or a hundred times in one packet,
 * takes a part of this daemon's time and no more: none is made twice at a time.
 */

/** An answer is kept for so many times as long as it took to make, */
const rest = 4
/** and no longer than this. */
const keptAtMost_ms = 1000
/** Questions whose answers are kept; beyond, the oldest goes. */
const questions = 8

interface Shared {
  readonly text: Promise<string>
  /** Absent while it is being made. */
  until?: number
}

export class SharedAnswers {
  readonly #shared = new Map<string, Shared>()

  /**
   * @param question what is asked, word for word
   * @param make its answer; a failure is told to those who wait for it, and not kept
   */
  async answer(question: string, make: () => string | Promise<string>): Promise<string> {
    const now = performance.now()
    for (const [other, { until }] of this.#shared) if (until !== undefined && now >= until) this.#shared.delete(other)
    const known = this.#shared.get(question)
    if (known !== undefined) return known.text
    const shared: Shared = { text: inTurn(make) }
    const [oldest] = this.#shared.keys()
    if (this.#shared.size >= questions && oldest !== undefined) this.#shared.delete(oldest)
    this.#shared.set(question, shared)
    try {
      const text = await shared.text
      const end = performance.now()
      shared.until = end + Math.min(keptAtMost_ms, rest * (end - now))
      return text
    } catch (error) {
      shared.until = now
      throw error
    }
  }
}

/** In a turn of its own, by which all that came with the question in one packet has been read. */
async function inTurn(make: () => string | Promise<string>): Promise<string> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  return make()
}
