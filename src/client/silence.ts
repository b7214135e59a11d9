/**
 * Ends a stream of which nothing is heard for too long.
 */
export class Silence {
  readonly #abort: AbortController
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param abort ends the stream, with the reason in words */
  constructor(abort: AbortController) {
    this.#abort = abort
  }

  /** In place of what was said before. */
  endAfter(limit_ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#abort.abort(new Error(`nothing came for ${limit_ms / 1000} s`)), limit_ms)
  }

  /** It is listened to no more. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
