/**
 * Lists of the whole register as bytes, made once for all who ask the same while it says the same.
 */
import type { FindService } from './service.js'

/** How old what changes by the second may be in an answer. */
const keep_ms = 500
/** Questions whose answers are kept; beyond, the oldest goes. */
const questions = 4

interface Kept {
  readonly revision: number
  readonly until: number
  readonly body: Buffer
}

export class ListAnswers {
  readonly #service: FindService
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()
  #timer: NodeJS.Timeout | undefined

  /** @param now milliseconds on a clock that never steps */
  constructor(service: FindService, now = () => performance.now()) {
    this.#service = service
    this.#now = now
  }

  /** @param question what is asked, word for word: its path with its query */
  answer(question: string, make: () => unknown): Buffer {
    const { revision } = this.#service()
    const kept = this.#kept.get(question)
    if (kept?.revision === revision && this.#now() < kept.until) return kept.body
    const body = Buffer.from(JSON.stringify(make()))
    this.#kept.delete(question)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= questions && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(question, { revision, until: this.#now() + keep_ms, body })
    this.#timer ??= setTimeout(() => this.#letGo(), keep_ms).unref()
    return body
  }

  /** Of a large register these are many megabytes, for which nobody may ever ask again. */
  #letGo(): void {
    const now = this.#now()
    for (const [question, { until }] of this.#kept) if (now >= until) this.#kept.delete(question)
    this.#timer = this.#kept.size === 0 ? undefined : setTimeout(() => this.#letGo(), keep_ms).unref()
  }
}
