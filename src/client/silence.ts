/**
 * Ends a stream of which nothing is heard for too long.
 */
import { letGo } from './aside.js'

export class Silence {
  readonly #abort: AbortController
  #timer: ReturnType<typeof setTimeout> | undefined

  readonly #isAside: boolean

  /**
   * @param abort ends the stream, with the reason in words
   * @param isAside a program that has nothing else to do need not wait for it
   */
  constructor(abort: AbortController, isAside = false) {
    this.#abort = abort
    this.#isAside = isAside
  }

  /** In place of what was said before. */
  endAfter(limit_ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#abort.abort(new Error(`nothing came for ${limit_ms / 1000} s`)), limit_ms)
    if (this.#isAside) letGo(this.#timer)
  }

  /** It is listened to no more. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
